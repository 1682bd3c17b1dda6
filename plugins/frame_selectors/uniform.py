"""Random frames, every one equally likely: the choice for videos in which the behaviour is spread evenly over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader


class Uniform:
    """Draw frames without replacement from a distribution that is uniform in time; no frame is decoded.

    References
    ----------
    Nath, Mathis et al. (2019), Using DeepLabCut for 3D markerless pose estimation across species and behaviors, step C.
    """

    def select(
        self,
        video: VideoReader,  # noqa: ARG002 - chance does not look at frames
        candidates: NDArray[np.int64],
        n: int,
        crop: Crop | None,  # noqa: ARG002
        generator: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return min(n, candidates) frame indices, sorted."""
        return np.sort(generator.choice(candidates, min(n, len(candidates)), replace=False))
