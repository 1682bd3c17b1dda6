"""Adding body parts to a project that has labels: config.yaml first, then every table that can be written."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.errors import ConfigError, DiskError
from dlc_core.labels import bodyparts
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.editing import Edit, LabelEditor
from dlc_core.labels.files import read_csv, read_folder, read_project_labels
from dlc_core.project.project import Project

pytestmark = pytest.mark.usefixtures("no_waiting")
IMAGE = "labeled-data/a/img001.png"


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


def test_a_table_whose_journal_cannot_be_written_gets_its_column_with_the_first_label(
    editor: LabelEditor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise DiskError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(bodyparts, "append", full)
        add_bodyparts(editor.project, ["paw"])
    assert "gets no column for paw before one is labelled there: the disk is full" in capsys.readouterr().err
    editor.apply(Edit(image=IMAGE, set={"snout": (1.0, 2.0)}))
    assert "paw" not in read_folder(editor.folder).bodyparts
    editor.apply(Edit(image=IMAGE, set={"paw": (1.0, 2.0)}))
    assert read_folder(editor.folder).bodyparts[-1] == "paw"


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
