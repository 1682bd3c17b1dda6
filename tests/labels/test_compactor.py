"""Large tables are written by a process of its own: the same tables, no edit lost, nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.labels.compact import compact
from dlc_core.labels.compactor import Compactor, _as_files, _as_words
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import read_csv, read_h5, write_labels
from dlc_core.labels.journal import Edit
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.project import Project

IMAGE = "labeled-data/a/img001.png"


@pytest.fixture
def compactor() -> Iterator[Compactor]:
    with Compactor() as found:
        yield found


@pytest.fixture
def editor(project: Project) -> LabelEditor:
    """Return the editor of a table that takes a moment to write."""
    images = tuple(f"labeled-data/a/img{frame:03d}.png" for frame in range(300))
    parts = ("snout", "leftear", "tail", *(f"part{number}" for number in range(30)))
    write_labels(LabelTable("ada", images, parts, np.full((300, 1, 33, 2), 4.5)), project.labeled_data / "a")
    config = project.config.path
    config.write_text(config.read_text().replace("[snout, leftear, tail]", f"[{', '.join(parts)}]"))
    return LabelEditor.open(Project.open(project.root), "a")


def place(editor: LabelEditor, x: float) -> None:
    editor.apply(Edit(image=IMAGE, set={"snout": (x, 0.0)}))


def test_both_ways_of_compaction_take_a_csv_that_another_program_saved_on_a_drive_with_a_slow_clock(
    editor: LabelEditor, compactor: Compactor
) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    for by, x in ((compact, "5.5"), (compactor.compact, "6.5")):
        lines = csv.read_text().splitlines(keepends=True)
        lines[3] = lines[3].replace("img000.png,4.5" if by is compact else "img000.png,5.5", f"img000.png,{x}")
        csv.write_text("".join(lines))
        os.utime(csv, (time.time() - 60, time.time() - 60))
        place(editor, 1.0)
        assert editor.compact(by)
        assert read_csv(csv) == read_h5(csv.with_suffix(".h5"))
        assert read_csv(csv).keypoints[0, 0, 0].tolist() == [float(x), 4.5]


def snout(table: LabelTable) -> list[float]:
    return table.keypoints[table.images.index(IMAGE), 0, 0].tolist()


def test_another_process_writes_the_table_while_edits_go_on_and_nothing_is_read_again(
    editor: LabelEditor, compactor: Compactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_again(_: LabelFiles) -> None:
        raise AssertionError("the table was read again")

    place(editor, 1.0)
    csv = editor.folder / "CollectedData_ada.csv"
    before, written = csv.stat().st_ino, []
    monkeypatch.setattr(LabelFiles, "read", not_again)
    worker = threading.Thread(target=lambda: written.append(editor.compact(compactor.compact)))
    worker.start()
    last = 1.0
    while worker.is_alive():
        last += 1
        place(editor, last)
        time.sleep(0.01)
    assert written == [True] and compactor.pid is not None
    assert csv.stat().st_ino != before
    place(editor, last + 1)
    assert editor.poll() == set()
    assert editor.compact(compactor.compact)
    monkeypatch.undo()
    assert snout(read_csv(csv)) == snout(read_h5(csv.with_suffix(".h5"))) == [last + 1, 0.0]
    assert not csv.with_suffix(".journal").exists() and editor.conflicts == ()


def test_a_process_that_is_killed_loses_nothing_and_the_work_is_done_here(
    editor: LabelEditor, compactor: Compactor, capsys: pytest.CaptureFixture[str]
) -> None:
    place(editor, 1.0)
    assert editor.compact(compactor.compact)
    for number, pause_s in enumerate((0.0, 0.02, 0.1)):
        place(editor, 10.0 + number)
        pid = compactor.pid
        assert pid is not None
        killer = threading.Timer(pause_s, os.kill, (pid, signal.SIGKILL))
        killer.start()
        assert editor.compact(compactor.compact)
        killer.join()
        assert snout(read_csv(editor.folder / "CollectedData_ada.csv")) == [10.0 + number, 0.0]
        place(editor, 20.0 + number)
        assert editor.compact(compactor.compact)  # started anew
    assert "started anew" in capsys.readouterr().err


def test_what_is_wrong_with_a_table_is_said_as_if_it_were_written_here(
    editor: LabelEditor, compactor: Compactor
) -> None:
    place(editor, 1.0)
    csv = editor.folder / "CollectedData_ada.csv"
    csv.write_text(csv.read_text().replace("4.5", "4,5", 1))
    with pytest.raises(DataError, match="csv row 4"):
        editor.compact(compactor.compact)
    assert csv.with_suffix(".journal").exists()


def test_both_kinds_of_table_are_named_to_the_process(tmp_path: Path) -> None:
    for files in (LabelFiles(tmp_path / "a = 1 Zoë", "ada"), MachineFiles(tmp_path, 3)):
        assert _as_files(_as_words(files)) == files


def test_the_process_ends_with_the_one_that_started_it(editor: LabelEditor) -> None:
    place(editor, 1.0)
    script = (
        "import sys, time\n"
        "from dlc_core.labels.compactor import Compactor\n"
        "from dlc_core.labels.editing import LabelEditor\n"
        "from dlc_core.project.project import Project\n"
        "compactor = Compactor()\n"
        f"LabelEditor.open(Project.open({str(editor.project.root)!r}), 'a').compact(compactor.compact)\n"
        "print(compactor.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    limit = time.monotonic() + 20
    while _is_alive(pid) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # a process that nobody waits for stays as a zombie
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
