"""Batches: samples of mixed sizes padded to one, and the augmentation of whole batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dlc_core.data.dataset import Sample
from dlc_core.data.sampler import sample_generator
from dlc_core.data.warp import FILL
from dlc_core.model.structures import Labels
from dlc_core.plugin_api.protocols import BatchAugmenter


@dataclass(frozen=True)
class Batch:
    """What one training step learns from.

    Parameters
    ----------
    images : (B, 3, H, W) uint8
        RGB, padded right and below to the largest image. For a head with a window (B, views, T, 3, H, W).
    labels : Labels
        In pixels of `images`; ``ignore_mask`` is True in the padding, ``transform`` is (B, views, 3, 3).
    sizes : (B, 2) int64
        Height and width of each image before padding.
    step : int
        The step it was drawn for.
    names : tuple of str
        Of the labelled images.
    indices : tuple of int
        Sample indices; with seed and step they make the samples' random numbers.
    """

    images: Tensor
    labels: Labels
    sizes: Tensor
    step: int
    names: tuple[str, ...]
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """Return the batch on `device`."""
        return replace(
            self,
            images=self.images.to(device, non_blocking=non_blocking),
            labels=self.labels.to(device),
            sizes=self.sizes.to(device),
        )

    def pin_memory(self) -> Batch:
        """Return the batch with its images in pinned memory; the data loader calls this."""
        return replace(self, images=self.images.pin_memory())

    def part(self, start: int, stop: int) -> Batch:
        """Return samples `start` to `stop`, a micro-batch of the same padded size."""
        return replace(
            self,
            images=self.images[start:stop],
            labels=self.labels.part(start, stop),
            sizes=self.sizes[start:stop],
            names=self.names[start:stop],
            indices=self.indices[start:stop],
        )


def collate(samples: Sequence[Sample]) -> Batch:
    """Return samples as one batch, padded right and below to the largest.

    Parameters
    ----------
    samples : sequence of Sample
        With the same number of frames each. One frame gives images of shape (B, 3, H, W), stored channels last.
    """
    sizes = np.array([sample.images.shape[1:3] for sample in samples], np.int64)
    height, width = (int(side) for side in sizes.max(0))
    frames = len(samples[0].images)
    images = np.full((len(samples), frames, height, width, 3), FILL, np.uint8)
    ignore = np.ones((len(samples), height, width), bool)
    for index, sample in enumerate(samples):
        h, w = sample.images.shape[1:3]
        images[index, :, :h, :w] = sample.images
        ignore[index, :h, :w] = False if sample.ignore is None else sample.ignore
    pixels = torch.from_numpy(images).permute(0, 1, 4, 2, 3)
    keypoints = torch.from_numpy(np.stack([sample.keypoints for sample in samples]))
    transform = torch.from_numpy(np.stack([sample.transform for sample in samples])).float()[:, None]
    return Batch(
        images=pixels[:, 0] if frames == 1 else pixels[:, None],
        labels=Labels(
            keypoints=keypoints,
            visible=torch.isfinite(keypoints).all(-1),
            ignore_mask=torch.from_numpy(ignore) if ignore.any() else None,
            transform=transform,
        ),
        sizes=torch.from_numpy(sizes),
        step=samples[0].step,
        names=tuple(sample.name for sample in samples),
        indices=tuple(sample.index for sample in samples),
    )


def augment_batch(batch: Batch, augmenter: BatchAugmenter, seed: int) -> Batch:
    """Return `batch` changed by a batch augmenter, on the device it is on.

    Parameters
    ----------
    batch : Batch
        Of plainly preprocessed images.
    augmenter : BatchAugmenter
        Its generators are made from (seed, step, sample index), for every frame of a window alike.
    seed : int
        Of the run.
    """
    frames = batch.images.flatten(0, -4)
    repeats = len(frames) // len(batch)
    generators = [sample_generator(seed, batch.step, index) for index in batch.indices for _ in range(repeats)]
    images, keypoints, matrices = augmenter(frames, batch.labels.keypoints.repeat_interleave(repeats, 0), generators)
    keypoints, matrices = keypoints[::repeats], matrices[::repeats]
    labels = batch.labels
    mask, transform = labels.ignore_mask, labels.transform
    if mask is not None:
        mask = _warp_mask(mask, matrices)
    if transform is not None:
        transform = matrices.to(transform)[:, None] @ transform
    visible = torch.isfinite(keypoints).all(-1)
    return replace(
        batch,
        images=images.reshape(batch.images.shape),
        labels=replace(labels, keypoints=keypoints, visible=visible, ignore_mask=mask, transform=transform),
    )


def _warp_mask(mask: Tensor, matrices: Tensor) -> Tensor:
    """Return (B, H, W) bool masks moved by (B, 3, 3) matrices to the nearest pixel, False where the old ones end."""
    height, width = mask.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=mask.device), torch.arange(width, device=mask.device), indexing="ij"
    )
    new = torch.stack([x, y, torch.ones_like(x)], -1).to(torch.float32)  # Apple's GPUs have no float64
    old = torch.einsum("bij,hwj->bhwi", torch.linalg.inv(matrices.to(mask.device, torch.float32)), new)[..., :2]
    column, row = old.round().long().unbind(-1)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    batch = torch.arange(len(mask), device=mask.device)[:, None, None]
    return mask[batch, row.clamp(0, height - 1), column.clamp(0, width - 1)] & inside
