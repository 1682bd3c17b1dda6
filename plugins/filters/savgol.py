"""Interpolate what is doubtful, then fit a polynomial to every window of frames: peaks keep their height and width."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from dlc_core.plugin_api import Track


class Savgol:
    """Drop points of low likelihood, interpolate short gaps linearly, smooth each stretch that remains.

    A stretch shorter than the window is fitted by one polynomial over the longest odd window that fits in, of a lower
    degree if need be.

    Parameters
    ----------
    windowlength : int
        An odd number of frames.
    polyorder : int
        Degree of the polynomial.
    pcutoff : float
        Points below this likelihood are dropped.
    max_gap : int
        Longest gap, in frames, that is interpolated. Gaps at the ends of the video never are.

    References
    ----------
    Savitzky, Golay: Smoothing and differentiation of data by simplified least squares procedures. Analytical Chemistry
    36, 1627-1639 (1964); `scipy.signal.savgol_filter` with ``mode='interp'``.
    """

    def __init__(self, windowlength: int, polyorder: int, pcutoff: float, max_gap: int) -> None:
        self.windowlength = windowlength
        self.polyorder = polyorder
        self.pcutoff = pcutoff
        self.max_gap = max_gap

    def filter(self, track: Track) -> Track:
        """Return the smoothed track; points of long gaps are NaN, the likelihood is kept."""
        there = track.present(self.pcutoff)
        points = np.full_like(track.points, np.nan)
        for start, stop in stretches(there, self.max_gap):
            frames = np.arange(start, stop)
            known = frames[there[start:stop]]
            for axis in (0, 1):
                filled = np.interp(frames, known, track.points[known, axis])
                points[start:stop, axis] = self._smoothed(filled)
        return replace(track, points=points)

    def _smoothed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        length = min(self.windowlength, len(values) - (len(values) + 1) % 2)
        order = min(self.polyorder, length - 1)
        smooth: NDArray[np.float64] = savgol_filter(values, length, order)
        return smooth


def stretches(there: NDArray[np.bool_], max_gap: int) -> list[tuple[int, int]]:
    """Return the runs of frames, as (first, last + 1), that start and end with a point and hold no gap > `max_gap`."""
    known = np.flatnonzero(there)
    if not len(known):
        return []
    breaks = np.flatnonzero(np.diff(known) > max_gap + 1)
    first = known[np.concatenate([[0], breaks + 1])]
    last = known[np.concatenate([breaks, [len(known) - 1]])]
    return [(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]
