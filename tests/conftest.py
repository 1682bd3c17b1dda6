"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Its tests run where the package is installed: see test_plugin_packages.py.
collect_ignore = ["example_plugin"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder of real projects and videos: DLC_TEST_DATA, by default ../shared/data."""
    folder = Path(os.environ.get("DLC_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "openfield-Pranav-2018-10-30" / "config.yaml").is_file():
        pytest.fail(f"no test data at {folder}; set DLC_TEST_DATA to the absolute path of the data folder")
    return folder
