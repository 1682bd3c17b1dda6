"""Pose stores of made-up poses."""

from pathlib import Path

import numpy as np
import pytest

from dlc_core.inference.pose_store import PoseStore, StoreHeader
from dlc_core.skeleton import Skeleton


def write_store(video: Path, run: str = "first", step: int = 10, frames: int = 30, done: int | None = None) -> Path:
    """Write a store for `video` as if `run` had analysed it, up to frame `done`."""
    scorer = f"DLC_Net_TaskNov21shuffle1_{run}_snapshot_{step}"
    header = StoreHeader(
        scorer=scorer,
        skeleton=Skeleton(("nose", "tail")),
        frame_count=frames,
        fps=25.0,
        frame_size=(64, 96),
        crop=None,
        video={"name": video.name, "path": str(video), "fingerprint": "0"},
        network={"run": run, "run_folder": "/r", "snapshot": "s", "step": step, "sha256": run, "backbone": "net"},
        engine="torch",
        precision="float32",
        device="cpu",
        batch_size=4,
        project={},
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
def video(tmp_path) -> Path:
    path = tmp_path / "mouse.mp4"
    path.write_bytes(b"not looked at")
    return path
