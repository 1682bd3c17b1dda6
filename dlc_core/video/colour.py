"""Decoded planes to RGB or grey, with the colour matrix and range that the stream declares.

FFmpeg's own conversion costs more than decoding does; OpenCV's, on the planes as they are, costs a tenth of it. Planar
8-bit YUV and grey, that is, nearly every camera, take this path; every other pixel format goes through FFmpeg.
"""

from __future__ import annotations

from functools import lru_cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_PLANAR_YUV = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv440p", "yuvj440p"})
_GREY = frozenset({"gray", "gray8"})
BT601 = 6  # AVCOL_SPC_SMPTE170M
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
_BT601 = (0.299, 0.114)


def to_rgb(frame: av.VideoFrame) -> Image:
    """Return the frame as (H, W, 3) uint8 RGB, upright.

    Chroma of sub-sampled formats is repeated, not interpolated, as FFmpeg's default does.
    """
    name = frame.format.name
    if name in _GREY:
        rgb = cv2.cvtColor(_plane(frame, 0), cv2.COLOR_GRAY2RGB)
    elif name in _PLANAR_YUV:
        luma = _plane(frame, 0)
        size = (luma.shape[1], luma.shape[0])
        chroma = [cv2.resize(_plane(frame, i), size, interpolation=cv2.INTER_NEAREST) for i in (1, 2)]
        rgb = cv2.transform(cv2.merge([luma, *chroma]), rgb_matrix(int(frame.colorspace), _is_full_range(frame)))
    else:
        rgb = frame.to_ndarray(format="rgb24")
    return _upright(np.asarray(rgb, np.uint8), frame)


def to_grey(frame: av.VideoFrame) -> Image:
    """Return the luma as (H, W) uint8 in full range (0 black, 255 white), upright."""
    name = frame.format.name
    if name in _GREY or (name in _PLANAR_YUV and _is_full_range(frame)):
        grey: Image = _plane(frame, 0).copy()  # the plane belongs to the decoder
    elif name in _PLANAR_YUV:
        grey = np.asarray(cv2.LUT(_plane(frame, 0), _EXPANSION), np.uint8)
    else:
        grey = np.asarray(cv2.cvtColor(frame.to_ndarray(format="rgb24"), cv2.COLOR_RGB2GRAY), np.uint8)
    return _upright(grey, frame)


@lru_cache
def rgb_matrix(colorspace: int, is_full_range: bool) -> NDArray[np.float64]:
    """Return the (3, 4) float64 matrix from (Y, Cb, Cr, 1), 0-255, to RGB, 0-255.

    Parameters
    ----------
    colorspace : int
        FFmpeg's AVColorSpace; ITU-R BT.601 is meant where it is unknown, as in FFmpeg.
    is_full_range : bool
        Whether luma runs from 0 to 255 and not from 16 to 235.

    References
    ----------
    ITU-R BT.601-7 and BT.709-6, section 3; the coefficients by number: ITU-T H.273, table 4.
    """
    red, blue = _WEIGHTS.get(colorspace, _BT601)
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0.0) if is_full_range else (255 / 219, 255 / 224, 16.0)
    matrix = np.array(
        [
            [luma, 0, chroma * 2 * (1 - red)],
            [luma, -chroma * 2 * blue * (1 - blue) / green, -chroma * 2 * red * (1 - red) / green],
            [luma, chroma * 2 * (1 - blue), 0],
        ]
    )
    return np.hstack([matrix, -matrix @ np.array([[black], [128.0], [128.0]])])


def from_rgb(image: Image) -> av.VideoFrame:
    """Return (H, W, 3) uint8 RGB as a yuv420p frame: BT.601, luma 16 to 235.

    A chroma sample is the mean of its four pixels.
    A row or column is repeated at the bottom or right where H or W is odd, so that pixels keep their coordinates.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
        height, width = image.shape[:2]
    yuv = cv2.transform(image, _yuv_matrix())
    chroma = cv2.resize(yuv[..., 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    planes = np.concatenate([yuv[..., 0].reshape(-1), chroma[..., 0].reshape(-1), chroma[..., 1].reshape(-1)])
    frame = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
    frame.colorspace, frame.color_range = BT601, LIMITED_RANGE
    return frame


@lru_cache
def _yuv_matrix() -> NDArray[np.float64]:
    forward = rgb_matrix(BT601, False)
    backward = np.linalg.inv(forward[:, :3])
    return np.hstack([backward, -backward @ forward[:, 3:]])


_EXPANSION = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


def _is_full_range(frame: av.VideoFrame) -> bool:
    return frame.format.name.startswith("yuvj") or int(frame.color_range) == _FULL_RANGE


def _plane(frame: av.VideoFrame, index: int) -> Image:
    plane = frame.planes[index]
    rows: Image = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _upright(image: Image, frame: av.VideoFrame) -> Image:
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image
