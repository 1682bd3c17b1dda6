"""An editor of a folder among other programs: full disks, locks, two processes, death, frames that are removed."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlc_core.errors import DataError, DiskError, EditConflict
from dlc_core.labels import compact as compaction
from dlc_core.labels import journal as journals
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import read_csv, read_folder, read_project_labels
from dlc_core.project.project import Project

from .conftest import table_of

pytestmark = pytest.mark.usefixtures("no_waiting")
IMAGE = "labeled-data/a/img001.png"


@pytest.fixture
def ordinary_user(project: Project) -> Iterator[None]:
    """Give the rights of somebody who is not the administrator, whom no permission stops."""
    is_root = os.geteuid() == 0
    paths = [project.root, *project.root.rglob("*")]
    closed = {parent: parent.stat().st_mode for parent in project.root.parents if not parent.stat().st_mode & 0o001}
    if is_root:
        for path in paths:
            os.chown(path, 65534, 65534)
        for parent, mode in closed.items():
            os.chmod(parent, mode | 0o011)
        os.seteuid(65534)
    yield
    if is_root:
        os.seteuid(0)
        for parent, mode in closed.items():
            os.chmod(parent, mode)
    for path in paths:
        path.chmod(0o755)


def test_an_edit_on_a_full_disk_is_refused_and_neither_in_memory_nor_on_the_disk(
    project: Project, editor: LabelEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    before = (editor.folder / "CollectedData_ada.journal").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskError, match=r"^cannot write .*: the disk is full\. Free some space\.$"):
            editor.apply(Edit(image=IMAGE, set={"snout": (8.0, 8.0)}))
    assert editor.points(IMAGE)["snout"] == (1.0, 2.0) and editor.poll() == set()
    assert (editor.folder / "CollectedData_ada.journal").read_bytes() == before
    assert LabelEditor.open(project, "a").points(IMAGE)["snout"] == (1.0, 2.0)
    editor.apply(Edit(image=IMAGE, set={"snout": (3.0, 3.0)}))
    assert read_folder(editor.folder).keypoints[1, 0, 0].tolist() == [3.0, 3.0]


def test_a_real_limit_of_the_file_system_refuses_the_edit_that_meets_it(project: Project, editor: LabelEditor) -> None:
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    size = (editor.folder / "CollectedData_ada.journal").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 60, before[1]))
    try:
        with pytest.raises(DiskError, match="larger than the file system"):
            editor.apply(Edit(image=IMAGE, set={"snout": (8.0, 8.0)}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (editor.folder / "CollectedData_ada.journal").stat().st_size == size
    assert LabelEditor.open(project, "a").points(IMAGE)["snout"] == editor.points(IMAGE)["snout"] == (1.0, 2.0)


@pytest.mark.usefixtures("ordinary_user")
def test_a_read_only_folder_shows_labels_and_journal_and_refuses_edits(project: Project) -> None:
    editor = LabelEditor.open(project, "a")
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    editor.folder.chmod(0o555)
    reopened = LabelEditor.open(project, "a")
    assert reopened.points(IMAGE)["snout"] == (1.0, 2.0)
    assert read_folder(editor.folder).keypoints[1, 0, 0].tolist() == [1.0, 2.0]
    with pytest.raises(DiskError, match=r"permission denied\. Make the folder writable"):
        reopened.apply(Edit(image=IMAGE, set={"snout": (8.0, 8.0)}))
    assert reopened.points(IMAGE)["snout"] == (1.0, 2.0)
    reopened.close()
    assert (editor.folder / "CollectedData_ada.journal").exists()


def test_a_file_system_without_locks_is_said_once_and_edits_go_on(
    editor: LabelEditor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    for number in range(3):
        editor.apply(Edit(image=IMAGE, set={"snout": (float(number), 2.0)}))
    editor.close()
    assert capsys.readouterr().err.count("has no locks") == 1
    assert read_csv(editor.folder / "CollectedData_ada.csv").keypoints[1, 0, 0].tolist() == [2.0, 2.0]


def test_edits_do_not_wait_for_compaction(
    editor: LabelEditor, slow_writing: tuple[threading.Event, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    building, go_on = slow_writing
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    worker = threading.Thread(target=editor.compact)
    worker.start()
    assert building.wait(10)
    editor.apply(Edit(image=IMAGE, set={"snout": (3.0, 4.0)}))
    assert editor.poll() == set() and worker.is_alive()
    go_on.set()
    worker.join()
    reads = []
    monkeypatch.setattr(LabelEditor, "_read", lambda self: reads.append(self))
    editor.apply(Edit(image=IMAGE, set={"tail": (3.0, 4.0)}))
    assert not reads, "the editor knows what its own compaction wrote"
    monkeypatch.undo()
    assert editor.points(IMAGE)["snout"] == (3.0, 4.0)
    assert read_folder(editor.folder).keypoints[1, 0, [0, 2]].tolist() == [[3.0, 4.0], [3.0, 4.0]]


PROGRAM = """
import sys
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.project.project import Project
editor = LabelEditor.open(Project.open(sys.argv[1]), "a", sys.argv[2])
for number in range(int(sys.argv[3])):
    editor.apply(Edit(image=f"labeled-data/a/img{number % 3:03}.png", set={sys.argv[2]: (float(number), 1.0)}))
    print(number, flush=True)
    if number % 7 == 3:
        editor.compact()
"""


def test_two_processes_edit_and_compact_the_same_folder_and_both_are_right(project: Project) -> None:
    names = ("snout", "tail")
    command = [sys.executable, "-c", PROGRAM, str(project.root)]
    running = [
        subprocess.Popen([*command, name, "30"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for name in names
    ]
    for process in running:
        assert process.communicate(timeout=60)[1] == b"" and process.returncode == 0
    table = read_folder(project.labeled_data / "a")
    assert (
        table.keypoints[:, 0, 0].tolist()
        == table.keypoints[:, 0, 2].tolist()
        == [[27.0, 1.0], [28.0, 1.0], [29.0, 1.0]]
    )
    assert table.keypoints[:, 0, 1].tolist() == table_of("a", 3).keypoints[:, 0, 1].tolist()


def test_an_editor_that_is_killed_has_lost_nothing_that_it_acknowledged(project: Project) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(project.root), "snout", "100000"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    last = 0
    for line in process.stdout:
        last = int(line)
        if last >= 40:
            break
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    last = max([last, *(int(number) for number in rest if number.isdigit())])
    found = LabelEditor.open(project, "a")
    values = [int(found.points(image)["snout"][0]) for image in found.images]
    assert max(values) in (last, last + 1)  # the one that was not acknowledged may be there
    assert sorted(values) == [max(values) - 2, max(values) - 1, max(values)]


def test_a_removed_frame_is_moved_aside_with_its_labels(project: Project, editor: LabelEditor) -> None:
    content = (project.root / IMAGE).read_bytes()
    seen = editor.revision(IMAGE)
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    with pytest.raises(EditConflict):
        editor.remove_frame(IMAGE, seen)
    moved = editor.remove_frame(IMAGE, editor.revision(IMAGE))
    assert moved == editor.folder / "removed" / "img001.png" and moved.read_bytes() == content
    assert IMAGE not in editor.images
    editor.close()
    assert read_project_labels(project).images[:3] == (
        "labeled-data/a/img000.png",
        "labeled-data/a/img002.png",
        "labeled-data/b 2/img000.png",
    )
    assert '"snout": [1.0, 2.0]' in (editor.folder / "removed" / "removed.jsonl").read_text()
    with pytest.raises(DataError, match="there is no frame"):
        editor.remove_frame(IMAGE)


def test_a_frame_that_cannot_be_moved_keeps_its_labels(
    project: Project, editor: LabelEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    before = editor.points(IMAGE)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", denied)
        with pytest.raises(DiskError, match="permission denied"):
            editor.remove_frame(IMAGE)
    assert editor.points(IMAGE) == before and (project.root / IMAGE).is_file()
    editor.close()
    assert LabelEditor.open(project, "a").points(IMAGE) == before and (project.root / IMAGE).is_file()


def test_a_frame_that_somebody_has_just_removed_gets_no_label(project: Project, editor: LabelEditor) -> None:
    image = "labeled-data/a/img009.png"
    (project.root / image).write_bytes(b"not labelled yet")
    other = LabelEditor.open(project, "a")
    seen = other.revision(image)
    assert LabelEditor.open(project, "a").remove_frame(image) == editor.folder / "removed" / "img009.png"
    with pytest.raises(DataError, match=r"there is no frame 'labeled-data/a/img009\.png'"):
        other.apply(Edit(image=image, set={"snout": (1.0, 2.0)}), seen)
    assert image not in read_project_labels(project).images


def test_a_frame_that_was_removed_and_moved_back_stays(project: Project, editor: LabelEditor) -> None:
    moved = editor.remove_frame(IMAGE)
    assert moved is not None
    moved.rename(project.root / IMAGE)
    editor.close()
    assert (project.root / IMAGE).is_file() and not LabelEditor.open(project, "a").is_labelled(IMAGE)


def test_what_another_program_saves_while_compaction_ends_is_seen(
    editor: LabelEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv, cut = editor.folder / "CollectedData_ada.csv", compaction.cut

    def saved_meanwhile(path: Path, size: int) -> None:
        csv.write_text(csv.read_text().replace("10.0,10.25", "70.0,71.0"))
        cut(path, size)

    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    with monkeypatch.context() as patched:
        patched.setattr(compaction, "cut", saved_meanwhile)
        editor.compact()
    first = editor.images[0]
    assert editor.poll() == {first} and editor.points(first)["snout"] == (70.0, 71.0)


def test_what_another_program_saves_while_an_edit_is_written_is_seen(
    editor: LabelEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    fsync = os.fsync

    def saved_meanwhile(descriptor: int) -> None:
        csv.write_text(csv.read_text().replace("10.0,10.25", "70.0,71.0"))
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", saved_meanwhile)
        editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    first = editor.images[0]
    assert editor.poll() == {first} and editor.points(first)["snout"] == (70.0, 71.0)


def test_every_lock_is_let_go_and_no_file_is_left(editor: LabelEditor) -> None:
    before = {path.name for path in editor.folder.iterdir()}
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    editor.close()
    assert {path.name for path in editor.folder.iterdir()} == before
    assert not Path(editor.folder / journals.LOCK_NAME).exists()
