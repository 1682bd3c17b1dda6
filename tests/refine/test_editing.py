"""Correcting machine labels: corrected points are certain, frames are begun or done, nothing is lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlc_core.errors import DataError, DiskError, EditConflict
from dlc_core.labels.compact import compact
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import read_folder
from dlc_core.labels.machine import MachineLabels, add_machine, machine_file, read_machine, write_machine
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.edit_config import set_value
from dlc_core.project.project import Project
from dlc_core.refine.editing import Edit, RefineEditor

from .conftest import machine_labels, names
from .crashing import KILLED, Crash, killed_at

SECOND = names("a", 2)[0]


@pytest.fixture
def editor(project: Project) -> RefineEditor:
    return RefineEditor.open(project, "a", "Eve")


def h5_of(project: Project, folder: str = "a") -> Path:
    return machine_file(project.labeled_data / folder, 2)


def test_machine_labels_are_shown_with_their_likelihood(editor: RefineEditor) -> None:
    assert editor.images == names("a", 1, 2, 3)
    assert editor.points(SECOND) == {"snout": (200.0, 201.0, 0.9), "tail": (210.0, 211.0, 0.9)}
    assert editor.done(SECOND) is None and not editor.begun(SECOND)


def test_a_corrected_point_is_certain_and_its_frame_begun(project: Project, editor: RefineEditor) -> None:
    editor.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}, unset=("tail",)))
    assert editor.points(SECOND) == {"snout": (1.0, 2.0, 1.0)} and editor.begun(SECOND)
    editor.close()
    table = read_machine(h5_of(project))
    assert table.scorer == "DLC_net" and table.images == names("a", 1, 2, 3)
    assert table.keypoints[1, 0, 0].tolist() == [1.0, 2.0] and table.likelihood[1, 0, 0] == 1.0
    assert np.isnan(table.keypoints[1, 0, 1]).all() and np.isnan(table.likelihood[1, 0, 1])
    assert table.keypoints[2].tolist() == machine_labels("a", 3).keypoints[0].tolist()
    assert json.loads((editor.folder / "refined-iter2.json").read_text()) == {SECOND: None}
    frame = pd.read_hdf(h5_of(project), "df_with_missing")
    assert isinstance(frame, pd.DataFrame) and frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert (editor.folder / "machinelabels.csv").read_text() == frame.to_csv(lineterminator="\n")
    assert not h5_of(project).with_suffix(".journal").exists()


def test_taking_a_correction_back_restores_the_likelihood(editor: RefineEditor) -> None:
    before = editor.points(SECOND)
    inverse = editor.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}, unset=("tail",)))
    again = editor.apply(inverse)
    assert editor.points(SECOND) == before
    editor.apply(again)
    assert editor.points(SECOND) == {"snout": (1.0, 2.0, 1.0)}


def test_a_frame_is_done_with_the_cutoff_that_was_shown_until_that_is_taken_back(
    project: Project, editor: RefineEditor
) -> None:
    inverse = editor.mark_done(SECOND, 0.6)
    assert editor.done(SECOND) == 0.6 and RefineEditor.open(project, "a").done(SECOND) == 0.6
    editor.compact()
    assert RefineEditor.open(project, "a").done(SECOND) == 0.6
    editor.apply(inverse)
    assert editor.done(SECOND) is None and editor.begun(SECOND)
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(DataError, match="from 0 to 1 is expected"):
            editor.mark_done(SECOND, wrong)


def test_two_people_refine_and_the_second_is_told(project: Project, editor: RefineEditor) -> None:
    other = RefineEditor.open(project, "a", "Bob")
    seen = other.revision(SECOND)
    editor.mark_done(SECOND, 0.6)
    with pytest.raises(EditConflict):
        other.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}), seen)
    assert other.poll() == {SECOND} and other.done(SECOND) == 0.6


@pytest.mark.parametrize("values", [(1.0, 2.0, 1.5), (1.0,), (1.0, float("nan")), (1.0, 2.0, 0.5, 0.5)])
def test_a_point_that_makes_no_sense_is_refused(editor: RefineEditor, values: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="x, y and perhaps a likelihood are expected"):
        editor.apply(Edit(image=SECOND, set={"snout": values}))


def test_frames_that_are_extracted_meanwhile_appear_and_corrections_stay(
    project: Project, editor: RefineEditor
) -> None:
    editor.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}))
    (project.root / names("a", 7)[0]).write_bytes(b"new")
    add_machine(machine_labels("a", 2, 7), h5_of(project))
    assert editor.poll() == set(names("a", 7))
    editor.close()
    assert read_machine(h5_of(project)).images == names("a", 1, 2, 3, 7)
    assert read_machine(h5_of(project)).keypoints[1, 0, 0].tolist() == [1.0, 2.0]


def test_a_removed_frame_leaves_both_tables(project: Project, editor: RefineEditor) -> None:
    both = names("a", 1)[0]
    editor.remove_frame(both)
    assert (editor.folder / "removed/img01.png").is_file() and not (project.root / both).exists()
    lines = [json.loads(line) for line in (editor.folder / "removed/removed.jsonl").read_text().splitlines()]
    assert {line["table"]: line["points"] for line in lines} == {
        "machinelabels-iter2": {"snout": [100.0, 101.0, 0.9], "tail": [110.0, 111.0, 0.9]},
        "CollectedData_ada": {"snout": [5.0, 6.0]},
    }
    assert read_folder(editor.folder).images == names("a", 0)
    assert RefineEditor.open(project, "a").images == names("a", 2, 3)
    assert LabelEditor.open(project, "a").images == names("a", 0, 2, 3)


def test_a_frame_that_cannot_be_removed_stays_done(
    project: Project, editor: RefineEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise OSError(13, "Permission denied")

    both = names("a", 1)[0]
    editor.mark_done(both, 0.5)
    before = editor.points(both), editor.revision(both)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", denied)
        with pytest.raises(DiskError, match="permission denied"):
            editor.remove_frame(both)
    for one in (editor, RefineEditor.open(project, "a")):
        assert (one.points(both), one.revision(both)) == before and one.done(both) == 0.5
    assert LabelEditor.open(project, "a").is_labelled(both)
    editor.remove_frame(both)
    assert both not in editor.images


def test_a_removal_that_is_killed_leaves_no_label_without_an_image(project: Project) -> None:
    both = names("a", 1)[0]
    for step in range(60):
        editor = RefineEditor.open(project, "a")
        ended = killed_at(Crash(step), lambda editor=editor: editor.remove_frame(both))  # type: ignore[misc]
        for files in (MachineFiles(editor.folder, 2), LabelFiles(editor.folder, "ada")):
            compact(files)
            assert (project.root / both).is_file() or both not in LabelEditor.open(project, "a").images
        if not (project.root / both).is_file():
            break
    assert ended == KILLED


def test_taking_a_correction_back_restores_a_point_whose_likelihood_is_not_known(project: Project) -> None:
    labels = machine_labels("b", 0, 1)
    likelihood = np.where([[[True, False]]], np.nan, labels.likelihood)
    unknown = MachineLabels(labels.scorer, labels.images, labels.bodyparts, labels.keypoints, likelihood)
    write_machine(unknown, h5_of(project, "b"))
    editor, image = RefineEditor.open(project, "b"), names("b", 0)[0]
    before = editor.points(image)
    assert before["snout"] == (0.0, 1.0, 0.0)
    editor.apply(editor.apply(Edit(image=image, set={"snout": (5.0, 5.0)})))
    assert editor.points(image) == before


def test_a_folder_without_machine_labels_of_this_iteration_says_which_it_has(project: Project) -> None:
    os.rename(h5_of(project), machine_file(project.labeled_data / "a", 1))
    with pytest.raises(DataError, match=r"no machinelabels-iter2\.h5, .* it has machinelabels-iter1\.h5\. Extract"):
        RefineEditor.open(project, "a")


def test_labels_that_were_merged_are_edited_no_more(project: Project, editor: RefineEditor) -> None:
    set_value(project, ["iteration"], 3)
    with pytest.raises(DataError, match="belongs to iteration 2; the project is at 3"):
        editor.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}))
    assert editor.points(SECOND)["snout"] == (200.0, 201.0, 0.9)
    assert not h5_of(project).with_suffix(".journal").exists()


def test_a_state_file_that_is_damaged_is_named(project: Project, editor: RefineEditor) -> None:
    editor.mark_done(SECOND, 0.5)
    editor.close()
    (editor.folder / "refined-iter2.json").write_text("{")
    with pytest.raises(DataError, match=r"refined-iter2\.json cannot be read"):
        RefineEditor.open(project, "a")


def test_a_correction_on_a_full_disk_is_refused(editor: RefineEditor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(DiskError, match="the disk is full"):
            editor.apply(Edit(image=SECOND, set={"snout": (1.0, 2.0)}))
    assert editor.points(SECOND)["snout"] == (200.0, 201.0, 0.9) and not editor.begun(SECOND)
