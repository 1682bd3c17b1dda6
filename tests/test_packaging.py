"""The package list of pyproject.toml is the tree, and nothing named `plugins` or `configs` leaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest


def test_every_folder_with_python_files_is_packaged(repository):
    setuptools = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]
    names = {"dlc_core": "dlc_core", "plugins": "dlc_plugins", "configs": "dlc_configs"}
    found = set()
    for folder, package in names.items():
        for init in (repository / folder).rglob("__init__.py"):
            parts = init.parent.relative_to(repository / folder).parts
            found.add(".".join((package, *parts)))
        for path in (repository / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), f"{path.parent} has Python files but no __init__.py"
    assert found == set(setuptools["packages"])


def test_the_source_folders_are_imported_under_their_package_names_only():
    import dlc_configs
    import dlc_plugins

    assert dlc_plugins.__name__ == "dlc_plugins"
    assert dlc_configs.__name__ == "dlc_configs"
    assert "plugins" not in sys.modules
    assert "configs" not in sys.modules


def test_the_entry_point_is_the_command_line(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"dlc": "dlc_core.cli:main"}
    assert not [text for text in project["dependencies"] if "<" in text or "==" in text], "lower bounds only"


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return our wheel, built from a copy: a build leaves files behind where it runs."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for folder in ("dlc_core", "plugins", "configs"):
        shutil.copytree(repository / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / file, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        out,
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("dlc_core-*-py3-none-any.whl")
    return built


def test_the_wheel_holds_every_module_and_config_and_nothing_else_at_the_top(wheel, repository):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"dlc_core", "dlc_plugins", "dlc_configs"}
    folders = {"dlc_core": "dlc_core", "plugins": "dlc_plugins", "configs": "dlc_configs"}
    expected = {
        f"{package}/{path.relative_to(repository / folder).as_posix()}"
        for folder, package in folders.items()
        for path in (repository / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".js", ".css", ".html") or path.name == "py.typed"
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_what_the_wheel_installs_composes_by_itself(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    code = (
        "import dlc_core, dlc_configs, dlc_plugins\n"
        "from dlc_core.plugin_api.hydra_bridge import compose\n"
        "print(compose('train', ['experiment=deeplabcut2018', 'backbone=resnet18']).choices['backbone'])\n"
        "print(*[module.__file__ for module in (dlc_core, dlc_configs, dlc_plugins)], sep='\\n')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    backbone, *found = done.stdout.splitlines()
    assert backbone == "resnet18"
    assert [Path(name).parent.parent for name in found] == [site] * 3
    assert "dlc = dlc_core.cli:main" in next(site.glob("dlc_core-*.dist-info/entry_points.txt")).read_text()
