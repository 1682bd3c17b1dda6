"""One analysis per store at a time."""

import os
import signal
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file size are a matter of POSIX")
def test_on_a_full_disk_it_is_held_all_the_same(tmp_path):
    """A limit on the size of files stands in for the full disk: the holder's note cannot be written."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, old[1]))
    try:
        store = tmp_path / "mouse.zarr"
        with locked(store), pytest.raises(DataError, match="another process"), locked(store):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_an_error_inside_frees_it(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "mouse.zarr"):
        raise KeyError
    with locked(tmp_path / "mouse.zarr"):
        pass
