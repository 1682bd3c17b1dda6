"""Pose stores of made-up poses."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dlc_core.export.network_choice import NetworkChoice
from dlc_core.inference.network import Training
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.store_header import StoreHeader
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop


def trained(shuffle: int = 1, iteration: int = 0, fraction: float = 0.95) -> Training:
    """Return where the networks of these tests were trained."""
    return Training("Task", "Nov21", shuffle, iteration, fraction, "/p")


def write_store(
    video: Path,
    run: str = "first",
    step: int = 10,
    frames: int = 30,
    done: int | None = None,
    training: Training | None = None,
    crop: Crop | None = None,
) -> Path:
    """Write a store for `video` as if `run` had analysed it, up to frame `done`."""
    training = training or trained()
    scorer = f"DLC_Net_TaskNov21shuffle{training.shuffle}_{run}_snapshot_{step}"
    header = StoreHeader(
        scorer=scorer,
        skeleton=Skeleton(("nose", "tail")),
        frame_count=frames,
        fps=25.0,
        frame_size=(64, 96),
        crop=crop,
        video={"name": video.name, "path": str(video), "fingerprint": "0"},
        network={"run": run, "run_folder": "/r", "snapshot": "s", "step": step, "sha256": run, "backbone": "net"},
        engine="torch",
        precision="float32",
        device="cpu",
        batch_size=4,
        project=asdict(training),
        config={},
        versions={},
    )
    rng = np.random.default_rng(len(run) + step)
    store = PoseStore.create(video.with_name(f"{video.stem}{scorer}.zarr"), header, chunk=8)
    stop = frames if done is None else done
    store.append(
        rng.uniform(0, 60, (stop, 1, 2, 2)).astype(np.float32), rng.uniform(0, 1, (stop, 1, 2)).astype(np.float32)
    )
    return store.path


@pytest.fixture
def make_store():
    return write_store


@pytest.fixture
def choose():
    """Name a network as the user would."""

    def chosen(run: str, step: int | None = None, **where: float) -> NetworkChoice:
        return NetworkChoice(run, trained(**where), step)

    return chosen


@pytest.fixture
def where_trained():
    return trained


@pytest.fixture
def video(tmp_path) -> Path:
    path = tmp_path / "mouse.mp4"
    path.write_bytes(b"not looked at")
    return path
