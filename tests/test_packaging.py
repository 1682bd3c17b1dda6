"""The package list of pyproject.toml is the tree, and nothing named `plugins` or `configs` leaks."""

from __future__ import annotations

import sys
import tomllib


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
