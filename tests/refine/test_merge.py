"""Merging: refined points join the labels by frame and body part, and the iteration is raised last, once."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from dlc_core.errors import ConfigError, DataError, DiskError
from dlc_core.labels import table_files
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import read_csv, read_folder, read_h5, read_project_labels, write_labels
from dlc_core.labels.machine import machine_file, write_machine
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.refine import merge as merging
from dlc_core.refine.editing import RefineEditor
from dlc_core.refine.merge import merge

from .conftest import CONFIG, PARTS, machine_labels, names


def finish(project: Project, folder: str, *numbers: int, pcutoff: float = 0.5) -> None:
    with RefineEditor.open(project, folder) as editor:
        for image in names(folder, *numbers):
            editor.mark_done(image, pcutoff)


def points_of(project: Project, folder: str) -> dict[str, list[list[float]]]:
    table = read_folder(project.labeled_data / folder)
    return {
        image[-9:-4]: np.nan_to_num(row, nan=-1).tolist()
        for image, row in zip(table.images, table.keypoints[:, 0], strict=True)
    }


def test_refined_points_join_and_points_that_a_person_placed_stay(project: Project) -> None:
    with RefineEditor.open(project, "a") as editor:
        editor.apply(Edit(image=names("a", 2)[0], set={"snout": (7.5, 8.5)}))
        editor.apply(Edit(image=names("a", 3)[0], unset=("tail",)))
        for image in names("a", 1, 2, 3):
            editor.mark_done(image, 0.5)
    finish(project, "b", 0, 1, pcutoff=0.2)
    merged = merge(project)
    assert merged is not None and (merged.frames, merged.points) == (5, 8)
    assert points_of(project, "a") == {
        "img00": [[1.0, 2.0], [3.0, 4.0]],
        "img01": [[5.0, 6.0], [110.0, 111.0]],
        "img02": [[7.5, 8.5], [210.0, 211.0]],
        "img03": [[300.0, 301.0], [-1.0, -1.0]],
    }
    assert points_of(project, "b")["img01"] == [[100.0, 101.0], [110.0, 111.0]]
    for folder in ("a", "b"):
        place = project.labeled_data / folder
        assert read_csv(place / "CollectedData_ada.csv") == read_h5(place / "CollectedData_ada.h5")


def test_the_iteration_is_raised_and_every_comment_stays(project: Project) -> None:
    merge(project, "accept")
    assert project.config.path.read_text() == CONFIG.replace("iteration: 2 ", "iteration: 3 ")


def test_merging_twice_changes_nothing_the_second_time(project: Project) -> None:
    assert merge(project, "accept") is not None
    before = {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}
    assert merge(project, "accept") is None and merge(Project.open(project.root), "accept") is None
    assert {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()} == before


def test_unfinished_frames_are_refused_with_their_folders_and_nothing_is_written(project: Project) -> None:
    finish(project, "a", 2)
    before = {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}
    with pytest.raises(DataError, match=r"^3 frames .* not marked as done: a \(1 of 3\), b \(2 of 2\)\. Finish them"):
        merge(project)
    assert {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()} == before


def test_unfinished_frames_may_be_left_out(project: Project) -> None:
    finish(project, "a", 2)
    merged = merge(project, "leave")
    assert merged is not None and merged.project.iteration == 3
    assert set(points_of(project, "a")) == {"img00", "img01", "img02"}
    assert not (project.labeled_data / "b" / "CollectedData_ada.csv").exists()


def test_unfinished_frames_may_be_accepted_from_a_likelihood_on(project: Project) -> None:
    merged = merge(project, "accept")  # pcutoff 0.3 of config.yaml
    assert merged is not None
    assert points_of(project, "a")["img03"] == [[300.0, 301.0], [310.0, 311.0]]
    assert points_of(project, "a")["img01"] == [[5.0, 6.0], [-1.0, -1.0]], "it is labelled, and nobody refined it"
    assert [len(folder.unfinished) for folder in merged.folders] == [0, 2], "without a likely point"
    assert not (project.labeled_data / "b" / "CollectedData_ada.csv").exists()


def test_nothing_is_used_up_where_no_point_is_likely_enough_to_be_accepted(project: Project) -> None:
    machine_file(project.labeled_data / "a", 2).unlink()
    with pytest.raises(DataError, match=r"has a point with a likelihood of at least 0\.3, .* Lower pcutoff="):
        merge(project, "accept")
    assert Project.open(project.root).iteration == 2 and merge(project, "accept", 0.2) is not None


def test_labels_by_another_scorer_are_refused_before_anything_is_written(project: Project) -> None:
    project.config.path.write_text(CONFIG.replace("scorer: ada", "scorer: Bob"))
    with pytest.raises(DataError, match=r"a holds CollectedData_ada, but the scorer of this project is 'Bob'"):
        merge(Project.open(project.root), "accept")
    assert Project.open(project.root).iteration == 2 and not list(project.root.rglob("CollectedData_Bob*"))


def test_a_folder_that_cannot_be_read_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.labeled_data / "drive").symlink_to("/nowhere/drive")
    for step in (read_project_labels, merge):
        with pytest.raises(DataError, match="drive is a link to /nowhere/drive, which is not there"):
            step(project)
    (project.labeled_data / "drive").unlink()
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "listdir", lambda path: [entry.name for entry in refusing(path)])  # type: ignore[attr-defined]
    for step in (read_project_labels, merge):
        with pytest.raises(DataError, match=r"b cannot be read \(Permission denied\), so nobody knows"):
            step(project)


def test_a_likelihood_may_be_given_for_accepted_frames(project: Project) -> None:
    merge(project, "accept", 0.1)
    assert points_of(project, "b")["img00"] == [[0.0, 1.0], [10.0, 11.0]]


def test_a_labelled_frame_that_was_begun_and_not_finished_is_unfinished(project: Project) -> None:
    finish(project, "a", 2, 3)
    finish(project, "b", 0, 1)
    with RefineEditor.open(project, "a") as editor:
        editor.apply(Edit(image=names("a", 1)[0], set={"tail": (1.0, 1.0)}))
    with pytest.raises(DataError, match=r"^1 frame with machine labels is not marked as done: a \(1 of 3\)"):
        merge(project)


def test_frames_whose_image_is_gone_are_left_out_and_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(project, "a", 2)
    finish(project, "b", 0, 1)
    (project.root / names("a", 3)[0]).unlink()
    assert merge(project) is not None
    assert "img03" not in points_of(project, "a")
    assert "1 frame of " in (said := capsys.readouterr().err) and "labeled-data/a/img03.png" in said


def test_body_parts_that_the_config_does_not_list_are_left_out_and_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.config.path.write_text(CONFIG.replace("[snout, tail]", "[snout, paw]"))
    merge(Project.open(project.root), "accept", 0.1)
    assert read_folder(project.labeled_data / "b").bodyparts == ("snout", "paw")
    assert "tail will not be used" in capsys.readouterr().err
    write_machine(machine_labels("b", 0), machine_file(project.labeled_data / "b", 3))
    for file in project.labeled_data.glob("*/CollectedData*"):
        file.unlink()
    text = CONFIG.replace("iteration: 2", "iteration: 3")
    project.config.path.write_text(text.replace("[snout, tail]", "[snout, tails]"))
    with pytest.raises(DataError, match=r"labels the body part 'tail', which config\.yaml does not have"):
        merge(Project.open(project.root), "accept")
    project.config.path.write_text(text.replace("[snout, tail]", "[eye, paw]"))
    with pytest.raises(DataError, match=r"labels snout, tail; config\.yaml has eye, paw"):
        merge(Project.open(project.root), "accept")


def test_options_that_do_not_exist_are_refused(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"unrefined is 'leaf'; refuse, leave or accept is needed\. Did you mean"):
        merge(project, "leaf")
    with pytest.raises(ConfigError, match="pcutoff is 3; a likelihood from 0 to 1 is needed"):
        merge(project, "accept", 3)


def test_an_interruption_before_the_iteration_is_raised_is_made_good_by_merging_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(merging, "_next_iteration", interrupted)
        with pytest.raises(KeyboardInterrupt):
            merge(project, "accept")
    first = points_of(project, "a")
    assert Project.open(project.root).iteration == 2
    assert merge(project, "accept") is not None
    assert points_of(project, "a") == first and Project.open(project.root).iteration == 3


def test_an_iteration_that_somebody_else_changed_meanwhile_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = merging.update_locked

    def changed(*args: object) -> None:
        project.config.path.write_text(CONFIG.replace("iteration: 2", "iteration: 9"))
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "update_locked", changed)
    with pytest.raises(DataError, match="says iteration 9 now; iteration 2 was merged"):
        merge(project, "accept")
    assert Project.open(project.root).iteration == 9


def test_a_project_that_cannot_be_written_is_left_as_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = points_of(project, "a")
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(DiskError, match="the disk is full"):
            merge(project, "accept")
    assert points_of(project, "a") == before and Project.open(project.root).iteration == 2


def test_an_edit_during_the_merge_waits_and_is_merged_or_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    joining, refused = threading.Event(), []
    write = merging.update_locked

    def slow(*args: object) -> None:
        joining.set()
        threading.Event().wait(0.2)
        write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "update_locked", slow)
    refiner, labeller = RefineEditor.open(project, "a"), LabelEditor.open(project, "a")
    worker = threading.Thread(target=merge, args=(project, "accept"))
    worker.start()
    assert joining.wait(10)
    labeller.apply(Edit(image=names("a", 2)[0], set={"snout": (1.5, 1.5)}))
    try:
        refiner.apply(Edit(image=names("a", 2)[0], set={"tail": (1.5, 1.5)}))
    except DataError as exc:
        refused.append(str(exc))
    worker.join()
    assert "belongs to iteration 2; the project is at 3" in refused[0]
    assert points_of(project, "a")["img02"] == [[1.5, 1.5], [210.0, 211.0]]


def test_a_label_that_another_program_saves_during_the_merge_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, saved = table_files.write_h5, []
    csv = project.labeled_data / "a" / "CollectedData_ada.csv"

    def interrupted(*args: object) -> None:
        if not saved:
            saved.append(csv.write_text(csv.read_text().replace("1.0,2.0,3.0,4.0", "71.0,72.0,3.0,4.0")))
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table_files, "write_h5", interrupted)
    merged = merge(project, "accept")
    assert merged is not None and merged.points == 4
    found = points_of(project, "a")
    assert found["img00"] == [[71.0, 72.0], [3.0, 4.0]] and found["img03"] == [[300.0, 301.0], [310.0, 311.0]]


def test_labels_that_belong_to_another_folder_are_refused_before_anything_is_written(project: Project) -> None:
    points = np.ones((1, 1, 2, 2))
    write_labels(LabelTable("ada", names("old name of b", 0), PARTS, points), project.labeled_data / "b")
    before = {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}
    with pytest.raises(DataError, match=r"img00\.png', which does not lie in this folder \(b\)"):
        merge(project, "accept")
    assert {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()} == before


def test_machine_labels_of_a_renamed_folder_are_refused_and_no_correction_is_lost(project: Project) -> None:
    editor = RefineEditor.open(project, "b")
    for image in names("b", 0, 1):
        editor.mark_done(image, 0.0)
    (project.labeled_data / "b").rename(project.labeled_data / "c")
    before = {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}
    for begin in (lambda: merge(project, "accept"), lambda: RefineEditor.open(project, "c")):
        with pytest.raises(DataError, match=r"which does not lie in this folder \(c\)\. If the folder was renamed"):
            begin()
    assert {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()} == before
    (project.labeled_data / "c").rename(project.labeled_data / "b")
    merged = merge(project, "accept")
    assert merged is not None and "img01" in points_of(project, "b")


def test_labels_whose_body_parts_are_misspelt_are_refused_before_anything_is_written(project: Project) -> None:
    write_labels(LabelTable("ada", names("a", 0), ("snoot", "tail"), np.ones((1, 1, 2, 2))), project.labeled_data / "a")
    before = {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()}
    with pytest.raises(DataError, match=r"CollectedData_ada\.csv labels the body part 'snoot'.*Did you mean 'snout'"):
        merge(project, "accept")
    assert {path: path.read_bytes() for path in sorted(project.root.rglob("*")) if path.is_file()} == before


def test_unlabelled_edits_in_a_journal_are_merged_with(project: Project) -> None:
    LabelEditor.open(project, "a").apply(Edit(image=names("a", 3)[0], set={"snout": (1.5, 1.5)}))
    finish(project, "a", 2, 3)
    finish(project, "b", 0, 1)
    merge(project)
    assert points_of(project, "a")["img03"] == [[1.5, 1.5], [310.0, 311.0]]


def test_there_is_nothing_to_merge_in_a_project_without_machine_labels_of_this_iteration(
    project: Project, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        machine_file(project.labeled_data / folder, 2).unlink()
        write_machine(machine_labels(folder, 1), machine_file(project.labeled_data / folder, 1))
    assert merge(project, "accept") is None and Project.open(project.root).iteration == 2


def test_corrections_of_machine_labels_that_are_gone_are_named(project: Project) -> None:
    RefineEditor.open(project, "b").mark_done(names("b", 0)[0], 0.5)
    machine_file(project.labeled_data / "b", 2).unlink()
    with pytest.raises(DataError, match=r"holds corrections of machine labels, and machinelabels-iter2\.h5 is gone"):
        merge(project, "accept")
