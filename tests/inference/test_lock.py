"""One analysis per store at a time."""

import os
import subprocess
import sys

import pytest

from dlc_core.errors import DataError
from dlc_core.inference.lock import locked

HOLD = """
import sys, time
from pathlib import Path
from dlc_core.inference.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "held"
    return process


def test_a_second_process_is_told_who_holds_it_and_a_killed_one_holds_nothing(tmp_path):
    store = tmp_path / "mouse.zarr"
    process = holder(store)
    try:
        with pytest.raises(DataError, match=f"process {process.pid} on .*destfolder="), locked(store):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert (tmp_path / "mouse.zarr.lock").exists()  # the dead process left it, and it stops nobody
    with locked(store):
        pass


def test_it_is_held_within_a_process_too_and_leaves_no_file(tmp_path):
    store = tmp_path / "deeper" / "mouse.zarr"
    with locked(store), pytest.raises(DataError, match=f"process {os.getpid()}"), locked(store):
        pass
    assert list(store.parent.iterdir()) == []


def test_a_file_that_somebody_else_left_does_not_matter(tmp_path):
    (tmp_path / "mouse.zarr.lock").write_text("no json")
    with locked(tmp_path / "mouse.zarr"):
        pass


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "mouse.zarr"):
        raise KeyError
    with locked(tmp_path / "mouse.zarr"):
        pass
