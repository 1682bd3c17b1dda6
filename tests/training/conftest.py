"""A small real project: frames of a generated video, true points as labels (some missing), training sets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.console import Outcome
from dlc_core.data.create import create_training_dataset
from dlc_core.demo.generate import generate_video
from dlc_core.labels.files import read_project_labels, write_csv
from dlc_core.labels.table import LabelTable
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project
from dlc_core.training.run import train as run_train
from dlc_core.video.reader import VideoReader

# Some virtual machines announce AMX and end the process that uses it; it is too late once oneDNN has computed.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

SMALL = (
    "backbone=timm",
    "backbone.model=test_resnet.r160_in1k",
    "backbone.pretrained=false",
    "backbone.freeze_batchnorm=true",
    "preprocessing.global_scale=1.0",
    "preprocessing.min_input_size=32",
    "training.batch_size=2",
    "training.save_iters=100",
    "trainer.accelerator=cpu",
)
"""A network of 0.4 million parameters on images of 96 x 128 pixels: a step takes a hundredth of a second."""

Train = Callable[..., Outcome]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "walk-me-2030-01-31"
    video = root / "videos" / "mouse.mp4"
    video.parent.mkdir(parents=True)
    truth = generate_video(video, frames=24, height=96, width=128, seed=1)
    indices = list(range(0, 24, 2))
    folder = root / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    names = []
    with VideoReader(video) as reader:
        for index, image in reader.frames(indices):
            names.append(f"labeled-data/mouse/img{index:02}.png")
            assert cv2.imwrite(str(root / names[-1]), image[..., ::-1])
    points = truth.keypoints[indices][:, :, :4].astype(float)
    points[::3, :, 1] = np.nan  # labels are missing unevenly, so that counts differ from batch to batch
    points[4:7, :, 2:] = np.nan
    parts = ("nose", "left", "right", "tail")
    write_csv(LabelTable("me", tuple(names), parts, points), folder / "CollectedData_me.csv")
    (root / "config.yaml").write_text(
        "Task: walk\nscorer: me\ndate: Jan31\nTrainingFraction: [0.75]\niteration: 0\n"
        f"bodyparts: [{', '.join(parts)}]\nskeleton: [[nose, tail]]\nvideo_sets: {{}}\n",
        encoding="utf-8",
    )
    project = Project.open(root)
    create_training_dataset(project, read_project_labels(project))
    create_training_dataset(project, read_project_labels(project), shuffles=[2], validation=0.25)
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project.open(shutil.copytree(template, tmp_path / template.name))


@pytest.fixture
def train(project: Project) -> Train:
    def run(*overrides: str) -> Outcome:
        return run_train(project, compose("train", [*SMALL, *overrides], project))

    return run
