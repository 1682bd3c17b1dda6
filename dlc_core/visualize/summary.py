"""A video's poses reduced to what a picture can show, in one pass and with bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc_core.inference.pose_file import PoseFile
from dlc_core.visualize.tracks import Tracks

Floats = NDArray[np.float64]

JUMP_EDGES_PX = np.concatenate([[0.0], np.geomspace(0.01, 10_000, 91)])
"""Edges of the bins of the histogram of jumps, in pixels per frame."""


@dataclass(frozen=True)
class Summary:
    """What the four pictures are drawn from.

    Time is divided into bins of equal length; in a short video a bin is one frame.

    Parameters
    ----------
    frame_count : int
        Frames of the video.
    start : (bins,) int64
        First frame of each bin.
    low, high : (bins, tracks, 2) float64
        Smallest and largest x and y of the confident points in each bin, NaN if there are none.
    worst : (bins, tracks) float64
        Smallest likelihood in each bin.
    path : (points, tracks, 2) float64
        Positions of every n-th frame, NaN where uncertain.
    jumps : (tracks, len(JUMP_EDGES_PX) - 1) int64
        How many steps between consecutive frames, both confident, are so long.
    confident : (tracks,) float64
        Share of frames in which the point is confident.
    highest : float
        Largest likelihood of any point that was found, 0 if none was.
    """

    frame_count: int
    start: NDArray[np.int64]
    low: Floats
    high: Floats
    worst: Floats
    path: Floats
    jumps: NDArray[np.int64]
    confident: Floats
    highest: float

    def emptiness(self, video: str, pcutoff: float) -> str:
        """Return in words that no point of a video is confident and what helps; "" if some are."""
        if self.confident.any():
            return ""
        if not self.highest:
            return f"no point was found in {video}; train longer"
        if self.highest < 0.01:
            return f"no point of {video} is above pcutoff={pcutoff:g}, the best has {self.highest:.2g}; train longer"
        half = self.highest / 2
        unit = 10 ** math.floor(math.log10(half))
        lower = round(unit * math.floor(half / unit), 9)
        return (
            f"no point of {video} is above pcutoff={pcutoff:g}, the best has {self.highest:.2g}; "
            f"try pcutoff={lower:g} or train longer"
        )


def summarise(poses: PoseFile, tracks: Tracks, pcutoff: float, bins: int = 2400, points: int = 20_000) -> Summary:
    """Return the summary of a pose file, read block by block.

    Parameters
    ----------
    poses : PoseFile
    tracks : Tracks
    pcutoff : float
        Points below this likelihood are left out.
    bins, points : int
        Largest number of bins of time and of positions on the path.
    """
    frames = poses.frame_count
    length, stride = max(1, math.ceil(frames / bins)), max(1, math.ceil(frames / points))
    low, high, worst, path = [], [], [], []
    jumps = np.zeros((len(tracks), len(JUMP_EDGES_PX) - 1), np.int64)
    confident = np.zeros(len(tracks), np.int64)
    last = np.full((1, len(tracks), 2), np.nan)
    highest = 0.0
    for block in poses.blocks(length * max(1, 4096 // length)):
        position, likelihood = tracks.of(block.keypoints), np.nan_to_num(tracks.of(block.likelihood))
        found = np.isfinite(position).all(-1)
        highest = max(highest, float(likelihood.max(where=found, initial=0.0)))
        position[(likelihood < pcutoff) | ~found] = np.nan
        starts = np.arange(0, len(position), length)
        low.append(np.fmin.reduceat(position, starts))
        high.append(np.fmax.reduceat(position, starts))
        worst.append(np.minimum.reduceat(likelihood, starts))
        path.append(position[-block.start % stride :: stride])
        steps = np.linalg.norm(np.diff(np.concatenate([last, position]), axis=0), axis=-1)
        for track in range(len(tracks)):
            lengths = steps[:, track]
            jumps[track] += np.histogram(lengths[np.isfinite(lengths)], JUMP_EDGES_PX)[0]
        confident += np.isfinite(position).all(-1).sum(axis=0)
        last = position[-1:]
    empty = np.empty((0, len(tracks), 2))
    return Summary(
        frame_count=frames,
        start=np.arange(0, frames, length),
        low=np.concatenate([empty, *low]),
        high=np.concatenate([empty, *high]),
        worst=np.concatenate([empty[..., 0], *worst]),
        path=np.concatenate([empty, *path]),
        jumps=jumps,
        confident=confident / max(frames, 1),
        highest=highest,
    )
