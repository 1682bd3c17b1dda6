"""Colours against FFmpeg's converter, against OpenCV, and against the standard's own numbers."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from dlc_core.video.colour import from_rgb, rgb_matrix, to_grey, to_rgb

from .conftest import encode, numbered

BT709, SMPTE170M, LIMITED, FULL = 1, 6, 1, 2
LOSSLESS = {"crf": "0", "preset": "ultrafast"}


def first_frame(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("colour", [None, (BT709, LIMITED), (SMPTE170M, LIMITED), (SMPTE170M, FULL), (BT709, FULL)])
def test_rgb_is_that_of_ffmpeg_for_every_layout_matrix_and_range(tmp_path, pix_fmt, colour):
    path = encode(tmp_path / "v.mp4", [numbered(682)], pix_fmt=pix_fmt, options=LOSSLESS, colour=colour)
    frame = first_frame(path)
    if colour:
        assert (int(frame.colorspace), int(frame.color_range)) == colour
    difference = np.abs(to_rgb(frame).astype(int) - frame.to_ndarray(format="rgb24"))
    # rounding to one grey level, and FFmpeg's own fixed-point tables for other matrices than BT.601
    assert difference.max() <= 3
    assert difference.mean() < 1.5


@pytest.mark.parametrize("size", [(95, 161), (2, 2), (37, 64)])
def test_odd_sizes_keep_their_last_row_and_column(size):
    image = numbered(5, *size) if size[1] > 20 else np.full((*size, 3), 77, np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv444p")
    assert np.abs(to_rgb(frame).astype(int) - image).max() <= 3


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgr24", "gray", "nv12", "yuv420p10le", "rgba", "gray16le"])
def test_other_pixel_formats_give_the_same_picture(pix_fmt):
    image = np.repeat(numbered(341).mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pix_fmt)
    assert np.abs(to_rgb(frame).astype(int) - image).max() <= 3
    assert np.abs(to_grey(frame).astype(int) - image[..., 0]).max() <= 3


def test_grey_is_luma_in_full_range():
    luma = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    frame = av.VideoFrame.from_ndarray(np.concatenate([luma, np.full((2, 256), 128, np.uint8)]), format="yuv420p")
    grey = to_grey(frame)[0].astype(int)
    assert (grey[16], grey[235]) == (0, 255)
    assert (grey[:16] == 0).all()
    assert (grey[235:] == 255).all()
    assert np.abs(grey - to_rgb(frame)[0, :, 1]).max() <= 1


def test_the_matrix_of_bt709_is_the_one_in_the_standard():
    # ITU-R BT.709-6, item 3.3: 1.5748 and 1.8556 are the scales of the colour differences
    matrix = rgb_matrix(BT709, True)
    assert matrix[0, 2] == pytest.approx(1.5748)
    assert matrix[2, 1] == pytest.approx(1.8556)
    white = rgb_matrix(BT709, False) @ [235, 128, 128, 1]
    black = rgb_matrix(BT709, False) @ [16, 128, 128, 1]
    np.testing.assert_allclose(white, 255, atol=1e-9)
    np.testing.assert_allclose(black, 0, atol=1e-9)


def test_rgb_to_planes_agrees_with_opencv_and_comes_back():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8), (0, 0), 4)
    frame = from_rgb(image)
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)[:64]
    assert np.abs(np.frombuffer(frame.planes[0], np.uint8).reshape(64, -1)[:, :96].astype(int) - luma).max() <= 1
    assert np.abs(to_rgb(frame).astype(int) - image).mean() < 1.5  # chroma is stored at half resolution
