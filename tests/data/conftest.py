"""A small training set made of real files: a generated video, frames taken from it, true points as labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.data.create import TrainingSet
from dlc_core.data.packed import PackedFrames
from dlc_core.data.splits import Split
from dlc_core.demo.generate import generate_video
from dlc_core.labels.files import write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

FRAMES = 24
LABELLED = (0, 3, 7, 8, 12, 15, 20, 23)


@dataclass(frozen=True)
class Filmed:
    """A training set and the video it was taken from."""

    root: Path
    video: Path
    training_set: TrainingSet
    skeleton: Skeleton
    pixels: np.ndarray = field(repr=False)  # (frames, height, width, 3) of the video, in order


def film(root: Path, crop: Crop | None = None) -> Filmed:
    video = root / "videos" / "mouse.mp4"
    video.parent.mkdir(parents=True)
    truth = generate_video(video, frames=FRAMES, height=96, width=128, seed=1)
    with VideoReader(video) as reader:
        pixels = np.stack([image for _, image in reader.frames()])
    folder = root / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    names = []
    for index in LABELLED:
        image = pixels[index] if crop is None else crop.apply(pixels[index])
        names.append(f"labeled-data/mouse/img{index:02}.png")
        assert cv2.imwrite(str(root / names[-1]), image[..., ::-1])
    points = truth.keypoints[list(LABELLED)].astype(float)
    if crop is not None:
        points = points - crop.offset()
    skeleton = Skeleton(tuple(f"part{index}" for index in range(points.shape[2])))
    frames = PackedFrames.create(root / "frames.zarr", names, root)
    labels = LabelTable("Me", tuple(names), skeleton.keypoints, points)
    split = Split(train=tuple(names[:5]), test=tuple(names[5:7]), validation=(names[7],))
    return Filmed(root, video, TrainingSet(root / "shuffle.json", 0.8, 1, split, labels, frames), skeleton, pixels)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory) -> Filmed:
    return film(tmp_path_factory.mktemp("project"))


@pytest.fixture
def make_filmed():
    return film


@pytest.fixture
def labelled_project(tmp_path) -> Project:
    """Return a project with 12 labelled frames of two videos, some points missing, one frame without any point."""
    (tmp_path / "config.yaml").write_text(
        "Task: reach\nscorer: Me\ndate: Nov21\niteration: 0\n"
        "bodyparts: [hand, finger, tip]\nTrainingFraction: [0.75, 0.5]\n"
    )
    generator = np.random.default_rng(0)
    for video, size, count in (("cage", (40, 60), 8), ("arena", (32, 48), 4)):
        folder = tmp_path / "labeled-data" / video
        folder.mkdir(parents=True)
        names = tuple(f"labeled-data/{video}/img{index:02}.png" for index in range(count))
        for name in names:
            assert cv2.imwrite(str(tmp_path / name), generator.integers(0, 256, (*size, 3), np.uint8))
        points = generator.uniform(1, 30, (count, 1, 3, 2))
        points[0, 0, 1] = np.nan
        if video == "cage":
            points[7] = np.nan
        write_labels(LabelTable("Me", names, ("hand", "finger", "tip"), points), folder)
    return Project.open(tmp_path)
