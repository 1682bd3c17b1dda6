"""A tiny random network in a run's folder, and short videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dlc_core.inference.network import Network, load_network
from dlc_core.model.build import build_model
from dlc_core.project.runs import Run
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import Checkpoint, Provider, save_checkpoint
from dlc_core.video.writer import VideoWriter

SKELETON = Skeleton(("nose", "tail", "ear"), edges=(("nose", "tail"),))
CONFIG = {
    "backbone": {"name": "timm", "model": "test_resnet", "pretrained": False, "output_stride": 16},
    "head": {"name": "deconv"},
    "shuffle": 1,
}


def write_run(folder: Path, scale: float = 1.0, seed: int = 0, step: int = 10) -> Run:
    """Write a snapshot of a random network whose score maps differ from frame to frame."""
    config = {**CONFIG, "preprocessing": {"global_scale": scale}}
    torch.manual_seed(seed)
    model = build_model(config, SKELETON)
    for value in model.head.parameters():
        if value.ndim > 1:
            torch.nn.init.normal_(value, std=0.5)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.yaml").write_text("{}\n")
    (folder / "config.yaml").write_text("shuffle: 1\n")
    checkpoint = Checkpoint(
        state_dict=model.state_dict(),
        config=config,
        choices={"backbone": "timm", "head": "deconv"},
        components={"backbone": Provider("timm", "dlc-core"), "head": Provider("deconv", "dlc-core")},
        skeleton=SKELETON,
        cell_offset=model.head.cell_offset,
        step=step,
        total_steps=step,
    )
    save_checkpoint(checkpoint, folder / f"snapshot_{step:07d}.ckpt")
    return Run(folder)


def write_video(path: Path, frames: int, height: int = 64, width: int = 96, seed: int = 0) -> Path:
    """Write a video of a bright square that jumps about on noise."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, 25.0, height, width) as writer:
        for _ in range(frames):
            image = rng.integers(0, 80, (height, width, 3), dtype=np.uint8)
            y, x = rng.integers(0, height - 12), rng.integers(0, width - 12)
            image[y : y + 12, x : x + 12] = 250
            writer.write(image)
    return path


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def make_run():
    return write_run


@pytest.fixture
def make_video():
    return write_video


@pytest.fixture
def run(tmp_path) -> Run:
    return write_run(tmp_path / "DemoNov21-trainset95shuffle1" / "first")


@pytest.fixture
def network(run) -> Network:
    return load_network(run, run.select(-1)[0], None)


@pytest.fixture
def video(tmp_path) -> Path:
    return write_video(tmp_path / "mouse.mp4", 50)
