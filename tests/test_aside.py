"""What is written aside belongs to a process, and goes with it."""

import os
import subprocess
import sys
import time

import pytest

from dlc_core import aside as module
from dlc_core.aside import aside
from dlc_core.files import write_text

WRITE = """
import sys
from dlc_core.files import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def look_every_time(monkeypatch):
    monkeypatch.setattr(module, "_SWEEP_EVERY_S", 0.0)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there, nobody can ask whether a process lives")
def test_what_a_killed_process_left_is_removed_by_the_next_and_what_a_living_one_writes_is_not(tmp_path):
    labels = tmp_path / "labels.csv"
    command = [sys.executable, "-c", WRITE, str(labels)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    temporary = child.stdout.readline().strip()
    try:
        write_text(labels, "by another process")
        assert names(tmp_path) == [temporary, "labels.csv"]
    finally:
        child.kill()
        child.communicate()
    assert names(tmp_path) == [temporary, "labels.csv"]
    write_text(labels, "again")
    assert names(tmp_path) == ["labels.csv"]
    assert labels.read_text() == "again"


@pytest.mark.skipif(sys.platform == "win32", reason="there, nobody can ask whether a process lives")
def test_a_folder_that_a_process_with_our_number_left_is_removed(tmp_path):
    with aside(tmp_path / "frames.zarr") as left:
        pass
    (left / "deeper").mkdir(parents=True)
    with aside(tmp_path / "other.csv") as mine, aside(tmp_path / "third.csv") as also_mine:
        assert names(tmp_path) == []
        mine.touch()
        also_mine.touch()
        write_text(tmp_path / "a.txt", "")
        assert names(tmp_path) == sorted([mine.name, also_mine.name, "a.txt"])
    assert names(tmp_path) == ["a.txt"]


def test_what_another_machine_wrote_counts_as_left_after_a_week(tmp_path):
    fresh, old = tmp_path / ".~000000-12-0123abcd~a.csv", tmp_path / ".~000000-13-0123abcd~a.csv"
    for path, age in ((fresh, 3600), (old, 8 * 24 * 3600)):
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    (tmp_path / ".~mine").touch()
    write_text(tmp_path / "b.csv", "")
    assert names(tmp_path) == [fresh.name, ".~mine", "b.csv"]


def test_folders_of_many_files_are_not_listed_at_every_write(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SWEEP_EVERY_S", 60.0)
    with aside(tmp_path / "first.png"):
        pass
    left = tmp_path / module._name(tmp_path / "a.png")
    left.touch()
    with aside(tmp_path / "second.png"):
        assert left.exists()


@pytest.mark.parametrize("name", ["a.b.h5", "ü" * 120 + "x" * 11 + ".csv", "x" * 255, "a." + "s" * 250, "b.\udcff"])
def test_a_temporary_name_fits_and_keeps_a_suffix_of_usual_length(tmp_path, name):
    with aside(tmp_path / name) as one, aside(tmp_path / name) as other:
        assert one.name != other.name
        assert len(os.fsencode(one.name)) <= 255
        assert one.suffix == (tmp_path / name).suffix or len(one.suffix) > 32 or len(name) > 200
