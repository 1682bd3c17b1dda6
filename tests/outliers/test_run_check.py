"""``dlc check-labels detector=label_error`` as a whole, with the networks of two folds."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.api import run_step
from dlc_core.demo.generate import generate_video
from dlc_core.errors import ConfigError, DataError, RunError
from dlc_core.labels.files import read_folder, read_project_labels, write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.outliers.fold_runs import find_fold_runs
from dlc_core.outliers.out_of_fold import predict_out_of_fold
from dlc_core.outliers.run_check import check_labels
from dlc_core.outliers.suspects import read_suspects
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.video.reader import VideoReader

PARTS = ("snout", "leftear", "rightear")
NETWORK = (
    "backbone=timm",
    "backbone.model=test_resnet.r160_in1k",
    "backbone.pretrained=false",
    "preprocessing.min_input_size=32",
    "training.steps=2",
    "training.best_on_test=false",
    "trainer.accelerator=cpu",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of 12 labelled images in two folders, with the networks of two folds."""
    root = tmp_path_factory.mktemp("check") / "walk-me-2030-01-31"
    for video, seed in (("first", 1), ("second", 2)):
        folder = root / "labeled-data" / video
        folder.mkdir(parents=True)
        truth = generate_video(root / f"{video}.mp4", 6, 96, 128, seed=seed)
        with VideoReader(root / f"{video}.mp4") as reader:
            for index, image in reader.frames(range(6)):
                assert cv2.imwrite(str(folder / f"img{index}.png"), image[..., ::-1])
        names = tuple(f"labeled-data/{video}/img{index}.png" for index in range(6))
        write_labels(LabelTable("me", names, PARTS, truth.keypoints[:, :, :3].astype(float)), folder)
    (root / "config.yaml").write_text(
        "Task: walk\nscorer: me\ndate: Jan31\nTrainingFraction: [0.75]\niteration: 0\n"
        f"bodyparts: [{', '.join(PARTS)}]\nskeleton: []\nvideo_sets: {{}}\n",
        encoding="utf-8",
    )
    project = Project.open(root)
    run_step("create_dataset", project)
    for fold in range(2):
        run_step("train", project, [*NETWORK, "split.folds=2", f"split.fold={fold}", f"run=fold{fold}"])
    return root


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    """Return a copy of it that a test may change."""
    shutil.copytree(trained, tmp_path / trained.name)
    return Project.open(tmp_path / trained.name)


def run(project: Project, *overrides: str, arguments: tuple[str, ...] = ()):
    options = ["draw=false", "detector=label_error", "device=cpu", *overrides]
    return check_labels(project, compose("check_labels", options, project), arguments)


def test_every_image_is_predicted_by_the_network_that_did_not_see_it(project: Project) -> None:
    images = read_project_labels(project).images
    found = predict_out_of_fold(project, find_fold_runs(project, RunAddress()), images, RunAddress(), "cpu")
    assert found.images == images and found.unseen == ()
    assert np.isfinite(found.poses.keypoints[:]).all() and found.poses.skeleton.keypoints == PARTS
    for name, by in found.by.items():
        record = (project.models_folder() / "walkJan31-trainset75shuffle1" / by / "run.yaml").read_text()
        train, test = record.split("test:")
        assert name in test and name not in train
    assert sorted(found.by.values()) == ["fold0"] * 6 + ["fold1"] * 6


def test_suspects_are_ranked_in_a_file_with_label_and_prediction(project: Project) -> None:
    outcome = run(project, "detector.threshold=0")
    suspects = read_suspects(project.root / "suspects.csv")
    assert outcome.data["suspects_file"] == str(project.root / "suspects.csv")
    assert len(outcome.data["suspects"]) == len(suspects) > 0, "networks of two steps disagree with every label"
    assert [one.rank for one in suspects] == list(range(1, len(suspects) + 1))
    assert [one.score for one in suspects] == sorted((one.score for one in suspects), reverse=True)
    labels = read_project_labels(project)
    for one in suspects:
        x, y = labels.keypoints[labels.images.index(one.image), 0, PARTS.index(one.bodypart)]
        assert (one.label_x, one.label_y) == pytest.approx((x, y), abs=0.006)
        assert 0 <= one.likelihood <= 1 and np.isfinite([one.prediction_x, one.prediction_y]).all()
    assert outcome.next_step.startswith("dlc label (Doubtful labels), to correct those that are wrong")


def test_nothing_is_put_among_the_folders_of_frames_where_deeplabcut_takes_it_for_one_that_nobody_refined(
    project: Project,
) -> None:
    run(project, "detector.threshold=0")
    there = [path for path in project.labeled_data.iterdir() if not path.name.startswith(".")]
    assert all(path.is_dir() for path in there), there


def test_only_the_folders_and_body_parts_that_are_asked_for_are_listed(project: Project) -> None:
    run(project, "detector.threshold=0", "bodyparts=[snout,leftear]", arguments=("second",))
    suspects = read_suspects(project.root / "suspects.csv")
    assert {one.image.split("/")[1] for one in suspects} <= {"second"}
    assert {one.bodypart for one in suspects} <= {"snout", "leftear"}
    with pytest.raises(ConfigError, match="bodyparts has 'nose'"):
        run(project, "bodyparts=nose")
    with pytest.raises(ConfigError, match="bodyparts is for a detector, and none is chosen"):
        check_labels(project, compose("check_labels", ["draw=false", "bodyparts=snout"], project), ())


def test_without_suspects_the_next_step_is_the_training_set(project: Project) -> None:
    outcome = run(project, "detector.threshold=100")
    assert outcome.data["suspects"] == [] and outcome.next_step == "dlc create-dataset"
    assert read_suspects(project.root / "suspects.csv") == ()


def test_labels_of_today_are_judged_and_images_labelled_since_are_counted(project: Project, capsys) -> None:
    folder = project.labeled_data / "first"
    table = read_folder(folder, "me")
    shutil.copy(folder / "img0.png", folder / "img9.png")
    points = np.concatenate([table.keypoints, table.keypoints[:1]])
    points[1, 0, 0] = (7, 8)
    write_labels(LabelTable("me", (*table.images, "labeled-data/first/img9.png"), PARTS, points), folder)
    run(project, "detector.threshold=0")
    assert "1 labelled image of 13 had no labels yet when the folds were trained" in capsys.readouterr().err
    marks = {
        (one.image, one.bodypart): (one.label_x, one.label_y) for one in read_suspects(project.root / "suspects.csv")
    }
    assert ("labeled-data/first/img9.png", "snout") not in marks
    assert marks.get(("labeled-data/first/img1.png", "snout"), (7, 8)) == (7, 8)


def test_an_unfinished_network_is_used_and_said(project: Project, capsys) -> None:
    (config,) = project.root.glob("dlc-models-core/**/fold1/config.yaml")
    config.write_text(config.read_text().replace("  steps: 2", "  steps: 9"))
    run(project)
    assert "fold1 has reached 2 of its 9 steps" in capsys.readouterr().err


def test_missing_networks_stop_it_before_anything_is_drawn(project: Project) -> None:
    (folder,) = project.root.glob("dlc-models-core/**/fold1")
    shutil.rmtree(folder)
    with pytest.raises(RunError, match=r"fold 1 of split\.folds=2 is missing\. Train: dlc train split\.fold=1"):
        run(project, "draw=true")
    assert not (project.labeled_data / "first_labeled").exists()
    assert not (project.root / "suspects.csv").exists()


def test_labels_of_other_images_cannot_be_judged(project: Project) -> None:
    for video in ("first", "second"):
        folder = project.labeled_data / video
        for image in folder.glob("*.png"):
            image.rename(image.with_name(f"new{image.name}"))
        table = read_folder(folder, "me")
        names = tuple(name.replace("img", "newimg") for name in table.images)
        for file in folder.glob("CollectedData*"):
            file.unlink()
        write_labels(LabelTable("me", names, PARTS, table.keypoints), folder)
    with pytest.raises(DataError, match="none of the 12 labelled images is in the test part of a fold"):
        run(project)


def test_a_table_that_cannot_be_read_fails_the_command_and_nothing_is_judged(project: Project, capsys) -> None:
    (project.labeled_data / "first" / "img0.png").unlink()
    assert run(project).failed == 1
    assert "labels are not judged" in capsys.readouterr().err
    assert not (project.root / "suspects.csv").exists()


def test_a_detector_of_videos_is_refused(project: Project) -> None:
    with pytest.raises(
        ConfigError, match="`dlc extract-outliers detector=jump`, or check labels with detector=label_e"
    ):
        run(project, "detector=jump")


def test_without_a_detector_it_is_the_plain_check(project: Project) -> None:
    outcome = check_labels(project, compose("check_labels", ["draw=false"], project))
    assert outcome.data["frames"] == 12 and "suspects" not in outcome.data
