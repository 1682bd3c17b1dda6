"""Augmentation like DeepLabCut's tensorpack loader: scale and rotation, then light, saturation, noise and blur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images
from dlc_core.errors import ConfigError
from dlc_core.geometry import Preprocessing
from dlc_core.skeleton import Skeleton

from . import colour
from .geometry import check_range, check_ratios, check_rotation, draw_zoom, mirror_share, warp_sample


class Tensorpack:
    """Options in `dlc_plugins.augmenters.TensorpackConfig`. Scale and rotation are about the centre of the image."""

    stage = "sample"

    def __init__(
        self,
        *,
        scale_jitter_lo: float,
        scale_jitter_up: float,
        scaleratio: float,
        rotation: float,
        rotratio: float,
        mirror: bool,
        brightness_dif: float,
        brightnessratio: float,
        contrast_factor_lo: float,
        contrast_factor_up: float,
        contrastratio: float,
        saturation_max_dif: float,
        saturationratio: float,
        noise_sigma: float,
        noiseratio: float,
        blur_max_window_size: int,
        blurratio: float,
        skeleton: Skeleton,
        preprocessing: Preprocessing,
    ) -> None:
        check_ratios(
            scaleratio=scaleratio,
            rotratio=rotratio,
            brightness_dif=brightness_dif,
            brightnessratio=brightnessratio,
            contrastratio=contrastratio,
            saturation_max_dif=saturation_max_dif,
            saturationratio=saturationratio,
            noise_sigma=noise_sigma,
            noiseratio=noiseratio,
            blurratio=blurratio,
        )
        if blur_max_window_size < 0:
            raise ConfigError(
                f"augmenter.blur_max_window_size is {blur_max_window_size}; at least 0 pixels are needed."
            )
        self.factors = check_range("scale_jitter_lo", scale_jitter_lo, "scale_jitter_up", scale_jitter_up)
        contrast = check_range("contrast_factor_lo", contrast_factor_lo, "contrast_factor_up", contrast_factor_up)
        self.scaleratio = scaleratio
        self.rotation, self.rotratio = check_rotation(rotation), rotratio
        self.mirror_share = mirror_share(mirror, skeleton)
        self.operations: tuple[tuple[float, colour.Operation], ...] = (
            (brightnessratio, colour.Brightness(brightness_dif)),
            (contrastratio, colour.Contrast(*contrast)),
            (saturationratio, colour.Saturation(saturation_max_dif)),
            (noiseratio, colour.Noise(noise_sigma)),
            (blurratio, colour.GaussianBlur(blur_max_window_size)),
        )
        self.skeleton = skeleton
        self.preprocessing = preprocessing

    def __call__(
        self, images: Images, keypoints: NDArray[np.float32], generator: np.random.Generator
    ) -> AugmentedSample:
        """Return the augmented sample; see `dlc_core.plugin_api.protocols.SampleAugmenter`."""
        size = self.preprocessing.output_size(images.shape[1], images.shape[2])
        factors = self.factors if generator.random() < self.scaleratio else (1.0, 1.0)
        centre = (size[1] - 1) / 2, (size[0] - 1) / 2
        zoom = draw_zoom(centre, factors, self.rotation, self.rotratio, generator)
        is_mirrored = generator.random() < self.mirror_share
        matrix = zoom @ self.preprocessing.matrix()
        sample = warp_sample(images, keypoints, matrix, size, self.skeleton if is_mirrored else None)
        return colour.colour_sample(sample, self.operations, generator)
