"""Packages that are installed for one test only: a folder with a module and a dist-info, put on sys.path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlc_core.plugin_api.discovery import load_plugins

Installer = Callable[..., None]


@pytest.fixture
def install_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Return ``install(distribution, code, entry_point="plugin", attribute="")``; all is undone after the test.

    The entry point names `attribute` of the module, or the module itself.
    """
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    load_plugins.cache_clear()

    def install(distribution: str, code: str, entry_point: str = "plugin", attribute: str = "") -> None:
        module = distribution.replace("-", "_")
        (folder / f"{module}.py").write_text(code)
        info = folder / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        value = f"{module}:{attribute}" if attribute else module
        (info / "entry_points.txt").write_text(f"[dlc]\n{entry_point} = {value}\n")
        load_plugins.cache_clear()

    yield install
    load_plugins.cache_clear()
    for name in [name for name, module in sys.modules.items() if str(folder) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]
