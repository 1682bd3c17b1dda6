"""Smooth the poses of a video: one body part of one animal after the other, whatever the filter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from dlc_core.console import warn
from dlc_core.errors import PluginError
from dlc_core.filtering.structures import Track
from dlc_core.filtering.track_file import TrackFile, Values
from dlc_core.inference.pose_file import PoseBlock, PoseFile
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.protocols import PoseFilter

BLOCK = 4096
"""Frames in memory at once while poses are read and written."""

_SHOWN = 6


def filtered_blocks(
    poses: PoseFile,
    smoother: PoseFilter,
    name: str,
    folder: Path,
    done: Callable[[bool], None] = lambda _: None,
    elsewhere: str = "",
) -> Iterator[PoseBlock]:
    """Yield the smoothed poses in blocks of consecutive frames.

    Parameters
    ----------
    poses : PoseFile
        Read once, from front to back.
    smoother : PoseFilter
    name : str
        Of the filter, for messages.
    folder : Path
        Where tracks that need more than memory go meanwhile.
    done : callable
        Called after each track with whether the filter changed it.
    elsewhere : str
        How to work in another folder, for the message of a full disk.

    Raises
    ------
    PluginError
        The filter failed, or returned something else than a track of the same length.
    DiskError
        The disk is full.
    """
    pairs = [(int(i), int(k)) for i, k in np.argwhere(poses.skeleton.exists)]
    with TrackFile(folder, poses.frame_count, elsewhere) as tracks:
        for block in poses.blocks(BLOCK):
            values = np.concatenate([block.keypoints, block.likelihood[..., None]], axis=-1)
            for number, pair in enumerate(pairs):
                tracks.put(number, block.start, values[:, *pair])
        _filter_all(poses, pairs, tracks, smoother, name, done)
        shape = (len(poses.skeleton.individuals), len(poses.skeleton.keypoints), 3)
        for start in range(0, poses.frame_count, BLOCK):
            values = np.full((min(BLOCK, poses.frame_count - start), *shape), np.nan, np.float32)
            for number, pair in enumerate(pairs):
                values[:, *pair] = tracks.take(number, start, start + len(values))
            yield PoseBlock(start, values[..., :2], values[..., 2])


def _filter_all(
    poses: PoseFile,
    pairs: list[tuple[int, int]],
    tracks: TrackFile,
    smoother: PoseFilter,
    name: str,
    done: Callable[[bool], None],
) -> None:
    """Smooth each track in its place; what the filter says of several is said once."""
    notes: dict[str, list[str]] = {}
    for number, pair in enumerate(pairs if poses.frame_count else []):
        which = track_name(poses, pair)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            values = tracks.take(number)
            smooth = _filtered(values, poses.fps, smoother, name, which)
        is_changed = not np.array_equal(smooth, values, equal_nan=True)
        tracks.put(number, 0, smooth)
        for text in {str(one.message) for one in said if issubclass(one.category, RuntimeWarning)}:
            notes.setdefault(text, []).append(which)
        done(is_changed)
    for text, names in notes.items():
        rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        warn(f"filter={name} on {', '.join(names[:_SHOWN])}{rest}: {text}.")


def _filtered(values: Values, fps: float, smoother: PoseFilter, name: str, which: str) -> Values:
    """Return x, y and likelihood of a track, (frames, 3), smoothed."""
    track = Track(values[:, :2].astype(np.float64), values[:, 2].copy(), fps)
    with blaming(f"the filter {name!r} fails on {which}"):
        smooth = smoother.filter(track)
    frames = len(values)
    if not isinstance(smooth, Track):
        raise PluginError(f"the filter {name!r} returned {type(smooth).__name__} for {which}; expected a Track.")
    if np.shape(smooth.points) != (frames, 2) or np.shape(smooth.likelihood) != (frames,):
        raise PluginError(
            f"the filter {name!r} returned points of shape {np.shape(smooth.points)} and likelihood of shape "
            f"{np.shape(smooth.likelihood)} for {which}; expected {(frames, 2)} and {(frames,)}. Choose another, or "
            "tell its author."
        )
    with blaming(f"the filter {name!r} returns no numbers for {which}"):
        return np.concatenate([smooth.points, smooth.likelihood[:, None]], axis=1, dtype=np.float32)


def track_name(poses: PoseFile, pair: tuple[int, int]) -> str:
    """Return the name of a body part, with that of the animal if there are several."""
    individual, keypoint = pair
    several = len(poses.skeleton.individuals) > 1
    animal = f"{poses.skeleton.individuals[individual]} " if several else ""
    return f"{animal}{poses.skeleton.keypoints[keypoint]}"
