"""What is written comes back, under its name only when it is whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from dlc_core.errors import ConfigError, DataError, DiskError
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter

from .conftest import number_shown, numbered


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv", ".mov"])
def test_frames_come_back_in_order_with_their_colours(tmp_path, suffix):
    path = tmp_path / f"vídeo = 1{suffix}"
    with VideoWriter(path, 12.5, 96, 160) as writer:
        for index in range(40):
            writer.write(numbered(index))
        assert writer.frame_count == 40
        assert not path.exists()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with VideoReader(path) as reader:
        assert (reader.frame_count, reader.fps) == (40, 12.5)
        for index, image in reader.frames():
            assert number_shown(image) == index
            assert np.abs(image.astype(int) - numbered(index)).mean() < 4


def test_the_file_is_h264_that_players_show_and_says_its_colours(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", 30, 96, 160) as writer:
        writer.write(numbered(1))
    with av.open(str(tmp_path / "v.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (int(context.colorspace), int(context.color_range)) == (6, 1)


def test_opencv_reads_the_same_frames(tmp_path):
    with VideoWriter(tmp_path / "v.mp4", 30, 96, 160) as writer:
        for index in range(10):
            writer.write(numbered(index))
    capture = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    shown = []
    while (read := capture.read())[0]:
        shown.append(number_shown(read[1]))
    assert shown == list(range(10))


@pytest.mark.parametrize(
    ("height", "width", "stored"), [(95, 161, (96, 162)), (96, 161, (96, 162)), (95, 160, (96, 160))]
)
def test_odd_sizes_are_filled_up_at_the_right_and_the_bottom(tmp_path, height, width, stored):
    image = cv2.resize(numbered(3), (width, height))
    with VideoWriter(tmp_path / "v.mp4", 30, height, width, quality=5) as writer:
        writer.write(image)
    with VideoReader(tmp_path / "v.mp4") as reader:
        back = reader.read(0)
    assert back.shape[:2] == stored
    assert np.abs(back[:height, :width].astype(int) - image).mean() < 4


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), VideoWriter(path, 30, 96, 160) as writer:
        writer.write(numbered(0))
        raise KeyError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_image_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"\(96, 161, 3\)"), VideoWriter(tmp_path / "v.mp4", 30, 96, 160) as writer:
        writer.write(np.zeros((96, 161, 3), np.uint8))
    with pytest.raises(DataError, match="float32"), VideoWriter(tmp_path / "v.mp4", 30, 96, 160) as writer:
        writer.write(np.zeros((96, 160, 3), np.float32))
    assert not list(tmp_path.iterdir())


def test_a_video_without_frames_is_not_written(tmp_path):
    with pytest.raises(DataError, match="no frame was written"), VideoWriter(tmp_path / "v.mp4", 30, 96, 160):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("fps", "height"), [(0, 96), (-1, 96), (float("nan"), 96), (30, 0)])
def test_an_impossible_rate_or_size_is_refused(tmp_path, fps, height):
    with pytest.raises(ConfigError, match="positive"):
        VideoWriter(tmp_path / "v.mp4", fps, height, 160)


def test_a_suffix_that_is_no_video_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.mp4"), VideoWriter(tmp_path / "v.nonsense", 30, 96, 160):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="limits the file size by POSIX means")
def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path):
    code = f"""
import errno, signal, sys, numpy as np
from dlc_core.errors import DlcError
from dlc_core.video.writer import VideoWriter
generator = np.random.default_rng(0)
try:
    with VideoWriter({str(tmp_path / "v.mp4")!r}, 30, 256, 256, quality=1) as writer:
        for _ in range(40):
            writer.write(generator.integers(0, 256, (256, 256, 3), dtype=np.uint8))
except DlcError as exc:
    print(type(exc).__name__, exc)
"""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(DiskError.__name__), done.stderr
    assert "v.mp4" in done.stdout
    assert not list(tmp_path.iterdir())
