"""Pose stores of a point that moves smoothly, and filters as the core builds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlc_core.filtering.store import FilterChoice
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.store_header import StoreHeader
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

SKELETON = Skeleton(("nose", "tail"))


def write_store(
    video: Path,
    run: str = "first",
    frames: int = 50,
    seed: int = 0,
    skeleton: Skeleton = SKELETON,
    crop: Crop | None = None,
    chunk: int = 8,
) -> Path:
    """Write a store for `video` as if `run` had analysed it; another seed is another analysis."""
    scorer = f"DLC_Net_TaskNov21shuffle1_{run}_snapshot_10"
    header = StoreHeader(
        scorer=scorer,
        skeleton=skeleton,
        frame_count=frames,
        fps=25.0,
        frame_size=(64, 96),
        crop=crop,
        video={"name": video.name, "path": str(video), "fingerprint": "0"},
        network={"run": run, "run_folder": "/r", "snapshot": "s", "step": 10, "sha256": run, "backbone": "net"},
        engine="torch",
        precision="float32",
        device="cpu",
        batch_size=4,
        project={"task": "Task", "date": "Nov21", "shuffle": 1, "iteration": 0, "training_fraction": 0.95},
        config={},
        versions={},
    )
    store = PoseStore.create(video.with_name(f"{video.stem}{scorer}.zarr"), header, chunk=chunk)
    rng = np.random.default_rng(seed)
    shape = skeleton.exists.shape
    points = 50 + np.cumsum(rng.normal(0, 1, (frames, *shape, 2)), axis=0)
    likelihood = rng.uniform(0.5, 1, (frames, *shape))
    points[:, ~skeleton.exists] = likelihood[:, ~skeleton.exists] = np.nan
    store.append(points.astype(np.float32), likelihood.astype(np.float32))
    return store.path


@pytest.fixture
def make_store():
    return write_store


@pytest.fixture
def video(tmp_path) -> Path:
    path = tmp_path / "mouse 1=ä.mp4"
    path.write_bytes(b"not looked at")
    return path


@pytest.fixture
def choose():
    """Return ``choose(name, **options)``: a filter that was asked for."""

    def chosen(name: str, **options: object) -> FilterChoice:
        registry = load_plugins().registry("filter")
        node = {"name": name, **options}
        return FilterChoice(name, registry.build(node), {"name": name, **registry.options(node)}, "dlc-core 0")

    return chosen
