"""What flows through the training data: one augmented sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AugmentedSample:
    """What a sample augmenter returns.

    Parameters
    ----------
    images : (T, h, w, 3) uint8
        RGB; T frames of the window.
    keypoints : (I, K, 2) float32
        Pixels of the new images; NaN for a point that was absent or has left the image.
    matrix : (3, 3) float64
        Original pixels to new pixels, mirror included.
    ignore : (h, w) bool or None
        True where nothing is to be learnt.
    """

    images: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    matrix: NDArray[np.float64]
    ignore: NDArray[np.bool_] | None = None
