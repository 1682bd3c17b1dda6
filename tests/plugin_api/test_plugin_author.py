"""What a plugin author does: import from one place, copy CONTRIBUTING's files, ask what does not load."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap

import pytest

import dlc_core.plugin_api
from dlc_core.plugin_api import protocols
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.listing import format_listing, make_listing
from dlc_core.plugin_api.testing import check_component


@pytest.mark.parametrize("name", dlc_core.plugin_api.__all__)
def test_every_type_that_is_offered_can_be_imported(name):
    assert getattr(dlc_core.plugin_api, name)


def test_every_type_of_ours_that_a_protocol_names_is_offered(repository):
    text = (repository / protocols.__file__).read_text()
    named = {
        name for names in re.findall(r"^    from dlc_core[\w.]+ import (.+)$", text, re.M) for name in names.split(", ")
    }
    assert named
    assert named <= set(dlc_core.plugin_api.__all__)
    assert not hasattr(dlc_core.plugin_api, "Feature")


def test_the_hooks_module_imports_nothing_heavy():
    program = "import sys; from dlc_core.plugin_api import Component, hookimpl; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def contributed(repository, file: str) -> str:
    """Return a module that CONTRIBUTING shows, which names it in its first line."""
    text = (repository / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(rf"   ```python\n(   # dlc_mynet/{file}\n.*?)   ```", text, re.DOTALL)
    return textwrap.dedent(code).replace("my_net", "shown_net")  # Hydra remembers names from one test to the next


def test_the_backbone_that_contributing_shows_passes_the_kit(repository, install_package):
    code = contributed(repository, "plugin.py") + contributed(repository, "net.py")
    install_package("dlc-mynet", code.replace("dlc_mynet.net:", "dlc_mynet:"))
    check_component("backbone", "shown_net")
    shown = format_listing(make_listing(load_plugins(), check=True))
    assert "components can be imported" in shown


def test_checking_names_every_component_whose_code_cannot_be_imported(repository, install_package, monkeypatch, capsys):
    from dlc_core.cli import main

    install_package("dlc-mynet", contributed(repository, "plugin.py"))  # net.py is missing
    assert make_listing(load_plugins()).code_failures is None
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    for words, shown in ((["--check"], "FAILED backbone 'shown_net'"), (["--check", "--json"], "code_failures")):
        monkeypatch.setattr(sys, "argv", ["dlc", "plugins", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert ended.value.code == 2
        assert shown in out
        assert err.startswith("Error: the code of 1 component cannot")
    (failure,) = json.loads(out)["code_failures"]
    assert "If a dependency is missing: pip install 'dlc-mynet[gpu]'" in failure["reason"]
