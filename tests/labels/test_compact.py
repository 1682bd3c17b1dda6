"""Compaction: the journal joins the table while others read and edit, and what cannot join is kept."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path

import pytest

from dlc_core.errors import DataError, DiskError
from dlc_core.labels import compact as compaction
from dlc_core.labels import table_files
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.files import labelled_folders, read_csv, read_folder, read_h5, write_h5
from dlc_core.labels.journal import Edit, Entry, append
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles
from dlc_core.project.project import Project

IMAGE = "labeled-data/a/img001.png"
OLD = (11.5, 11.75)
"""Where the snout is in that frame before any edit."""


@pytest.fixture
def files(project: Project) -> LabelFiles:
    return LabelFiles(project.labeled_data / "a", "ada")


def entry(x: float, was: tuple[float, float] = OLD) -> Entry:
    return Entry(edit=Edit(image=IMAGE, set={"snout": (x, 0.0)}, by="Ada"), was={"snout": was})


def snout(files: LabelFiles) -> tuple[float | None, ...]:
    return snapshot(files).frames.rows[IMAGE]["snout"]


def test_csv_and_h5_hold_the_edits_and_the_journal_is_gone(files: LabelFiles) -> None:
    before = read_csv(files.csv)
    append(files.journal, entry(1.0))
    assert compact(files)
    table = read_csv(files.csv)
    assert not files.journal.exists() and table == read_h5(files.h5)
    assert table.keypoints[1, 0, 0].tolist() == [1.0, 0.0]
    assert table.select([IMAGE]).keypoints[0, 0, 1:].tolist() == before.select([IMAGE]).keypoints[0, 0, 1:].tolist()
    assert table.images == before.images


def test_a_table_with_one_column_of_names_keeps_it(files: LabelFiles) -> None:
    text = files.csv.read_text().replace("labeled-data,a,", "labeled-data/a/").replace(",,,", ",", 3)
    files.csv.write_text(text)
    files.h5.unlink()
    append(files.journal, entry(1.0))
    compact(files)
    assert files.csv.read_text() == text.replace("img001.png,11.5,11.75", "img001.png,1.0,0.0")


def test_edits_made_while_the_files_are_built_stay_in_the_journal_and_nobody_waits(
    files: LabelFiles, slow_writing: tuple[threading.Event, threading.Event]
) -> None:
    building, edited = slow_writing
    append(files.journal, entry(1.0))
    worker = threading.Thread(target=compact, args=(files,))
    worker.start()
    assert building.wait(10)
    append(files.journal, entry(2.0, (1.0, 0.0)))
    edited.set()
    worker.join()
    assert read_csv(files.csv).keypoints[1, 0, 0, 0] == 1.0
    assert len(snapshot(files).journal.entries) == 1 and snout(files) == (2.0, 0.0)


def test_a_table_that_is_saved_while_the_files_are_built_is_not_overwritten(
    files: LabelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = table_files.write_h5
    saved: list[int] = []

    def interrupted(*args: object) -> None:
        if not saved:
            saved.append(1)
            files.csv.write_text(files.csv.read_text().replace("12.0,12.25", "77.0,78.0"))
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table_files, "write_h5", interrupted)
    append(files.journal, entry(1.0))
    assert compact(files)
    assert read_csv(files.csv).keypoints[1, 0, :2].tolist() == [[1.0, 0.0], [77.0, 78.0]]


def test_an_edit_that_was_refused_while_the_files_are_built_takes_none_along_that_was_made_after_it(
    files: LabelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = table_files.write_h5
    append(files.journal, entry(1.0))
    size = files.journal.stat().st_size
    append(files.journal, entry(2.0, (1.0, 0.0)))  # on the disk for a moment, until the disk reports an error
    refused: list[int] = []

    def interrupted(*args: object) -> None:
        if not refused:
            refused.append(1)
            os.truncate(files.journal, size)
            append(files.journal, entry(33333.0, (1.0, 0.0)))
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table_files, "write_h5", interrupted)
    compact(files)
    assert snout(files) == (33333.0, 0.0)
    assert not files.journal.with_suffix(".damaged").exists() and not files.journal.with_suffix(".conflicts").exists()


def test_a_point_moved_by_another_program_stays_and_the_edit_is_kept_beside_it(
    files: LabelFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    append(files.journal, entry(1.0))
    files.csv.write_text(files.csv.read_text().replace("11.5,11.75", "70.0,71.0"))
    os.utime(files.h5, (1e9, 1e9))
    table = read_folder(files.folder)
    assert table.keypoints[1, 0, 0].tolist() == [70.0, 71.0]
    assert "the other program's count, the first is snout in labeled-data/a/img001.png" in capsys.readouterr().err
    (kept,) = [json.loads(line) for line in files.journal.with_suffix(".conflicts").read_text().splitlines()]
    assert (kept["bodypart"], kept["refused"], kept["kept"], kept["by"]) == ("snout", [1.0, 0.0], [70.0, 71.0], "Ada")
    assert not files.journal.exists()


def test_lines_that_cannot_be_read_are_kept_beside_the_table(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    with files.journal.open("ab") as opened:
        opened.write(b'{"id": 1, "set": 7}\n')
    compact(files)
    assert files.journal.with_suffix(".damaged").read_bytes() == b'{"id": 1, "set": 7}\n'
    assert snout(files) == (1.0, 0.0)


@pytest.mark.parametrize("numbers", [[1.0], [1.0, 2.0, 0.5], []])
@pytest.mark.parametrize("where", ["set", "was"])
def test_a_line_with_another_number_of_coordinates_stops_nobody(
    files: LabelFiles, numbers: list[float], where: str
) -> None:
    line = {"id": "x", "t": "now", "image": IMAGE, "was": None, "set": {"snout": [1.0, 2.0]}}
    append(files.journal, entry(1.0))
    with files.journal.open("a") as opened:
        opened.write(json.dumps({**line, where: {"snout": numbers}}) + "\n")
    assert snout(files) == (1.0, 0.0)
    assert read_folder(files.folder).keypoints[1, 0, 0].tolist() == [1.0, 0.0]
    assert files.journal.with_suffix(".damaged").is_file() and not files.journal.exists()


def test_edits_follow_a_folder_that_was_renamed(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    files.folder.rename(folder := files.folder.with_name("new name"))
    csv = folder / "CollectedData_ada.csv"
    csv.write_text(csv.read_text().replace("labeled-data,a,", "labeled-data,new name,"))
    csv.with_suffix(".h5").unlink()
    table = read_folder(folder)
    assert table.images == tuple(f"labeled-data/new name/img00{number}.png" for number in range(3))
    assert table.keypoints[1, 0, 0].tolist() == [1.0, 0.0]
    assert not list(folder.glob("*.conflicts"))


def test_edits_stay_with_their_rows_while_a_table_has_the_old_name_of_its_folder(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    files.folder.rename(files.folder.with_name("new name"))
    renamed = LabelFiles(files.folder.with_name("new name"), "ada")
    with pytest.raises(DataError, match="does not lie in this folder"):
        read_folder(renamed.folder)
    assert compact(renamed)
    table = read_csv(renamed.csv)
    assert table.images == tuple(f"labeled-data/a/img00{number}.png" for number in range(3))
    assert table.keypoints[1, 0, 0].tolist() == [1.0, 0.0]
    assert not list(renamed.folder.glob("*.conflicts"))


def test_an_h5_whose_points_somebody_took_out_of_the_csv_is_kept(files: LabelFiles) -> None:
    text = files.csv.read_text()
    lines = text.splitlines(keepends=True)
    files.csv.write_text("".join(lines[:3] + lines[4:]))
    append(files.journal, entry(1.0))
    assert compact(files) and read_h5(files.h5) == read_csv(files.csv)
    kept = files.h5.with_name(f"{files.h5.name}.replaced")
    kept = kept.rename(files.folder / "kept.h5")
    assert read_h5(kept).images[0] == "labeled-data/a/img000.png"
    append(files.journal, entry(2.0, was=(1.0, 0.0)))
    assert compact(files) and not list(files.folder.glob("*.replaced")), "now both hold the same"


def test_a_journal_of_a_single_torn_line_is_removed(files: LabelFiles) -> None:
    before = files.csv.read_bytes()
    files.journal.write_bytes(b'{"id": "x", "se\x18\n')
    assert compact(files)
    assert not files.journal.exists() and files.csv.read_bytes() == before


@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("there", ["csv and h5", "h5", "an h5 from elsewhere", "csv"])
def test_an_interruption_at_any_step_leaves_the_same_labels(
    files: LabelFiles, monkeypatch: pytest.MonkeyPatch, step: int, there: str
) -> None:
    before = read_csv(files.csv)
    if "csv" not in there:
        files.csv.unlink()
    if "h5" not in there:
        files.h5.unlink()
    if "elsewhere" in there:
        os.utime(files.h5, (1e9, 1e9))
    append(files.journal, entry(1.0))
    append(files.journal, entry(2.0, (1.0, 0.0)))
    left = [step]
    for name in ("unlink", "replace"):
        original = getattr(os, name)

        def counted(*args: object, original: object = original, **options: object) -> object:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return original(*args, **options)  # type: ignore[operator]

        monkeypatch.setattr(os, name, counted)
    with contextlib.suppress(KeyboardInterrupt):
        compact(files)
    monkeypatch.undo()
    assert snout(files) == (2.0, 0.0)
    assert tuple(snapshot(files).frames.rows) == before.images
    assert read_folder(files.folder).keypoints[1, 0, 0].tolist() == [2.0, 0.0]
    assert read_h5(files.h5).keypoints[1, 0, 0].tolist() == [2.0, 0.0] and not files.journal.exists()


def test_a_full_disk_leaves_table_and_journal_and_every_reader_sees_the_edits(
    files: LabelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(files.journal, entry(1.0))
    before = files.csv.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(DiskError, match="the disk is full"):
            compact(files)
        assert read_folder(files.folder).keypoints[1, 0, 0].tolist() == [1.0, 0.0]
    assert files.csv.read_bytes() == before and files.journal.exists()


@pytest.mark.parametrize("skew_s", [0, 3, -3])
def test_a_half_written_table_is_waited_for_whatever_clock_the_drive_has(
    files: LabelFiles, monkeypatch: pytest.MonkeyPatch, skew_s: int
) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + skew_s)
    monkeypatch.setattr(compaction, "SETTLED_S", 2.0)
    text = files.csv.read_text()
    files.csv.write_text(text[:-40])
    rest = threading.Timer(0.1, lambda: files.csv.write_text(text))
    rest.start()
    assert set(snapshot(files).frames.rows) == {f"labeled-data/a/img00{number}.png" for number in range(3)}
    rest.join()


def test_a_table_that_is_no_table_any_more_is_named(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    files.csv.write_text(files.csv.read_text().replace(",", ";"))
    with pytest.raises(DataError, match="separates its columns by semicolons"):
        compact(files)
    assert files.journal.exists()


def test_a_journal_without_an_edit_makes_no_labels(project: Project) -> None:
    folder = project.labeled_data / "new"
    folder.mkdir()
    (folder / "CollectedData_ada.journal").write_bytes(b'{"id": "x", "se')
    assert folder not in labelled_folders(project)
    with pytest.raises(DataError, match="no label table"):
        read_folder(folder, "ada")


def test_labels_in_a_journal_alone_are_labels(project: Project) -> None:
    folder = project.labeled_data / "new"
    folder.mkdir()
    files = LabelFiles(folder, "ada")
    image = "labeled-data/new/img0.png"
    append(files.journal, Entry(edit=Edit(image=image, set={"tail": (1.0, 2.0)}), bodyparts=("snout", "tail")))
    table = read_folder(folder)
    assert table.bodyparts == ("snout", "tail") and table.images == (image,)
    assert Path(files.csv).is_file() and Path(files.h5).is_file()


def test_points_that_only_the_h5_holds_are_not_overwritten(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    table = read_csv(files.csv)
    points = table.keypoints.copy()
    points[2, 0, 2] = [50.0, 51.0]
    write_h5(LabelTable("ada", table.images, table.bodyparts, points), files.h5)
    content = files.h5.read_bytes()
    with pytest.raises(DataError, match=r"1 points of .*h5 are not in CollectedData_ada\.csv"):
        compact(files)
    assert files.h5.read_bytes() == content and files.journal.exists()


def test_an_h5_that_is_older_than_a_csv_from_elsewhere_is_kept_under_another_name(files: LabelFiles) -> None:
    append(files.journal, entry(1.0))
    files.csv.write_text(files.csv.read_text().replace("12.0,12.25", "77.0,78.0"))
    os.utime(files.h5, (1e9, 1e9))
    content = files.h5.read_bytes()
    assert compact(files)
    assert files.h5.with_name("CollectedData_ada.h5.replaced").read_bytes() == content
    assert read_h5(files.h5) == read_csv(files.csv)
