"""A small project with two sizes of images and a run of two saved steps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlc_core.api import run_step
from dlc_core.demo.generate import generate_video
from dlc_core.labels.files import write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.video.reader import VideoReader

PARTS = ("snout", "leftear", "rightear", "spine")
NETWORK = (
    "backbone=timm",
    "backbone.model=test_resnet.r160_in1k",
    "backbone.pretrained=false",
    "preprocessing.global_scale=0.8",
    "preprocessing.min_input_size=32",
    "training.save_iters=2",
    "training.steps=4",
    "training.best_on_test=true",
    "trainer.accelerator=cpu",
)


@pytest.fixture(scope="session")
def evaluated_project(tmp_path_factory):
    """Return a project whose run `tiny` has two snapshots and one best on test."""
    root = tmp_path_factory.mktemp("evaluation") / "walk-me-2030-01-31"
    for video, height, width in (("large", 96, 128), ("small", 80, 104)):
        (root / "videos").mkdir(parents=True, exist_ok=True)
        folder = root / "labeled-data" / video
        folder.mkdir(parents=True)
        truth = generate_video(root / "videos" / f"{video}.mp4", 8, height, width, seed=1)
        with VideoReader(root / "videos" / f"{video}.mp4") as reader:
            for index, image in reader.frames(range(8)):
                assert cv2.imwrite(str(folder / f"img{index}.png"), image[..., ::-1])
        points = truth.keypoints[:, :, :4].astype(float)
        points[::3, :, 1] = np.nan
        names = tuple(f"labeled-data/{video}/img{index}.png" for index in range(8))
        write_labels(LabelTable("me", names, PARTS, points), folder)
    (root / "config.yaml").write_text(
        "Task: walk\nscorer: me\ndate: Jan31\nTrainingFraction: [0.75]\niteration: 0\npcutoff: 0.5\n"
        f"bodyparts: [{', '.join(PARTS)}]\nskeleton: []\nvideo_sets: {{}}\n",
        encoding="utf-8",
    )
    project = Project.open(root)
    run_step("create_dataset", project)
    run_step("train", project, [*NETWORK, "run=tiny"])
    return project
