"""DeepLabCut's four pictures of a video's poses: trajectory, position and likelihood over time, histogram of jumps.

Body parts have the colours they have in labelled videos, light ones darkened so that lines can be seen on white.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlc_core.colors import dark_on_white
from dlc_core.console import warn
from dlc_core.files import write_bytes
from dlc_core.inference.filtered_stores import filter_ending
from dlc_core.inference.pose_file import PoseFile
from dlc_core.visualize.summary import JUMP_EDGES_PX, Floats, Summary, summarise
from dlc_core.visualize.tracks import Tracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 130
_LEGEND_ROWS = 22


def plot_poses(
    poses: PoseFile,
    tracks: Tracks,
    folder: Path,
    *,
    pcutoff: float,
    alphavalue: float = 0.5,
    background: NDArray[np.uint8] | None = None,
) -> list[Path]:
    """Write ``trajectory.png``, ``plot.png``, ``plot-likelihood.png`` and ``hist.png`` and return their paths.

    Where no point is confident, a notice and the empty pictures themselves say so.

    Parameters
    ----------
    poses : PoseFile
        Read block by block; memory does not grow with the length of the video.
    tracks : Tracks
        What to draw.
    folder : Path
        Is made if it is not there.
    pcutoff : float
        Points below this likelihood are left out of positions and jumps.
    alphavalue : float
        Opacity in [0, 1].
    background : (H, W, 3) uint8 or None
        A frame of the video, shown faintly behind the trajectories.

    Raises
    ------
    DiskError
        The disk is full or read-only.
    """
    summary = summarise(poses, tracks, pcutoff)
    scorer = f"{poses.scorer}{filter_ending(poses)}"
    title = " ".join(part for part in (poses.video.stem if poses.video else "", scorer) if part)
    size = poses.frame_size if background is None else background.shape[:2]
    empty = summary.emptiness(poses.video.name if poses.video else "the video", pcutoff)
    if empty:
        warn(f"{empty}.")
    figures = {
        "trajectory.png": _trajectory(summary, tracks, size, alphavalue, background),
        "plot.png": _positions(summary, tracks, poses.fps),
        "plot-likelihood.png": _likelihoods(summary, tracks, poses.fps, pcutoff),
        "hist.png": _jumps(summary, tracks),
    }
    written = []
    for name, figure in figures.items():
        figure.suptitle(title, fontsize=7, color="0.45", x=0.01, ha="left", parse_math=False)
        if empty and name != "plot-likelihood.png":  # that one shows all of them
            for axes in figure.axes:
                _write_across(axes, empty)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=_DPI, format="png")
        write_bytes(folder / name, buffer.getvalue())
        written.append(folder / name)
    return written


def _trajectory(
    summary: Summary,
    tracks: Tracks,
    size: tuple[int, ...] | None,
    alphavalue: float,
    background: NDArray[np.uint8] | None,
) -> Figure:
    height, width = size if size else _extent(summary)
    figure = _figure(8.0, float(np.clip(6.2 * height / width + 0.5, 2.5, 9)))
    axes = figure.add_subplot()
    if background is not None:
        axes.imshow(background.mean(axis=-1), cmap="gray", vmin=-510, vmax=255, zorder=0)
    is_short = summary.frame_count <= 3000
    for track, color in enumerate(_colors(tracks)):
        x, y = summary.path[:, track, 0], summary.path[:, track, 1]
        line = 1.2 if is_short else 0
        axes.plot(x, y, "-" if is_short else "", color=color, lw=line, marker=".", ms=4, mew=0, alpha=alphavalue)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")
    _legend(figure, tracks)
    return figure


def _positions(summary: Summary, tracks: Tracks, fps: float) -> Figure:
    figure = _figure(11, 6)
    rows = figure.subplots(2, 1, sharex=True)
    for coordinate, (axes, name) in enumerate(zip(rows, ("x (px)", "y (px)"), strict=True)):
        for track, color in enumerate(_colors(tracks)):
            low, high = summary.low[:, track, coordinate], summary.high[:, track, coordinate]
            # both ends of every bin, so that no short excursion of a long video is lost
            ends = low if np.array_equal(low, high, equal_nan=True) else np.stack([low, high], axis=1).ravel()
            time = np.repeat(summary.start, len(ends) // max(len(low), 1))
            axes.plot(time, ends, color=color, lw=1.4, alpha=0.9)
        axes.set_ylabel(name)
        axes.grid(alpha=0.25, lw=0.5)
    rows[1].set_xlim(0, max(summary.frame_count - 1, 1))
    rows[1].set_xlabel("frame")
    _seconds(rows[0], fps)
    _legend(figure, tracks)
    return figure


def _likelihoods(summary: Summary, tracks: Tracks, fps: float, pcutoff: float) -> Figure:
    figure = _figure(11, float(np.clip(0.55 * len(tracks) + 1.1, 2.4, 16)))
    rows = figure.subplots(len(tracks), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for track, (axes, color) in enumerate(zip(rows, _colors(tracks), strict=True)):
        axes.fill_between(summary.start, summary.worst[:, track], color=color, alpha=0.45, lw=0, step="post")
        axes.step(summary.start, summary.worst[:, track], color=color, lw=1, where="post")
        axes.axhline(pcutoff, color="0.2", lw=0.7, ls=(0, (4, 3)))
        axes.set_ylabel(tracks.names[track], rotation=0, ha="right", va="center", fontsize=9, parse_math=False)
        share = f"{100 * summary.confident[track]:.1f} %"
        axes.text(1.005, 0.5, share, transform=axes.transAxes, va="center", fontsize=8, color="0.3")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    rows[0].set_ylim(0, 1.05)
    rows[0].set_yticks([0, 1])
    rows[-1].set_xlim(0, max(summary.frame_count - 1, 1))
    bins = "likelihood" if len(summary.start) == summary.frame_count else "smallest likelihood per bin"
    rows[-1].set_xlabel(f"frame   ({bins}; dashed: pcutoff {pcutoff:g}; right: share of frames above it)")
    _seconds(rows[0], fps)
    return figure


def _jumps(summary: Summary, tracks: Tracks) -> Figure:
    figure = _figure(8, 4.6)
    axes = figure.add_subplot()
    edges = JUMP_EDGES_PX[1:]
    for track, color in enumerate(_colors(tracks)):
        counts = summary.jumps[track].copy()
        counts[1] += counts[0]  # what is shorter than the scale begins
        axes.stairs(counts[1:], edges, color=color, lw=1.8, alpha=0.9)
    used = np.flatnonzero(summary.jumps.sum(axis=0))
    last = JUMP_EDGES_PX[used[-1] + 1] if len(used) else 100.0
    axes.set_xscale("log")
    axes.set_xlim(edges[0], max(last * 1.3, 10.0))
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("jump between consecutive frames (px)")
    axes.set_ylabel("frames")
    axes.grid(alpha=0.25, lw=0.5)
    _legend(figure, tracks)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.06))


def _colors(tracks: Tracks) -> list[tuple[float, float, float]]:
    return [(red, green, blue) for red, green, blue in (dark_on_white(tracks.colors) / 255).tolist()]


def _legend(figure: Figure, tracks: Tracks) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=color, lw=3) for color in _colors(tracks)]
    columns = math.ceil(len(tracks) / _LEGEND_ROWS)
    legend = figure.legend(
        handles, tracks.names, loc="outside right upper", frameon=False, fontsize=9, ncols=columns, handlelength=1.2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _write_across(axes: Axes, text: str) -> None:
    """Write a sentence into the middle of an empty picture."""
    box = {"facecolor": "white", "edgecolor": "0.7", "alpha": 0.9, "boxstyle": "round,pad=0.6"}
    words = text.replace(", the best", ",\nthe best").replace("; ", ";\n")
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color="0.2", parse_math=False, bbox=box
    )


def _seconds(axes: Axes, fps: float) -> None:
    """Put a second scale in seconds on top, if the frame rate is known."""
    if math.isfinite(fps) and fps > 0:
        top = axes.secondary_xaxis(
            "top", functions=(lambda frame: _times(frame, 1 / fps), lambda second: _times(second, fps))
        )
        top.set_xlabel("time (s)")


def _times(values: ArrayLike, factor: float) -> Floats:
    return np.asarray(values, np.float64) * factor


def _extent(summary: Summary) -> tuple[float, float]:
    """Return a height and width that hold every position."""
    found = summary.path[np.isfinite(summary.path).all(-1)]
    x, y = found.max(axis=0) if len(found) else (1.0, 1.0)
    return max(float(y) * 1.05, 1.0), max(float(x) * 1.05, 1.0)
