"""The project as a list of steps: each state is read from the files that a step writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.frames.frame_files import remember_crop
from dlc_core.gui.network_states import newest_log, suggestions
from dlc_core.gui.pipeline import DONE, PART, READY, ROWS, WAITING, Step, next_step, read_pipeline
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.journal import Edit
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.project.create import create_project
from dlc_core.project.edit_config import set_value
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder
from dlc_core.verbs import VERBS
from dlc_core.video.crop import Crop

VIDEO = "small_robot_3_frame"


@pytest.fixture
def project(tmp_path: Path, data_folder: Path) -> Project:
    return create_project(
        "reach", "Ann", [data_folder / "sleap-tests" / f"{VIDEO}.mp4"], tmp_path, bodyparts=["a", "b"]
    )


def step(project: Project, name: str) -> Step:
    return next(one for one in read_pipeline(Project.open(project.root)) if one.name == name)


def write_images(project: Project, number: int) -> list[str]:
    folder = project.labeled_data / VIDEO
    for index in range(number):
        cv2.imwrite(str(folder / f"img{index}.png"), np.zeros((20, 30, 3), np.uint8))
    return [f"labeled-data/{VIDEO}/img{index}.png" for index in range(number)]


def label(project: Project, images: list[str]) -> None:
    with LabelEditor.open(project, project.labeled_data / VIDEO) as editor:
        for image in images:
            editor.apply(Edit(image=image, set={"a": (1.0, 2.0)}))


def write_run(project: Project, name: str, steps: int, saved: int) -> Path:
    folder = shuffle_folder(project, 0.95, 1) / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"training:\n  steps: {steps}\n")
    (folder / "run.yaml").write_text("- started: '2030-01-31T12:00:00'\n")
    (folder / "log.csv").write_text(f"step,loss,seconds,test_error_px\n10,0.5,1,\n{saved},0.25,9,3.5\n")
    (folder / f"snapshot_{saved:07d}.ckpt").write_bytes(b"")
    return folder


def test_every_step_that_can_be_run_is_there_in_the_order_of_the_protocol(project):
    steps = read_pipeline(project)
    assert {verb.name for verb in VERBS} <= {one.name for one in steps}
    names = [row.name for row in ROWS]
    assert [one.name for one in steps if one.name in names] == [
        name for name in names if name in {s.name for s in steps}
    ]
    assert len({one.name for one in steps}) == len(steps)


def test_a_new_project_has_its_videos_and_waits_for_frames(project):
    states = {one.name: one.found.state for one in read_pipeline(project)}
    assert states["videos"] == DONE
    assert states["extract_frames"] == READY
    assert {states[name] for name in ("label", "check_labels", "create_dataset", "train", "evaluate")} == {WAITING}
    coming = next_step(read_pipeline(project))
    assert coming is not None
    assert coming.name == "extract_frames"


def test_a_step_that_nothing_depends_on_is_passed_over_once_a_later_one_is_done(project):
    label(project, write_images(project, 1))
    coming = next_step(read_pipeline(project))
    assert coming is not None
    assert coming.name == "check_labels"
    write_run(project, "first", 100, 100)
    coming = next_step(read_pipeline(project))
    assert coming is not None
    assert coming.name == "create_dataset"


def test_a_video_that_is_gone_is_named(project):
    (project.root / "videos" / f"{VIDEO}.mp4").unlink()
    found = step(project, "videos").found
    assert (found.state, [(item.name, item.state) for item in found.items]) == (PART, [(f"{VIDEO}.mp4", PART)])


def test_frames_and_labels_are_counted_those_of_a_journal_too(project):
    images = write_images(project, 3)
    remember_crop(project.labeled_data / VIDEO, ["img1.png"], Crop(0, 10, 0, 10))
    assert step(project, "extract_frames").found.items[0].text == "3 frames, 1 of them cropped"
    assert step(project, "label").found.text == "0 of 3 frames labelled"
    editor = LabelEditor.open(project, project.labeled_data / VIDEO)
    editor.apply(Edit(image=images[0], set={"a": (1.0, 2.0)}))
    assert step(project, "label").found.text == "1 of 3 frames labelled"  # the journal alone knows it
    assert step(project, "label").found.state == PART
    editor.close()
    label(project, images)
    assert step(project, "label").found.state == DONE
    assert step(project, "check_labels").found.state == READY
    assert step(project, "create_dataset").found.state == READY


def test_what_was_made_from_labels_that_have_changed_since_is_not_done(project):
    images = write_images(project, 1)
    label(project, images)
    drawn = project.labeled_data / f"{VIDEO}_labeled"
    drawn.mkdir()
    (drawn / "img0.png").write_bytes(b"")
    made = project.dataset_folder() / "dlc-core" / "shuffle-trainset95shuffle1.json"
    made.parent.mkdir(parents=True)
    made.write_text("{}")
    assert step(project, "check_labels").found.state == DONE
    assert step(project, "create_dataset").found.state == DONE
    table = project.labeled_data / VIDEO / "CollectedData_Ann.csv"
    later = table.stat().st_mtime + 10
    os.utime(table, (later, later))
    for name in ("check_labels", "create_dataset"):
        found = step(project, name).found
        assert (found.state, found.items[0].text) == (PART, "labels have changed since")


def test_labels_that_changed_in_a_journal_alone_have_changed(project):
    images = write_images(project, 1)
    label(project, images)
    drawn = project.labeled_data / f"{VIDEO}_labeled"
    drawn.mkdir()
    (drawn / "img0.png").write_bytes(b"")
    later = (drawn / "img0.png").stat().st_mtime + 10
    LabelEditor.open(project, VIDEO).apply(Edit(image=images[0], set={"a": (3.0, 4.0)}))
    os.utime(project.labeled_data / VIDEO / "CollectedData_Ann.journal", (later, later))
    found = step(project, "check_labels").found
    assert (found.state, found.items[0].text) == (PART, "labels have changed since")


def test_runs_tell_how_far_they_are_and_how_good(project):
    write_run(project, "first", 200, 100)
    folder = write_run(project, "second", 100, 100)
    found = step(project, "train").found
    assert {item.name: (item.text, item.state) for item in found.items} == {
        "first (shuffle 1)": ("step 100 of 200, test error 3.50 px", PART),
        "second (shuffle 1)": ("step 100 of 100, test error 3.50 px", DONE),
    }
    known = suggestions(project)
    assert sorted(known["run"]) == ["first", "second"]
    assert {Path(file).parent.name for file in known["init_weights"]} == {"first", "second"}
    log = newest_log(project)
    assert log is not None
    assert [row["loss"] for row in log[1]] == ["0.5", "0.25"]
    assert step(project, "evaluate").found.state == READY
    (folder / "evaluation").mkdir()
    result = {"step": 100, "test": {"mean_px": 3.456}, "train": {"mean_px": None}}
    (folder / "evaluation" / "x-results.json").write_text(json.dumps(result))
    found = step(project, "evaluate").found
    assert (found.state, found.text) == (PART, "1 of 2 networks evaluated")
    assert "step 100, test error 3.46 px" in [item.text for item in found.items]


def test_outliers_wait_for_a_person_and_then_for_the_merge(project):
    images = write_images(project, 2)
    place = machine_file(project.labeled_data / VIDEO, 0)
    write_machine(MachineLabels("DLC_x", tuple(images), ("a", "b"), np.ones((2, 1, 2, 2)), np.ones((2, 1, 2))), place)
    assert step(project, "refine").found.text == "0 of 2 outlier frames refined"
    assert step(project, "label").found.state == WAITING, "they are refined and not labelled"
    (place.parent / "refined-iter0.json").write_text(json.dumps({images[0]: 0.6, images[1]: None}))
    found = step(project, "refine").found
    assert (found.state, found.text) == (PART, "1 of 2 outlier frames refined")
    assert step(project, "merge").found.state == WAITING
    (place.parent / "refined-iter0.json").write_text(json.dumps(dict.fromkeys(images, 0.6)))
    assert step(project, "refine").found.state == DONE
    assert step(project, "merge").found.state == READY
    set_value(project, ["iteration"], 1)
    assert step(project, "merge").found.state == WAITING


def test_files_in_disorder_hide_no_other_step(project):
    write_images(project, 1)
    (project.labeled_data / VIDEO / "crop.json").write_text("[")
    found = step(project, "extract_frames").found
    assert found.state == PART
    assert "crop.json cannot be read" in found.text
    assert step(project, "label").found.state == READY
