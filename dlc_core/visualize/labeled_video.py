"""Videos with the poses drawn in: dots, the skeleton, trails. Frame by frame, so that memory does not grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter
from dlc_core.visualize.tracks import Tracks

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_SHIFT = 4  # fractional bits of the coordinates handed to OpenCV
_DARK = (20, 20, 20)
_FARTHEST = 1e5  # pixels; beyond, OpenCV's integers overflow
_BLOCK = 1024


@dataclass(frozen=True)
class DotStyle:
    """How poses look on a frame. Dots and circles have a thin dark rim, which tells them from a ground of their colour.

    Parameters
    ----------
    dotsize : float
        Diameter of a dot in pixels, its rim included.
    alphavalue : float
        Opacity of everything drawn, in [0, 1].
    pcutoff : float
        From this likelihood on a point is a dot, below it an open circle, and without lines and trail.
    line_color : (int, int, int) or None
        RGB of the skeleton; None draws none.
    trailpoints : int
        How many earlier positions of each point to draw.
    """

    dotsize: float = 12.0
    alphavalue: float = 0.5
    pcutoff: float = 0.1
    line_color: tuple[int, int, int] | None = None
    trailpoints: int = 0


def draw_poses(
    image: Image, points: Floats, likelihood: Floats, tracks: Tracks, style: DotStyle, trail: Iterable[Floats] = ()
) -> Image:
    """Return `image` with the points of one frame.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB, left as it is.
    points : (tracks, 2) float64
        Pixels, NaN where absent.
    likelihood : (tracks,) float64
    tracks : Tracks
        Colours and edges.
    style : DotStyle
    trail : iterable of (tracks, 2) float64
        Earlier positions, oldest first, NaN where not confident.
    """
    layer = image.copy()
    there = (np.abs(points) < _FARTHEST).all(-1)  # False for NaN
    confident = there & (likelihood >= style.pcutoff)
    if style.line_color is not None:
        thickness = max(1, round(style.dotsize / 6))
        for a, b in tracks.edges:
            if confident[a] and confident[b]:
                ends = _fixed(points[a]), _fixed(points[b])
                cv2.line(layer, *ends, style.line_color, thickness, cv2.LINE_AA, _SHIFT)
    colors = tracks.colors.tolist()
    earlier = list(trail)
    for age, positions in enumerate(earlier):
        radius = style.dotsize * (0.12 + 0.18 * (age + 1) / len(earlier))
        for track in np.flatnonzero((np.abs(positions) < _FARTHEST).all(-1)):
            cv2.circle(layer, _fixed(positions[track]), _length(radius), colors[track], -1, cv2.LINE_AA, _SHIFT)
    for track in np.flatnonzero(there):
        _draw_point(layer, points[track], colors[track], style.dotsize, bool(confident[track]))
    if style.alphavalue >= 1:
        return layer
    return np.asarray(cv2.addWeighted(layer, style.alphavalue, image, 1 - style.alphavalue, 0), np.uint8)


def _draw_point(layer: Image, point: Floats, color: Sequence[int], dotsize: float, is_confident: bool) -> None:
    centre = _fixed(point)
    if is_confident:
        for ink, radius in ((_DARK, dotsize / 2), (color, dotsize / 2 - min(dotsize / 12, 1.5))):
            cv2.circle(layer, centre, _length(radius), ink, -1, cv2.LINE_AA, _SHIFT)
        return
    width = max(1, round(dotsize / 8))
    for ink, thickness in ((_DARK, width + 1), (color, width)):
        cv2.circle(layer, centre, _length((dotsize - width) / 2), ink, thickness, cv2.LINE_AA, _SHIFT)


def write_labeled_video(
    video: Path,
    poses: PoseFile,
    path: Path,
    tracks: Tracks,
    style: DotStyle,
    crop: Crop | None = None,
    advance: Callable[[int], None] | None = None,
) -> int:
    """Write a copy of a video with its poses drawn in and return the number of frames.

    Parameters
    ----------
    video : Path
        The video that was analysed.
    poses : PoseFile
        Its poses.
    path : Path
        The video to write.
    tracks : Tracks
        Which points.
    style : DotStyle
    crop : Crop or None
        Show only this part of the frame.
    advance : callable or None
        Told how many frames are done.

    Raises
    ------
    DataError
        The video cannot be read, or has another number or size of frames than the poses.
    DiskError
        The disk is full or read-only.
    """
    trail: deque[Floats] = deque(maxlen=style.trailpoints)
    with VideoReader(video) as reader:
        if reader.frame_count != poses.frame_count:
            raise DataError(
                f"{video} has {reader.frame_count} readable frames, the poses {poses.frame_count}; they belong to "
                "another video or to an earlier version of it. Analyze it again: dlc analyze overwrite=true"
            )
        if poses.frame_size not in (None, (reader.height, reader.width)):
            raise DataError(
                f"{video}: {other_size(reader, poses)}; they belong to another version of the video. Draw into the "
                "video that was analyzed, or analyze this one: dlc analyze overwrite=true"
            )
        shown = crop if crop is not None else Crop(0, reader.width, 0, reader.height)
        with VideoWriter(path, reader.fps, shown.height, shown.width) as writer:
            for block in poses.blocks(_BLOCK):
                points, likelihood = tracks.of(block.keypoints) - shown.offset(), tracks.of(block.likelihood)
                indices = range(block.start, block.start + len(points))
                for row, (_, image) in enumerate(reader.frames(indices, crop=crop)):
                    writer.write(draw_poses(image, points[row], likelihood[row], tracks, style, trail))
                    sure = (likelihood[row] >= style.pcutoff)[:, None]
                    trail.append(np.where(sure, points[row], np.nan))
                    if advance is not None:
                        advance(1)
    return poses.frame_count


def other_size(reader: VideoReader, poses: PoseFile) -> str:
    """Return in words that a video has not the size of frames that the poses, whose size is known, were found in."""
    height, width = poses.frame_size or (0, 0)
    return f"its frames have {reader.width} x {reader.height} pixels, those of the poses {width} x {height}"


def _fixed(point: Floats) -> tuple[int, int]:
    return round(float(point[0]) * (1 << _SHIFT)), round(float(point[1]) * (1 << _SHIFT))


def _length(pixels: float) -> int:
    return max(round(pixels * (1 << _SHIFT)), 1)
