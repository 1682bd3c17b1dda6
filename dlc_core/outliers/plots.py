"""What a detector thought of a video: its score in every frame, and what it expected of each body part.

A detector that fits something hands back the curves ``fit``, ``lower`` and ``upper``, (frames, individuals, keypoints,
2) pixels, and ``distance``, (frames, individuals, keypoints); each body part then has a picture as in the protocol.

References
----------
Nath et al., Nature Protocols 2019, Fig. 6a: the fit with its interval, and the distance of the detections from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import counted
from dlc_core.files import check_name, disk_errors, write_bytes
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import FrameScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_CURVES = ("fit", "lower", "upper", "distance")
_DPI = 130
_BINS = 1200  # more can hardly be told apart in a picture
_AROUND = 60  # frames shown before and after the worst one
_FIT, _DETECTED, _OUTLIER = "#1f6fb4", "0.25", "#d62728"


@dataclass(frozen=True)
class PlotText:
    """The words of the pictures.

    Parameters
    ----------
    title : str
        Video, scorer and detector.
    score : str
        What the score is, with its unit if it has one.
    interval : str
        What the band around the fit is: ``99 % interval``.
    """

    title: str
    score: str = "score"
    interval: str = "interval"


def plot_outliers(
    poses: PoseFile,
    scores: FrameScores,
    outliers: NDArray[np.int64],
    bodyparts: NDArray[np.bool_],
    folder: Path,
    text: PlotText,
    between: NDArray[np.int64] | None = None,
) -> list[Path]:
    """Write ``score.png``, and ``fit-<body part>.png`` for what was fitted, and return their paths.

    Such pictures of an earlier run are removed.

    Parameters
    ----------
    poses : PoseFile
        What the detector judged; read one body part at a time.
    scores : FrameScores
    outliers : (m,) int64
        The frames that are marked.
    bodyparts : (keypoints,) bool
        Which keypoints counted.
    folder : Path
        Is made if it is not there.
    text : PlotText
    between : (k,) int64 or None
        The consecutive frames among which `outliers` were looked for; the others are shaded. None: all of them.

    Raises
    ------
    DiskError
        The disk is full or read-only.
    """
    written = [_saved(_score_figure(scores, outliers, poses.fps, text, between), folder / "score.png")]
    for earlier in folder.glob("fit-*.png"):
        with disk_errors(earlier):
            earlier.unlink()
    curves = _whole_curves(scores.curves, poses)
    if curves is None:
        return written
    several = len(poses.skeleton.individuals) > 1
    for individual, keypoint in np.argwhere(poses.skeleton.exists & bodyparts):
        own = {name: np.asarray(curve[:, individual, keypoint], np.float64) for name, curve in curves.items()}
        if not np.isfinite(own["distance"]).any():
            continue
        points = np.asarray(poses.keypoints[:, individual, keypoint], np.float64)
        part = poses.skeleton.keypoints[keypoint]
        name = f"{poses.skeleton.individuals[individual]} {part}" if several else part
        figure = _fit_figure(points, own, scores.threshold, outliers, name, text, between)
        written.append(_saved(figure, check_name(_free(folder / f"fit-{_plain(name)}.png", written))))
    return written


def _whole_curves(curves: Mapping[str, NDArray[np.float32]], poses: PoseFile) -> dict[str, NDArray[np.float32]] | None:
    """Return the curves of a fit by frame, individual and keypoint; None if the detector fitted nothing."""
    pairs = poses.likelihood.shape
    shapes = {name: pairs if name == "distance" else (*pairs, 2) for name in _CURVES}
    if any(name not in curves or curves[name].size != np.prod(shapes[name]) for name in _CURVES):
        return None
    return {name: np.reshape(curves[name], shapes[name]) for name in _CURVES}


def _score_figure(
    scores: FrameScores, outliers: NDArray[np.int64], fps: float, text: PlotText, between: NDArray[np.int64] | None
) -> Figure:
    figure = _figure(11, 3.6, text.title)
    axes = figure.add_subplot()
    score = np.asarray(scores.score, np.float64)
    _draw_line(axes, score, color=_DETECTED, label=text.score)
    side = "above" if scores.higher_is_worse else "below"
    axes.axhline(scores.threshold, color=_OUTLIER, lw=0.9, ls=(0, (4, 3)), label=f"threshold {scores.threshold:g}")
    label = f"{counted(len(outliers), 'frame')} {side} it"
    axes.plot(outliers, score[outliers], ".", color=_OUTLIER, ms=6, mew=0, alpha=0.7, label=label)
    _limit(axes, _beyond_start(score), np.array([scores.threshold]))
    _shade_others(axes, between, len(score))
    axes.set_xlim(0, max(len(score) - 1, 1))
    axes.set_xlabel("frame" + (f" (at {fps:g} frames a second)" if np.isfinite(fps) and fps > 0 else ""))
    axes.set_ylabel(text.score)
    axes.grid(alpha=0.25, lw=0.5)
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _fit_figure(
    points: Floats,
    curves: Mapping[str, Floats],
    threshold: float,
    outliers: NDArray[np.int64],
    name: str,
    text: PlotText,
    between: NDArray[np.int64] | None,
) -> Figure:
    """Return a body part's picture: x, y and distance, of the whole video and around the worst frame."""
    frames = len(points)
    worst = int(np.nanargmax(_beyond_start(curves["distance"])))
    near = slice(max(worst - _AROUND, 0), min(worst + _AROUND + 1, frames))
    figure = _figure(13, 7, f"{text.title}   {name}")
    grid = figure.subplots(3, 2, sharex="col", width_ratios=(3, 2))
    for column, part in enumerate((slice(0, frames), near)):
        for row, coordinate in enumerate("xy"):
            axes = grid[row, column]
            lower, upper = curves["lower"][part, row], curves["upper"][part, row]
            _draw_band(axes, lower, upper, part.start, color=_FIT, alpha=0.25, label=text.interval)
            _draw_line(axes, points[part, row], part.start, color=_DETECTED, label="detected", lw=0.8, marker=column)
            _draw_line(axes, curves["fit"][part, row], part.start, color=_FIT, label="fit", lw=1.2)
            _limit(axes, points[part, row], _beyond_start(curves["fit"][:, row])[part])
            axes.set_ylabel(f"{coordinate} (px)")
        axes = grid[2, column]
        _draw_line(axes, curves["distance"][part], part.start, color=_DETECTED, label="distance")
        axes.axhline(threshold, color=_OUTLIER, lw=0.9, ls=(0, (4, 3)), label=f"threshold of the mean, {threshold:g}")
        shown = outliers[(outliers >= part.start) & (outliers < part.stop)]
        label = "outliers (mean of the body parts)"
        axes.plot(shown, curves["distance"][shown], ".", color=_OUTLIER, ms=6, mew=0, alpha=0.7, label=label)
        _limit(axes, _beyond_start(curves["distance"])[part], np.array([0.0, threshold]))
        _shade_others(axes, between, frames)
        axes.set_ylabel("distance (px)")
        axes.set_xlabel("frame" if column == 0 else f"frame, around {worst}, where the distance is largest")
        axes.set_xlim(part.start, max(part.stop - 1, part.start + 1))
    for axes in grid.flat:
        axes.grid(alpha=0.25, lw=0.5)
    handles = dict(zip(*reversed(grid[0, 0].get_legend_handles_labels()), strict=True))
    handles |= dict(zip(*reversed(grid[2, 0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", frameon=False, fontsize=9, ncols=7)
    return figure


def _shade_others(axes: Axes, between: NDArray[np.int64] | None, frames: int) -> None:
    """Shade the frames in which no outlier was looked for: a curve beyond the threshold there has no mark."""
    if between is None or not 0 < len(between) < frames:
        return
    sides = [(first, last) for first, last in ((0, between[0]), (between[-1], frames - 1)) if first < last]
    for number, (first, last) in enumerate(sides):
        axes.axvspan(first, last, color="0.5", alpha=0.3, lw=0, label="_" * number + "not asked for")


def _beyond_start(values: Floats) -> Floats:
    """Return the values but for the first frame's: a model that knows nothing before it expects it at the origin."""
    rest = values.copy()
    rest[:1] = np.nan
    return rest if np.isfinite(rest).any() else values


def _draw_line(axes: Axes, values: Floats, start: int = 0, marker: int = 0, lw: float = 1.0, **look: str) -> None:
    """Draw values by frame; of many frames both ends of every bin, so that no short excursion is lost."""
    length = _bin_length(len(values))
    frames = np.arange(start, start + len(values), length)
    if length == 1:
        dots = {"marker": ".", "ms": 5} if marker else {}
        axes.plot(frames, values, lw=lw, **dots, **look)  # type: ignore[arg-type]
        return
    places = np.arange(0, len(values), length)
    ends = np.stack([np.fmin.reduceat(values, places), np.fmax.reduceat(values, places)], axis=1)
    axes.plot(np.repeat(frames, 2), ends.ravel(), lw=lw, **look)  # type: ignore[arg-type]


def _draw_band(axes: Axes, lower: Floats, upper: Floats, start: int, color: str, alpha: float, label: str) -> None:
    length = _bin_length(len(lower))
    places = np.arange(0, len(lower), length)
    low, high = np.fmin.reduceat(lower, places), np.fmax.reduceat(upper, places)
    axes.fill_between(places + start, low, high, color=color, alpha=alpha, lw=0, label=label)


def _bin_length(frames: int) -> int:
    return max(1, -(-frames // _BINS))


def _limit(axes: Axes, *values: Floats) -> None:
    """Show what was found and expected in full; an interval may reach further than anybody wants to see."""
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if len(found):
        low, high = float(found.min()), float(found.max())
        room = 0.08 * (high - low) or 1.0
        axes.set_ylim(low - room, high + room)


def _figure(width: float, height: float, title: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06))
    figure.suptitle(title, fontsize=8, color="0.45", x=0.01, ha="left", parse_math=False)
    return figure


def _saved(figure: Figure, path: Path) -> Path:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DPI, format="png")
    write_bytes(path, buffer.getvalue())
    return path


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", name)


def _free(path: Path, written: list[Path]) -> Path:
    """Return `path`, numbered if a picture written now has it: two names may differ in signs alone."""
    number = 2
    free = path
    while free in written:
        free = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return free
