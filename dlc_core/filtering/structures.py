"""What a filter gets and returns: the trajectory of one body part of one animal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Track:
    """One keypoint of one individual through a whole video.

    Parameters
    ----------
    points : (frames, 2) float64
        x, y in full-frame pixels, NaN where the point is absent.
    likelihood : (frames,) float32
        In [0, 1]; NaN where nothing is known of it.
    fps : float
        Frames per second, NaN when unknown.
    """

    points: NDArray[np.float64]
    likelihood: NDArray[np.float32]
    fps: float

    def present(self, p_bound: float = 0.0) -> NDArray[np.bool_]:
        """Tell of each frame whether the point is there with a likelihood of at least `p_bound`; (frames,) bool.

        A point without a likelihood counts as certain.
        """
        with np.errstate(invalid="ignore"):
            doubtful = self.likelihood < p_bound
        there: NDArray[np.bool_] = np.isfinite(self.points).all(axis=1) & ~doubtful
        return there
