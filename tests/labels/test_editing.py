"""Editing labels: what is acknowledged is on the disk, and nobody overwrites anybody's frames silently."""

from __future__ import annotations

import os

import numpy as np
import pytest

from dlc_core.errors import DataError, EditConflict
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import labelled_folders, read_csv, read_project_labels
from dlc_core.project.project import Project

from .conftest import table_of

pytestmark = pytest.mark.usefixtures("no_waiting")
IMAGE = "labeled-data/a/img001.png"


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
