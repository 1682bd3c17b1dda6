"""The default augmenter: scale and rotation about a labelled joint, then blur, contrast, light, cover, compression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images
from dlc_core.errors import ConfigError
from dlc_core.geometry import Preprocessing, transform_points, translation
from dlc_core.skeleton import Skeleton

from . import colour
from .geometry import check_range, check_ratios, check_rotation, draw_joint, draw_zoom, mirror_share, warp_sample


class Imgaug:
    """Options in `dlc_plugins.augmenters.ImgaugConfig`.

    The zoom leaves a random labelled joint where it is, so that an enlarged sample always holds at least one label:
    an animal at the wall of its box would leave a picture that is enlarged about its centre.
    """

    stage = "sample"

    def __init__(
        self,
        *,
        scale_jitter_lo: float,
        scale_jitter_up: float,
        rotation: float,
        rotratio: float,
        mirror: bool,
        crop_size: int | None,
        motionblurratio: float,
        motion_blur_length: int,
        brightnessratio: float,
        brightness_dif: float,
        contrastratio: float,
        contrast_factor_lo: float,
        contrast_factor_up: float,
        claheratio: float,
        histeqratio: float,
        jpegratio: float,
        jpeg_quality_lo: int,
        coverratio: float,
        cover_size: float,
        skeleton: Skeleton,
        preprocessing: Preprocessing,
    ) -> None:
        check_ratios(
            rotratio=rotratio,
            motionblurratio=motionblurratio,
            brightnessratio=brightnessratio,
            brightness_dif=brightness_dif,
            contrastratio=contrastratio,
            claheratio=claheratio,
            histeqratio=histeqratio,
            jpegratio=jpegratio,
            coverratio=coverratio,
            cover_size=cover_size,
        )
        if crop_size is not None and crop_size < 1:
            raise ConfigError(
                f"augmenter.crop_size is {crop_size}; a number of pixels is needed, or null for the whole image."
            )
        if motion_blur_length < 1:
            raise ConfigError(f"augmenter.motion_blur_length is {motion_blur_length}; at least 1 pixel is needed.")
        if not 1 <= jpeg_quality_lo <= 95:
            raise ConfigError(f"augmenter.jpeg_quality_lo is {jpeg_quality_lo}; a quality from 1 to 95 is needed.")
        self.factors = check_range("scale_jitter_lo", scale_jitter_lo, "scale_jitter_up", scale_jitter_up)
        contrast = check_range("contrast_factor_lo", contrast_factor_lo, "contrast_factor_up", contrast_factor_up)
        self.rotation, self.rotratio = check_rotation(rotation), rotratio
        self.mirror_share = mirror_share(mirror, skeleton)
        self.crop_size = crop_size
        self.operations: tuple[tuple[float, colour.Operation], ...] = (
            (motionblurratio, colour.MotionBlur(motion_blur_length)),
            (claheratio, colour.Clahe()),
            (histeqratio, colour.HistogramEqualisation()),
            (contrastratio, colour.Contrast(*contrast)),
            (brightnessratio, colour.Brightness(brightness_dif)),
            (coverratio, colour.Cover(cover_size)),
            (jpegratio, colour.Jpeg(jpeg_quality_lo)),
        )
        self.skeleton = skeleton
        self.preprocessing = preprocessing

    def __call__(
        self, images: Images, keypoints: NDArray[np.float32], generator: np.random.Generator
    ) -> AugmentedSample:
        """Return the augmented sample; see `dlc_core.plugin_api.protocols.SampleAugmenter`."""
        old_size = images.shape[1], images.shape[2]
        size = self.preprocessing.output_size(*old_size)
        matrix = self.preprocessing.matrix()
        joint = transform_points(matrix, np.array(draw_joint(keypoints, old_size, generator)))
        x, y = float(joint[0]), float(joint[1])
        matrix = draw_zoom((x, y), self.factors, self.rotation, self.rotratio, generator) @ matrix
        is_mirrored = generator.random() < self.mirror_share
        if self.crop_size is not None:
            (left, top), size = self._draw_crop((x, y), size, self.crop_size, generator)
            matrix = translation(-left, -top) @ matrix
        sample = warp_sample(images, keypoints, matrix, size, self.skeleton if is_mirrored else None)
        return colour.colour_sample(sample, self.operations, generator)

    @staticmethod
    def _draw_crop(
        joint: tuple[float, float], size: tuple[int, int], side: int, generator: np.random.Generator
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return (left, top) and (height, width) of a window inside the image that holds the joint anywhere in it."""
        width, height = min(side, size[1]), min(side, size[0])
        draws = generator.random(2)
        corner = []
        for draw, position, window, whole in zip(draws, joint, (width, height), size[::-1], strict=True):
            lowest = max(0, int(np.floor(position)) - window + 2)
            highest = max(lowest, min(whole - window, int(np.floor(position))))
            corner.append(min(whole - window, lowest + int(draw * (highest - lowest + 1))))
        return (corner[0], corner[1]), (height, width)
