"""A lock dies with its holder, whatever children that leaves behind."""

import os
import subprocess
import sys

import pytest

from dlc_core.errors import DataError, RunError
from dlc_core.lock import holding, is_held

FORKING = """
import os, sys, time
from pathlib import Path
from dlc_core.errors import RunError
from dlc_core.lock import holding
with holding(Path(sys.argv[1]), RunError):
    if os.fork() == 0:
        os.write(1, b"held\\n")
        os.read(0, 1)
        os._exit(0)
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_that_outlives_the_holder_holds_nothing(tmp_path):
    lock = tmp_path / "training.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=f"process {process.pid} on"), holding(lock, RunError):
            pass
        process.kill()
        process.wait()
        with holding(lock, RunError):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_one_can_ask_whether_a_lock_is_held_and_that_takes_it_from_nobody(tmp_path):
    lock = tmp_path / "a.lock"
    assert not is_held(lock)
    with holding(lock, DataError):
        assert is_held(lock)
    lock.write_text("left behind by a dead process")
    assert not is_held(lock)
    assert lock.is_file()
