"""The median over a window of frames: removes jumps shorter than half the window, keeps edges sharp."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import medfilt

from dlc_core.plugin_api import Track

_BLOCK = 4096  # windows in memory at once


class Median:
    """Take the median of x and of y over a window of frames, as `medfilt`: beyond the ends of the video are zeros.

    Where a point is absent in some frames of a window, or the video is shorter than half of it, the median is that of
    the points which are there, without zeros. What is absent stays absent.

    Parameters
    ----------
    windowlength : int
        An odd number of frames.

    References
    ----------
    `scipy.signal.medfilt`, which DeepLabCut's ``filterpredictions(filtertype='median')`` calls for each coordinate.
    """

    def __init__(self, windowlength: int) -> None:
        self.windowlength = windowlength

    def filter(self, track: Track) -> Track:
        """Return the track with the median of each window; the likelihood is kept."""
        there, length = track.present(), self.windowlength
        known = np.where(there[:, None], track.points, np.nan)
        if len(known) <= length // 2:
            incomplete = there
        else:
            incomplete = there & maximum_filter1d(~there, length, mode="constant", cval=0)
        points = np.full_like(known, np.nan)
        if not incomplete.all():
            whole = there & ~incomplete
            zeros = np.nan_to_num(known, nan=0.0)
            points[whole] = np.stack([medfilt(column, length) for column in zeros.T], axis=1)[whole]
        points[incomplete] = _medians_of_known(known, length, np.flatnonzero(incomplete))
        return replace(track, points=points)


def _medians_of_known(points: NDArray[np.float64], length: int, frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median over the windows around `frames`, without what is NaN; (frames, 2)."""
    padded = np.pad(points, ((length // 2, length // 2), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)
    medians = np.empty((len(frames), 2))
    for start in range(0, len(frames), _BLOCK):
        part = slice(start, start + _BLOCK)
        medians[part] = np.nanmedian(windows[frames[part]], axis=-1)
    return medians
