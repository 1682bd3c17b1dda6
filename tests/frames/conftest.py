"""A project with two videos in which every frame has its own brightness."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from dlc_core.project.create import create_project
from dlc_core.project.project import Project
from dlc_core.video.writer import VideoWriter

HEIGHT, WIDTH = 48, 64


def picture(index: int) -> np.ndarray:
    """Return a frame whose grey level tells its number, with a ramp to the right in red."""
    image = np.full((HEIGHT, WIDTH, 3), 20 + 2 * index, np.uint8)
    image[:, :, 0] = np.minimum(255, image[:, :, 0] + np.arange(WIDTH, dtype=np.uint8) // 4)
    return image


def write_video(path: Path, frames: int) -> Path:
    with VideoWriter(path, 30, HEIGHT, WIDTH, quality=4) as writer:
        for index in range(frames):
            writer.write(picture(index))
    return path


def cut_video(path: Path) -> Path:
    """Write an AVI of 60 frames and cut it to a third of its bytes, as a copy that was interrupted."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuvj420p"
        for index in range(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    return path


@pytest.fixture(scope="session")
def two_videos(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    return [write_video(folder / "first.mp4", 101), write_video(folder / "second.mp4", 30)]


@pytest.fixture
def project(tmp_path, two_videos) -> Project:
    return create_project("frames", "tester", two_videos, working_directory=tmp_path)
