"""Editing labels: what is acknowledged is on the disk, and nobody overwrites anybody's frames silently."""

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

import numpy as np
import pytest

from dlc_core.errors import ConfigError, DataError, DiskError, EditConflict
from dlc_core.labels import compact as compaction
from dlc_core.labels import journal as journals
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import labelled_folders, read_csv, read_folder, read_project_labels
from dlc_core.project.project import Project

from .conftest import table_of

IMAGE = "labeled-data/a/img001.png"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that these tests save are whole; test_compact has those that are not."""
    monkeypatch.setattr(compaction, "SETTLED_S", 0.0)


@pytest.fixture
def editor(project: Project) -> LabelEditor:
    return LabelEditor.open(project, "a", "Eve")


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


def test_an_editor_shows_frames_points_and_body_parts(project: Project, editor: LabelEditor) -> None:
    (project.labeled_data / "a" / "img007.png").write_bytes(b"not labelled yet")
    (project.labeled_data / "a" / "notes.txt").write_text("no frame")
    (project.root / IMAGE).unlink()
    editor = LabelEditor.open(project, project.labeled_data / "a")
    assert editor.images == tuple(f"labeled-data/a/img00{number}.png" for number in (0, 1, 2, 7))
    assert editor.missing == {IMAGE} and editor.by == "ada"
    assert editor.bodyparts == ("snout", "leftear", "tail") and editor.unused == ()
    assert editor.points(IMAGE) == {"snout": (11.5, 11.75), "leftear": (12.0, 12.25), "tail": (12.5, 12.75)}
    assert editor.points("labeled-data/a/img007.png") == {} and not editor.is_labelled("labeled-data/a/img007.png")
    assert editor.counts() == {"snout": 3, "leftear": 3, "tail": 3}


def test_an_edit_is_read_by_everybody_at_once_and_nothing_else_moves(project: Project, editor: LabelEditor) -> None:
    editor.apply(Edit(image=IMAGE, set={"snout": (1, np.float32(2.5))}, unset=("tail",)))
    assert editor.points(IMAGE) == {"snout": (1.0, 2.5), "leftear": (12.0, 12.25)}
    table = read_project_labels(project)
    expected = np.concatenate([table_of("a", 3).keypoints, table_of("b 2", 2).keypoints])
    expected[1, 0, 0], expected[1, 0, 2] = (1.0, 2.5), np.nan
    assert np.array_equal(table.keypoints, expected, equal_nan=True)


def test_the_inverse_takes_an_edit_back_and_its_inverse_makes_it_again(editor: LabelEditor) -> None:
    new = "labeled-data/a/img009.png"
    (editor.folder / "img009.png").write_bytes(b"new")
    assert editor.poll() == {new}
    for edit in (
        Edit(image=IMAGE, set={"snout": (1.0, 2.0), "tail": (3.0, 4.0)}, unset=("leftear",)),
        Edit(image=IMAGE, drop=True),
        Edit(image=new, set={"tail": (3.0, 4.0)}),
        Edit(image=new, row=True),
    ):
        states = [(editor.points(edit.image), editor.is_labelled(edit.image))]
        inverse = editor.apply(edit)
        states.append((editor.points(edit.image), editor.is_labelled(edit.image)))
        again = editor.apply(inverse)
        assert (editor.points(edit.image), editor.is_labelled(edit.image)) == states[0]
        editor.apply(again)
        assert (editor.points(edit.image), editor.is_labelled(edit.image)) == states[1]
        editor.apply(editor.apply(Edit(image=edit.image, drop=True)))
        assert (editor.points(edit.image), editor.is_labelled(edit.image)) == states[1]


def test_a_folder_without_labels_gets_a_table_with_the_columns_of_the_config(project: Project) -> None:
    folder = project.labeled_data / "new"
    folder.mkdir()
    (folder / "img0.png").write_bytes(b"")
    with LabelEditor.open(project, "new") as editor:
        editor.apply(Edit(image="labeled-data/new/img0.png", set={"tail": (1.0, 2.0)}))
        assert folder in labelled_folders(project)
    table = read_csv(folder / "CollectedData_ada.csv")
    assert table.bodyparts == ("snout", "leftear", "tail") and np.isnan(table.keypoints[0, 0, :2]).all()
    assert not (folder / "CollectedData_ada.journal").exists()


def test_a_revision_is_the_same_after_a_restart_and_another_after_an_edit(
    project: Project, editor: LabelEditor
) -> None:
    before = editor.revision(IMAGE)
    undo = editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    changed = editor.revision(IMAGE)
    assert changed != before and changed < 2**53
    assert LabelEditor.open(project, "a").revision(IMAGE) == changed
    editor.apply(undo)
    assert editor.revision(IMAGE) == before


def test_of_two_people_who_see_the_same_frame_the_second_is_told(project: Project, editor: LabelEditor) -> None:
    other = LabelEditor.open(project, "a", "Bob")
    seen = other.revision(IMAGE)
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}), seen)
    with pytest.raises(EditConflict, match=r"img001\.png was changed by somebody else") as caught:
        other.apply(Edit(image=IMAGE, set={"tail": (9.0, 9.0)}), seen)
    assert caught.value.points["snout"] == (1.0, 2.0) and caught.value.image == IMAGE
    assert other.poll() == {IMAGE} and other.poll() == set()
    other.apply(Edit(image=IMAGE, set={"tail": (9.0, 9.0)}), caught.value.revision)
    assert editor.poll() == {IMAGE} and editor.points(IMAGE)["tail"] == (9.0, 9.0)
    text = (editor.folder / "CollectedData_ada.journal").read_text()
    assert '"by":"Eve"' in text and '"by":"Bob"' in text


def test_a_frame_that_a_spreadsheet_changed_is_not_overwritten_unseen(editor: LabelEditor) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    seen = {image: editor.revision(image) for image in editor.images}
    editor.apply(Edit(image=editor.images[2], set={"tail": (5.0, 5.0)}))
    csv.write_text(csv.read_text().replace("11.5,11.75", "70.0,71.0"))
    with pytest.raises(EditConflict):
        editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}), seen[IMAGE])
    assert editor.poll() == {IMAGE} and editor.points(IMAGE)["snout"] == (70.0, 71.0)
    editor.apply(Edit(image=editor.images[0], set={"snout": (1.0, 2.0)}), seen[editor.images[0]])
    editor.close()
    table = read_csv(csv)
    assert table.keypoints[:, 0, 0].tolist() == [[1.0, 2.0], [70.0, 71.0], [13.0, 13.25]]
    assert table.keypoints[2, 0, 2].tolist() == [5.0, 5.0] and not editor.conflicts


def test_an_edit_that_a_spreadsheet_overrules_later_is_shown(editor: LabelEditor) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    csv.write_text(csv.read_text().replace("11.5,11.75", "70.0,71.0"))
    assert editor.poll() == {IMAGE}
    (conflict,) = editor.conflicts
    assert (conflict.bodypart, conflict.kept, conflict.refused) == ("snout", (70.0, 71.0), (1.0, 2.0))
    editor.apply(Edit(image=IMAGE, set={"snout": (3.0, 4.0)}), editor.revision(IMAGE))
    assert editor.points(IMAGE)["snout"] == (3.0, 4.0)
    editor.close()
    assert read_csv(csv).keypoints[1, 0, 0].tolist() == [3.0, 4.0]


def test_a_csv_that_excel_saved_with_semicolons_refuses_edits_in_one_line_until_it_is_mended(
    editor: LabelEditor,
) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    text = csv.read_text()
    csv.write_text(text.replace(",", ";"))
    with pytest.raises(DataError, match="separates its columns by semicolons"):
        editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    with pytest.raises(DataError, match="semicolons"):
        editor.poll()
    csv.write_text(text)
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    assert editor.points(IMAGE)["snout"] == (1.0, 2.0)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(image=IMAGE, set={"snuot": (1.0, 2.0)}), r"no body part 'snuot'\. Did you mean 'snout'"),
        (Edit(image=IMAGE, unset=("nose",)), "no body part 'nose'"),
        (Edit(image="labeled-data/a/img01.png", row=True), "Did you mean 'labeled-data/a/img0"),
        (Edit(image="labeled-data/a/../../config.yaml", row=True), "there is no frame"),
        (Edit(image=IMAGE, set={"snout": (1.0, float("nan"))}), "two finite numbers"),
        (Edit(image=IMAGE, set={"snout": (1.0, float("inf"))}), "two finite numbers"),
        (Edit(image=IMAGE, set={"snout": (1.0,)}), "two finite numbers"),
        (Edit(image=IMAGE, set={"snout": ("a", "b")}), "no number"),  # type: ignore[dict-item]
        (Edit(image=IMAGE, set={"snout": (1.0, 2.0)}, unset=("snout",)), "both places and removes"),
        (Edit(image=IMAGE, set={"snout": (1.0, 2.0)}, drop=True), "both places and removes"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_and_leaves_no_trace(
    editor: LabelEditor, edit: Edit, message: str
) -> None:
    before = {image: editor.points(image) for image in editor.images}
    with pytest.raises(DataError, match=message):
        editor.apply(edit)
    assert {image: editor.points(image) for image in editor.images} == before
    assert not (editor.folder / "CollectedData_ada.journal").exists()


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


def test_edits_do_not_wait_for_compaction(editor: LabelEditor, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlc_core.labels import table_files

    building, go_on = threading.Event(), threading.Event()
    original = table_files.write_h5

    def slow(*args: object) -> None:
        building.set()
        assert go_on.wait(10)
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table_files, "write_h5", slow)
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


def test_body_parts_are_added_to_the_config_and_to_every_table(project: Project, editor: LabelEditor) -> None:
    other = LabelEditor.open(project, "b 2")
    before = read_project_labels(project).keypoints
    assert editor.add_bodyparts(["paw", " hip "]).config.bodyparts == ("snout", "leftear", "tail", "paw", "hip")
    assert editor.bodyparts[3:] == ("paw", "hip")
    assert set(other.poll()) == set(other.images) and other.bodyparts == editor.bodyparts
    other.apply(Edit(image=other.images[0], set={"hip": (1.0, 2.0)}))
    other.close()
    for folder in ("a", "b 2"):
        assert read_csv(project.labeled_data / folder / "CollectedData_ada.csv").bodyparts == editor.bodyparts
    labels = read_project_labels(Project.open(project.root))
    assert np.array_equal(labels.keypoints[:, :, :3], before) and labels.keypoints[3, 0, 4].tolist() == [1.0, 2.0]
    for names, message in ((["snout"], "'snout' is there already"), ([" "], "is empty"), (["x", "x"], "there already")):
        with pytest.raises(ConfigError, match=message):
            editor.add_bodyparts(names)
    assert Project.open(project.root).config.bodyparts == editor.bodyparts


def test_a_table_that_cannot_be_written_stops_no_new_body_part(
    project: Project, editor: LabelEditor, capsys: pytest.CaptureFixture[str]
) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    text = csv.read_text()
    csv.write_text(text.replace(",", ";"))
    other = LabelEditor.open(project, "b 2")
    assert "paw" in add_bodyparts(project, ["paw"]).config.bodyparts
    assert "gets columns for paw when it is next written, not now" in capsys.readouterr().err
    assert read_folder(other.folder).bodyparts[-1] == "paw"
    csv.write_text(text)
    editor.apply(Edit(image=IMAGE, set={"paw": (1.0, 2.0)}))
    assert read_folder(editor.folder).bodyparts == ("snout", "leftear", "tail", "paw")


def test_points_of_body_parts_that_the_config_does_not_list_stay_in_the_table(project: Project) -> None:
    project.config.path.write_text(
        project.config.path.read_text().replace("snout, leftear, tail", "snout, tail, spine")
    )
    project = Project.open(project.root)
    editor = LabelEditor.open(project, "a")
    assert editor.unused == ("leftear",) and "leftear" not in editor.points(IMAGE)
    editor.apply(Edit(image=IMAGE, set={"spine": (1.0, 2.0)}))
    editor.close()
    table = read_csv(editor.folder / "CollectedData_ada.csv")
    assert table.bodyparts == ("snout", "leftear", "tail", "spine")
    assert table.keypoints[1, 0, 1].tolist() == [12.0, 12.25]


def test_misspelt_body_parts_and_unknown_folders_are_refused_when_a_folder_is_opened(project: Project) -> None:
    with pytest.raises(DataError, match=r"no folder 'A' in .*Folders: a, b 2\."):
        LabelEditor.open(project, "A")
    with pytest.raises(DataError, match="no folder"):
        LabelEditor.open(project, "..")
    project.config.path.write_text(project.config.path.read_text().replace("leftear", "leftEar"))
    with pytest.raises(DataError, match=r"labels the body part 'leftear', which config\.yaml does not have"):
        LabelEditor.open(Project.open(project.root), "a")


def test_labels_by_somebody_else_are_named_and_left_alone(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.config.path.write_text(project.config.path.read_text().replace("scorer: ada", "scorer: Ada"))
    editor = LabelEditor.open(Project.open(project.root), "a")
    assert "holds CollectedData_ada, no labels by 'Ada'" in capsys.readouterr().err
    assert not any(editor.is_labelled(image) for image in editor.images)


def test_half_a_point_is_no_label_and_stays_as_it_is_until_it_is_edited(editor: LabelEditor, project: Project) -> None:
    csv = editor.folder / "CollectedData_ada.csv"
    csv.write_text(csv.read_text().replace("11.5,11.75", "11.5,"))
    os.utime(csv.with_suffix(".h5"), (1e9, 1e9))
    assert "snout" not in LabelEditor.open(project, "a").points(IMAGE)
    editor.poll()
    editor.apply(Edit(image=IMAGE, set={"tail": (1.0, 2.0)}))
    editor.close()
    assert "img001.png,11.5,,12.0" in csv.read_text()


def test_every_lock_is_let_go_and_no_file_is_left(editor: LabelEditor) -> None:
    before = {path.name for path in editor.folder.iterdir()}
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    editor.close()
    assert {path.name for path in editor.folder.iterdir()} == before
    assert not Path(editor.folder / journals.LOCK_NAME).exists()
