"""No augmentation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images, preprocess
from dlc_core.geometry import Preprocessing
from dlc_core.skeleton import Skeleton


class Plain:
    """The preprocessing warp that images go through after training, too."""

    stage = "sample"

    def __init__(self, *, skeleton: Skeleton, preprocessing: Preprocessing) -> None:  # noqa: ARG002
        self.preprocessing = preprocessing

    def __call__(
        self,
        images: Images,
        keypoints: NDArray[np.float32],
        generator: np.random.Generator,  # noqa: ARG002 - nothing is random
    ) -> AugmentedSample:
        """Return the sample scaled by ``global_scale``; see `dlc_core.plugin_api.protocols.SampleAugmenter`."""
        return preprocess(images, keypoints, self.preprocessing)
