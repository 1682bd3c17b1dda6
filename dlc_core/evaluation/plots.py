"""Labelled images with what a person marked (+) and what the network found: confident (dot) or uncertain (x).

An uncertain point is one below pcutoff. Small images are enlarged, so that marks a pixel apart can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.colors import Colors
from dlc_core.data.packed import PackedFrames
from dlc_core.evaluation.predictions import ImagePoses
from dlc_core.files import write_bytes
from dlc_core.geometry import scaling, transform_points

Picture = NDArray[np.uint8]

_WANTED_SIDE = 900  # pixels of the longer side of a picture
_LARGEST_SCALE = 4.0
_SMALLEST_MARK = 5.0  # pixels of a picture
_SHIFT = 4  # fractional bits of the coordinates handed to OpenCV


@dataclass(frozen=True)
class Style:
    """How marks look.

    Parameters
    ----------
    names : tuple of str
        Of the body parts, for the legend.
    colors : (keypoints, 3) uint8
        RGB.
    dotsize : float
        Size of a mark in pixels of the image; marks grow with an image that is enlarged.
    alphavalue : float
        Opacity in [0, 1].
    pcutoff : float
        A pose below this likelihood is uncertain.
    """

    names: tuple[str, ...]
    colors: Colors
    dotsize: float = 12.0
    alphavalue: float = 0.5
    pcutoff: float = 0.1


def write_pictures(
    folder: Path,
    part: str,
    names: Sequence[str],
    frames: PackedFrames,
    labels: NDArray[np.floating],
    poses: ImagePoses,
    style: Style,
    advance: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write one picture for each image and return them: ``<part>-<video>-<image>.png``.

    Parameters
    ----------
    folder : Path
        Where they go.
    part : str
        ``Training``, ``Test`` or ``Validation``.
    names : sequence of str
        Of the images.
    frames : PackedFrames
        Their pixels.
    labels : (names, individuals, keypoints, 2) float
        Pixels, NaN where absent.
    poses : ImagePoses
        Of these images and perhaps others.
    style : Style
    advance : callable or None
        Told how many pictures are done.
    """
    written = []
    for name, truth, row in zip(names, labels, poses.rows(names), strict=True):
        picture = draw_comparison(frames.image(name), truth, poses.keypoints[row], poses.likelihood[row], style)
        place = PurePosixPath(name)
        path = folder / f"{part}-{place.parent.name}-{place.stem}.png"
        write_bytes(path, cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes())
        written.append(path)
        if advance is not None:
            advance(1)
    return written


def draw_comparison(
    image: Picture,
    labels: NDArray[np.floating],
    poses: NDArray[np.floating],
    likelihood: NDArray[np.floating],
    style: Style,
) -> Picture:
    """Return a picture of one image with its labels and poses and a legend.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    labels, poses : (individuals, keypoints, 2) float
        Pixels of `image`, NaN where absent.
    likelihood : (individuals, keypoints) float
    style : Style

    Returns
    -------
    (h, w, 3) uint8
        RGB; enlarged, with the legend to the right.
    """
    scale = float(np.clip(_WANTED_SIDE / max(image.shape[:2]), 1.0, _LARGEST_SCALE))
    matrix = scaling(scale)
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    large = (
        image
        if scale == 1
        else cv2.warpAffine(image, matrix[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    )
    layer = np.array(large, np.uint8)
    size_px = max(style.dotsize * scale, _SMALLEST_MARK)
    truth, found = transform_points(matrix, labels), transform_points(matrix, poses)
    for individual in range(labels.shape[0]):
        for k, color in enumerate(style.colors.tolist()):
            confident = bool(likelihood[individual, k] >= style.pcutoff)
            _mark(layer, found[individual, k], "." if confident else "x", color, size_px)
            _mark(layer, truth[individual, k], "+", color, size_px)
    blended = cv2.addWeighted(layer, style.alphavalue, large, 1 - style.alphavalue, 0)
    legend = _legend(style.names, tuple(map(tuple, style.colors.tolist())), blended.shape[0])
    return np.asarray(np.concatenate([blended, legend], axis=1), np.uint8)


def _mark(layer: Picture, point: NDArray[np.floating], kind: str, color: Sequence[int], size: float) -> None:
    if not np.isfinite(point).all():
        return
    half, width = size / 2, max(round(size / 8), 1)
    if kind == ".":
        centre = _fixed(point)
        cv2.circle(layer, centre, round((0.36 * size + 1) * (1 << _SHIFT)), (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(layer, centre, round(0.36 * size * (1 << _SHIFT)), tuple(color), -1, cv2.LINE_AA, _SHIFT)
        return
    arms = ((1, 0), (0, 1)) if kind == "+" else ((0.71, 0.71), (0.71, -0.71))
    for ink, thickness in (((0, 0, 0), width + 2), (tuple(color), width)):
        for arm in arms:
            step = half * np.array(arm)
            cv2.line(layer, _fixed(point - step), _fixed(point + step), ink, thickness, cv2.LINE_AA, _SHIFT)


def _fixed(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = (round(float(value) * (1 << _SHIFT)) for value in np.clip(point, -1e5, 1e5))
    return x, y


@lru_cache(maxsize=8)
def _legend(names: tuple[str, ...], colors: tuple[tuple[int, ...], ...], height: int) -> Picture:
    """Return a white column that explains colours and marks; the text shrinks until it fits."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    marks = (("+", "human"), (".", "confident"), ("x", "uncertain"))
    size = float(np.clip((height - 20) / ((len(names) + len(marks) + 1) * 1.5), 6, 20))
    width = round((max(map(len, (*names, "confident"))) * 0.68 + 3) * size)
    figure = Figure((width / 100, height / 100), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    for row, text in enumerate([*(text for _, text in marks), "", *names]):
        y = 1 - (10 + (row * 1.5 + 0.6) * size) / height
        figure.text(2.2 * size / width, y, text, fontsize=0.72 * size, va="center", color="0.15", parse_math=False)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    picture = np.ascontiguousarray(np.asarray(pixels)[..., :3])
    for row, (kind, _) in enumerate(marks):
        _mark(picture, np.array([1.2 * size, 10 + (row * 1.5 + 0.6) * size]), kind, (128, 128, 128), size)
    for row, color in enumerate(colors, start=len(marks) + 1):
        _mark(picture, np.array([1.2 * size, 10 + (row * 1.5 + 0.6) * size]), ".", color, size)
    return picture
