"""A lock dies with its holder, whatever children that leaves behind."""

import os
import subprocess
import sys
import threading
import time

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


def test_waiting_for_a_lock_ends_when_it_is_let_go_or_when_the_time_is_over(tmp_path):
    lock = tmp_path / "a.lock"
    taken, go_on = threading.Event(), threading.Event()

    def hold():
        with holding(lock, DataError):
            taken.set()
            go_on.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(10)
    begin = time.monotonic()
    with pytest.raises(DataError, match="process"), holding(lock, DataError, wait_s=0.1):
        pass
    assert 0.1 <= time.monotonic() - begin < 5
    threading.Timer(0.1, go_on.set).start()
    with holding(lock, DataError, wait_s=10):
        assert not holder.is_alive() or go_on.is_set()
    holder.join()
    assert time.monotonic() - begin < 5


def test_a_lock_that_cannot_be_made_is_not_waited_for(tmp_path):
    (tmp_path / "file").write_text("")
    begin = time.monotonic()
    with (
        pytest.raises(DataError, match="is a file, a folder is needed"),
        holding(tmp_path / "file" / "l", DataError, wait_s=9),
    ):
        pass
    assert time.monotonic() - begin < 5


def test_an_interruption_while_the_file_is_removed_lets_go_of_the_lock(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt), holding(tmp_path / "l", DataError):
            pass
    with holding(tmp_path / "l", DataError):
        pass
