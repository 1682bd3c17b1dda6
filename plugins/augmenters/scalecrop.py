"""The augmentation of the 2018 protocol: scale jitter and windows around a random joint."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images
from dlc_core.errors import ConfigError
from dlc_core.geometry import Preprocessing, scaling, translation
from dlc_core.skeleton import Skeleton

from .geometry import check_range, check_ratios, draw_joint, mirror_share, warp_sample


class ScaleCrop:
    """Scale the image, sometimes cut to a window; options in `dlc_plugins.augmenters.ScaleCropConfig`.

    The window is [x - minsize - u leftwidth, x + minsize + u rightwidth] and so on around a joint at x, each side
    with its own u, uniform in [0, 1], in pixels of the unscaled image and cut at its edges. The factor is kept
    within what ``max_input_size`` and ``min_input_size`` allow for the result.
    """

    stage = "sample"

    def __init__(
        self,
        *,
        scale_jitter_lo: float,
        scale_jitter_up: float,
        mirror: bool,
        cropping: bool,
        cropratio: float,
        minsize: int,
        leftwidth: int,
        rightwidth: int,
        bottomheight: int,
        topheight: int,
        skeleton: Skeleton,
        preprocessing: Preprocessing,
    ) -> None:
        check_ratios(cropratio=cropratio)
        sides = {
            "leftwidth": leftwidth,
            "rightwidth": rightwidth,
            "topheight": topheight,
            "bottomheight": bottomheight,
        }
        for name, value in {"minsize": minsize, **sides}.items():
            if value < 0:
                raise ConfigError(f"augmenter.{name} is {value}; a number of pixels of at least 0 is needed.")
        self.factors = check_range("scale_jitter_lo", scale_jitter_lo, "scale_jitter_up", scale_jitter_up)
        self.cropratio = cropratio if cropping else 0.0
        self.minsize = minsize
        self.reach = np.array(list(sides.values()), np.float64)
        self.mirror_share = mirror_share(mirror, skeleton)
        self.skeleton = skeleton
        self.preprocessing = preprocessing

    def __call__(
        self, images: Images, keypoints: NDArray[np.float32], generator: np.random.Generator
    ) -> AugmentedSample:
        """Return the augmented sample; see `dlc_core.plugin_api.protocols.SampleAugmenter`."""
        x1, y1, x2, y2 = self._draw_window(keypoints, (images.shape[1], images.shape[2]), generator)
        factor = self._within_limits(generator.uniform(*self.factors), y2 - y1, x2 - x1)
        is_mirrored = generator.random() < self.mirror_share
        size = max(1, round((y2 - y1) * factor)), max(1, round((x2 - x1) * factor))
        matrix = scaling(factor) @ translation(-x1, -y1)
        return warp_sample(images, keypoints, matrix, size, self.skeleton if is_mirrored else None)

    def _draw_window(
        self, keypoints: NDArray[np.float32], size: tuple[int, int], generator: np.random.Generator
    ) -> tuple[int, int, int, int]:
        """Return x1, y1, x2, y2, half open; the whole image for the samples that are not cut."""
        height, width = size
        is_cut = generator.random() < self.cropratio
        x, y = draw_joint(keypoints, size, generator)
        left, right, up, down = self.minsize + generator.random(4) * self.reach
        if not is_cut:
            return 0, 0, width, height
        x1, y1 = max(0, math.floor(x - left)), max(0, math.floor(y - up))
        x2, y2 = min(width, math.ceil(x + right) + 1), min(height, math.ceil(y + down) + 1)
        return x1, y1, x2, y2

    def _within_limits(self, jitter: float, height: int, width: int) -> float:
        side = math.sqrt(height * width)
        factor = max(jitter * self.preprocessing.global_scale, min(1.0, self.preprocessing.min_input_size / side))
        return min(factor, self.preprocessing.max_input_size / side)
