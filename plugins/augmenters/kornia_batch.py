"""Augmentation of a whole batch on its device, with kornia: for GPUs that would wait for the CPU's augmentation.

Every parameter comes from the samples' own generators and every geometric change is one matrix of ours; kornia does the
work on the pixels. Nothing depends on the order of samples or on what is beside them but the size they are padded to:
in a batch of images of several sizes the black padding is mirrored along, and counts in the mean grey level that
contrast is changed about. The fields of noise come from
torch's generator on the device, seeded by the sample's generator: CPU and GPU draw different fields, each the same
every time.

An enlarged or rotated image is interpolated bilinearly. Shrinking averages nothing beforehand (the factor is 1/2 at
least by default, where bilinear interpolation still looks at two pixels an axis).
"""

from __future__ import annotations

from collections.abc import Sequence

import kornia
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dlc_core.errors import ConfigError
from dlc_core.geometry import Matrix, Preprocessing, mirroring
from dlc_core.skeleton import Skeleton

from .colour import LUMA
from .geometry import check_range, check_ratios, check_rotation, draw_joint, draw_zoom, mirror_share


class KorniaBatch:
    """Options in `dlc_plugins.augmenters.KorniaConfig`."""

    stage = "batch"

    def __init__(
        self,
        *,
        scale_jitter_lo: float,
        scale_jitter_up: float,
        rotation: float,
        rotratio: float,
        mirror: bool,
        brightness_dif: float,
        contrast_factor_lo: float,
        contrast_factor_up: float,
        saturation_max_dif: float,
        motionblurratio: float,
        motion_blur_length: int,
        noise_sigma: float,
        noiseratio: float,
        skeleton: Skeleton,
        preprocessing: Preprocessing,  # noqa: ARG002 - the images went through it already
    ) -> None:
        check_ratios(
            rotratio=rotratio,
            brightness_dif=brightness_dif,
            saturation_max_dif=saturation_max_dif,
            motionblurratio=motionblurratio,
            noise_sigma=noise_sigma,
            noiseratio=noiseratio,
        )
        if motion_blur_length < 3 or motion_blur_length % 2 == 0:
            raise ConfigError(
                f"augmenter.motion_blur_length is {motion_blur_length}; an odd number of pixels, 3 or more, is needed "
                "(augmenter.motionblurratio=0 switches the blur off)."
            )
        self.factors = check_range("scale_jitter_lo", scale_jitter_lo, "scale_jitter_up", scale_jitter_up)
        self.contrast = check_range("contrast_factor_lo", contrast_factor_lo, "contrast_factor_up", contrast_factor_up)
        self.rotation, self.rotratio = check_rotation(rotation), rotratio
        self.mirror_share = mirror_share(mirror, skeleton)
        self.brightness, self.saturation = brightness_dif, saturation_max_dif
        self.motionblurratio, self.motion_blur_length = motionblurratio, motion_blur_length
        self.noise_sigma, self.noiseratio = noise_sigma, noiseratio
        self.order = torch.from_numpy(skeleton.mirrored_order())

    def __call__(
        self, images: Tensor, keypoints: Tensor, generators: Sequence[np.random.Generator]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return images, keypoints and matrices; see `dlc_core.plugin_api.protocols.BatchAugmenter`."""
        height, width = images.shape[-2:]
        labels = keypoints.cpu().numpy()
        drawn = [self._draw_matrix(*each, (height, width)) for each in zip(labels, generators, strict=True)]
        matrices = torch.from_numpy(np.stack([matrix for matrix, _ in drawn])).to(images.device, torch.float32)
        mirrored = torch.tensor([is_mirrored for _, is_mirrored in drawn], device=images.device)
        pixels = kornia.geometry.transform.warp_affine(
            images.float() / 255, matrices[:, :2], (height, width), mode="bilinear", align_corners=True
        )
        pixels = self._recolour(pixels, generators)
        new = (pixels * 255).round().clamp(0, 255).to(torch.uint8)
        return new, self._move(keypoints, matrices, mirrored, (height, width)), matrices

    def _draw_matrix(
        self, keypoints: NDArray[np.float32], generator: np.random.Generator, size: tuple[int, int]
    ) -> tuple[Matrix, bool]:
        joint = draw_joint(keypoints, size, generator)
        matrix = draw_zoom(joint, self.factors, self.rotation, self.rotratio, generator)
        is_mirrored = bool(generator.random() < self.mirror_share)
        return (mirroring(size[1]) @ matrix if is_mirrored else matrix), is_mirrored

    def _move(self, keypoints: Tensor, matrices: Tensor, mirrored: Tensor, size: tuple[int, int]) -> Tensor:
        moved = torch.einsum("bij,bnkj->bnki", matrices[:, :2, :2], keypoints) + matrices[:, None, None, :2, 2]
        moved = torch.where(mirrored[:, None, None, None], moved[:, :, self.order.to(moved.device)], moved)
        x, y = moved[..., 0], moved[..., 1]
        inside = (x >= -0.5) & (y >= -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)  # False for NaN
        return torch.where(inside[..., None], moved, torch.nan)

    def _recolour(self, pixels: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        """Return (B, 3, H, W) float pixels in about [0, 1] with light, saturation, blur and noise changed."""
        draws = np.stack([generator.random(6) for generator in generators])
        seeds = [int(generator.integers(2**62)) for generator in generators]
        to_blur, to_noise = draws[:, 3] < self.motionblurratio, draws[:, 5] < self.noiseratio

        def drawn(column: int, low: float, high: float) -> Tensor:
            return torch.from_numpy(low + draws[:, column] * (high - low)).to(pixels)

        luma = torch.from_numpy(LUMA).to(pixels).view(1, 3, 1, 1)
        grey = (pixels * luma).sum(1, keepdim=True)
        saturation = drawn(0, 1 - self.saturation, 1 + self.saturation).view(-1, 1, 1, 1)
        pixels = grey + (pixels - grey) * saturation
        contrast = drawn(1, float(np.log(self.contrast[0])), float(np.log(self.contrast[1]))).exp()
        mean = grey.mean((1, 2, 3))
        pixels = (pixels - mean.view(-1, 1, 1, 1)) * contrast.view(-1, 1, 1, 1) + mean.view(-1, 1, 1, 1)
        pixels = kornia.enhance.adjust_brightness(pixels, drawn(2, -self.brightness, self.brightness))
        if to_blur.any():
            chosen = torch.from_numpy(np.flatnonzero(to_blur)).to(pixels.device)
            angles = drawn(4, 0, 180)[chosen]
            blurred = kornia.filters.motion_blur(
                pixels[chosen], self.motion_blur_length, angles, torch.zeros_like(angles), border_type="replicate"
            )
            pixels = pixels.index_copy(0, chosen, blurred)
        for index in np.flatnonzero(to_noise):
            generator = torch.Generator(pixels.device).manual_seed(seeds[index])
            field = torch.randn(pixels.shape[1:], generator=generator, device=pixels.device, dtype=pixels.dtype)
            pixels[index] += self.noise_sigma * field
        return pixels
