"""Pictures of labelled frames: every point a cross in the colour of its body part, with the names beside the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.files import write_bytes
from dlc_core.image_files import FULL_DEPTH, decode_image, read_content
from dlc_core.labels.table import LabelTable

Image = NDArray[np.uint8]

_FRACTION_BITS = 4  # OpenCV draws at 1/16 of a pixel
_DARK = (30, 30, 30)
_ROW = 20  # pixels a name in the legend
_SMALLEST_MARK = 5.0  # pixels of the picture


@dataclass(frozen=True)
class DrawingStyle:
    """How labels look.

    Parameters
    ----------
    colors : (bodyparts, 3) uint8
        RGB of each body part of the table that is drawn, from `dlc_core.colors.keypoint_colors`.
    dotsize : float
        Length of the arms of a cross, from tip to tip, in pixels of the frame.
    alphavalue : float
        Opacity of the crosses, 0 to 1.
    scale : float
        Size of the picture relative to the frame.
    edges : sequence of (int, int)
        Body parts, by index, that are joined by a line.
    line_color : (int, int, int)
        RGB of these lines.
    """

    colors: NDArray[np.uint8]
    dotsize: float = 12
    alphavalue: float = 0.5
    scale: float = 1.0
    edges: Sequence[tuple[int, int]] = ()
    line_color: tuple[int, int, int] = (0, 0, 0)


def draw_frame(image: Image, points: NDArray[np.float64], names: Sequence[str], style: DrawingStyle) -> Image:
    """Return `image` with its labels and, at its right, the names of the body parts; names without a point are grey.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    points : (bodyparts, 2) float64
        x, y in pixels of `image`; NaN or infinite for a point that is not drawn.
    names : sequence of str
        The body parts.
    style : DrawingStyle
        Colours and sizes.

    Returns
    -------
    (H', W', 3) uint8
        RGB, `style.scale` times as large, plus the legend.
    """
    size = (max(1, round(image.shape[1] * style.scale)), max(1, round(image.shape[0] * style.scale)))
    method = cv2.INTER_AREA if style.scale < 1 else cv2.INTER_CUBIC
    resized = image if style.scale == 1 else cv2.resize(image, size, interpolation=method)
    plain: Image = np.ascontiguousarray(resized, np.uint8)
    marked = plain.copy()
    placed = (points + 0.5) * style.scale - 0.5
    near = np.abs(placed) < 1e6  # False for NaN; OpenCV overflows far outside
    shown = near[:, 0] & near[:, 1]
    for a, b in style.edges:
        if shown[a] and shown[b]:
            _line(marked, placed[a], placed[b], style.line_color, max(1, round(style.scale)))
    size_px = max(style.dotsize * style.scale, _SMALLEST_MARK)
    for index in np.flatnonzero(shown):
        _cross(marked, placed[index], size_px / 2, style.colors[index])
    blended = cv2.addWeighted(marked, style.alphavalue, plain, 1 - style.alphavalue, 0)
    return _with_legend(np.asarray(blended, np.uint8), names, style.colors, shown)


def draw_table(root: Path, table: LabelTable, folder: Path, style: DrawingStyle, bits: int = FULL_DEPTH) -> list[Path]:
    """Draw every frame of `table` that has an image into `folder`, under the image's name as PNG.

    Parameters
    ----------
    root : Path
        Folder of the project; the names of the frames start here.
    table : LabelTable
        The labels.
    folder : Path
        Is made if it is not there; pictures in it are replaced.
    style : DrawingStyle
        Colours and sizes.
    bits : int
        How many bits the 16-bit images among the frames use, as a report on the labels says.

    Returns
    -------
    list of Path
        The pictures.
    """
    written = []
    for name, points in zip(table.images, table.keypoints[:, 0], strict=True):
        file = root / name
        if not file.is_file():
            continue
        try:
            image = decode_image(read_content(file), name, bits)
        except DataError:  # the report names it
            continue
        picture = draw_frame(image, points, table.bodyparts, style)
        target = folder / f"{file.stem}.png"
        write_bytes(target, cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
        written.append(target)
    return written


def _cross(picture: Image, centre: NDArray[np.float64], arm: float, color: NDArray[np.uint8]) -> None:
    thickness = max(1, round(arm / 4))
    for outline in (True, False):
        for step in (np.array([arm, 0.0]), np.array([0.0, arm])):
            ink = _DARK if outline else (int(color[0]), int(color[1]), int(color[2]))
            _line(picture, centre - step, centre + step, ink, thickness + 2 * outline)


def _line(
    picture: Image, start: NDArray[np.float64], stop: NDArray[np.float64], color: tuple[int, int, int], thickness: int
) -> None:
    scale = 1 << _FRACTION_BITS
    ends = [(round(float(x) * scale), round(float(y) * scale)) for x, y in (start, stop)]
    cv2.line(picture, ends[0], ends[1], color, thickness, cv2.LINE_AA, _FRACTION_BITS)


def _with_legend(picture: Image, names: Sequence[str], colors: NDArray[np.uint8], shown: NDArray[np.bool_]) -> Image:
    texts = [name.encode("ascii", "replace").decode() for name in names]  # OpenCV's letters are ASCII
    widths = [cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)[0][0] for text in texts]
    height = max(picture.shape[0], _ROW * len(names) + 8)
    result = np.full((height, picture.shape[1] + max(widths, default=0) + 30, 3), 255, np.uint8)
    result[: picture.shape[0], : picture.shape[1]] = picture
    left = picture.shape[1] + 8
    for row, (text, color) in enumerate(zip(texts, colors, strict=True)):
        y = 8 + _ROW * row
        ink = _DARK if shown[row] else (170, 170, 170)
        if shown[row]:
            cv2.rectangle(result, (left, y), (left + 10, y + 10), [int(value) for value in color], cv2.FILLED)
        cv2.putText(result, text, (left + 16, y + 10), cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
    return result
