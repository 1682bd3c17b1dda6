"""Real packages, installed by pip: one that works, one with a window, and five that are broken, each in its own way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("example_plugin", "window_head_plugin")
BROKEN = ("import_error", "wrong_argument", "misspelt_hook", "duplicate_component", "raising_hook")


def install(sources: list[Path], site: Path, build: Path) -> None:
    """Install copies of `sources` into `site`: pip leaves files behind where it builds."""
    copies = [shutil.copytree(source, build / source.name) for source in sources]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", site, *copies], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages that work."""
    site = tmp_path_factory.mktemp("site")
    install([repository / "tests" / name for name in PACKAGES], site, tmp_path_factory.mktemp("build"))
    return site


@pytest.fixture(scope="module")
def broken_site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the broken packages."""
    site = tmp_path_factory.mktemp("broken_site")
    install([repository / "tests" / "broken_plugins" / n for n in BROKEN], site, tmp_path_factory.mktemp("build"))
    return site


def run(sites: list[Path], *command: str, cwd: Path | None = None) -> str:
    """Return what `command` prints in a process that sees `sites`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sites)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


REPORT = """
import json, warnings
warnings.simplefilter("ignore")
from dlc_core.plugin_api.discovery import load_plugins
plugins = load_plugins()
print(json.dumps({
    "failures": {failure.provider: failure.reason for failure in plugins.failures},
    "ambiguous": {kind: dict(registry.ambiguous) for kind, registry in plugins.registries.items()},
    "names": {kind: sorted(registry) for kind, registry in plugins.registries.items()},
    "built": type(plugins.registry("backbone").build({"name": "tiny_conv", "width": 2})).__name__,
}))
"""


def test_the_example_package_passes_its_own_tests(site, repository, tmp_path):
    package = shutil.copytree(repository / "tests" / "example_plugin", tmp_path / "example_plugin")
    shutil.rmtree(package / "dlc_example")  # what is installed is tested, not what lies beside the tests
    assert " passed" in run([site], "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=package)


def test_the_window_head_passes_the_kit(site):
    run([site], "-c", "from dlc_core.plugin_api.testing import check_component; check_component('head', 'window3')")
    code = "from dlc_core.plugin_api.testing import check_discovery_is_light as check; check('dlc_window_head.plugin')"
    run([site], "-c", code)


def test_five_broken_packages_at_once_are_named_and_change_nothing_else(site, broken_site):
    alone = json.loads(run([site], "-c", REPORT))
    together = json.loads(run([site, broken_site], "-c", REPORT))
    assert alone["failures"] == {}
    reasons = {provider.split(" ")[0]: reason for provider, reason in together["failures"].items()}
    assert set(reasons) == {f"dlc-broken-{word}" for word in ("import", "argument", "spelling", "raising")}
    assert "a_package_that_is_not_installed" in reasons["dlc-broken-import"]
    assert "settings" in reasons["dlc-broken-argument"]
    assert "Did you mean 'dlc_backbones'" in reasons["dlc-broken-spelling"]
    assert "the licence server does not answer" in reasons["dlc-broken-raising"]
    ambiguous = {
        (kind, name): owners for kind, names in together["ambiguous"].items() for name, owners in names.items()
    }
    assert list(ambiguous) == [("frame_selector", "every_nth")]
    owners = ambiguous["frame_selector", "every_nth"]
    assert {owner.split(" ")[0] for owner in owners} == {"dlc-example", "dlc-broken-duplicate"}
    alone["names"]["frame_selector"].remove("every_nth")
    assert together["names"] == alone["names"]
    assert together["built"] == "TinyConv"


def test_the_preset_of_the_example_package_composes(site):
    code = (
        "from dlc_core.plugin_api.hydra_bridge import compose\n"
        "composed = compose('train', ['backbone=tiny_conv_wide', 'head=window3', 'head.radius=9'])\n"
        "print(composed.config.backbone, composed.choices['backbone'], composed.config.head.radius)"
    )
    printed = run([site], "-c", code)
    assert printed.strip() == "{'name': 'tiny_conv', 'width': 32} tiny_conv_wide 9.0"
