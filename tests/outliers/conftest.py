"""A project with two generated videos, and pose stores with errors in known frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import generate_video, true_keypoints
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.store_header import StoreHeader
from dlc_core.project.create import create_project
from dlc_core.project.project import Project
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

HEIGHT, WIDTH = 96, 128
FRAMES = {"reach1": 60, "reach2": 30}
SEED = {"reach1": 0, "reach2": 1}


@pytest.fixture(scope="session")
def generated(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    for name, frames in FRAMES.items():
        generate_video(folder / f"{name}.mp4", frames, HEIGHT, WIDTH, SEED[name])
    return [folder / f"{name}.mp4" for name in FRAMES]


@pytest.fixture
def project(tmp_path, generated) -> Project:
    return create_project("reach", "ada", generated, tmp_path, bodyparts=SKELETON.keypoints)


@pytest.fixture
def video(project) -> Path:
    """Return the first video, 60 frames, as it lies in the project."""
    return project.root / "videos" / "reach1.mp4"


@pytest.fixture
def other_video(project) -> Path:
    return project.root / "videos" / "reach2.mp4"


def scorer_of(run: str, step: int = 10) -> str:
    return f"DLC_Net_reachNov21shuffle1_{run}_snapshot_{step}"


def poses_of(video: Path, bad=(), shift=(0.0, 0.0)) -> tuple[np.ndarray, np.ndarray]:
    """Return the truth, float32 in full-frame pixels, and likelihoods: 0.9, in the `bad` frames 0.001 for the snout."""
    stem = video.stem if video.stem in SEED else "reach1"
    keypoints = true_keypoints(FRAMES[stem], HEIGHT, WIDTH, SEED[stem]).keypoints + np.array(shift, np.float32)
    likelihood = np.full(keypoints.shape[:-1], 0.9, np.float32)
    likelihood[list(bad), 0, 0] = 0.001
    return keypoints.astype(np.float32), likelihood


def write_store(
    video: Path,
    bad=(),
    run: str = "first",
    step: int = 10,
    done: int | None = None,
    crop: Crop | None = None,
    folder: Path | None = None,
    poses: tuple[np.ndarray, np.ndarray] | None = None,
    skeleton: Skeleton = SKELETON,
    frame_size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Path:
    """Write a store for `video` as if `run` had analysed it, up to frame `done`."""
    keypoints, likelihood = poses_of(video, bad) if poses is None else poses
    scorer = scorer_of(run, step)
    header = StoreHeader(
        scorer=scorer,
        skeleton=skeleton,
        frame_count=len(keypoints),
        fps=30.0,
        frame_size=frame_size,
        crop=crop,
        video={"name": video.name, "path": str(video), "fingerprint": "0"},
        network={"run": run, "run_folder": "/r", "snapshot": "s", "step": step, "sha256": run, "backbone": "net"},
        engine="torch",
        precision="float32",
        device="cpu",
        batch_size=4,
        project={
            **{"task": "reach", "date": "Nov21", "shuffle": 1, "iteration": 0},
            **{"training_fraction": 0.95, "root": "/p"},
        },
        config={},
        versions={},
    )
    store = PoseStore.create((folder or video.parent) / f"{video.stem}{scorer}.zarr", header, chunk=8)
    store.append(keypoints[:done], likelihood[:done])
    return store.path
