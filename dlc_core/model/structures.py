"""What flows through a pose network: features, labels, losses and poses, all as dataclasses of tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class FeatureInfo:
    """What a head must know of the maps it will get, finest first.

    Parameters
    ----------
    channels : tuple of int
        Channels of each map.
    strides : tuple of int
        Network-input pixels per cell of each map.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Features:
    """Feature maps of a backbone, finest first, coarsest last.

    Parameters
    ----------
    maps : tuple of (B, C, h, w) float tensors
        For a head with a window or several views: (B, views, T, C, h, w).
    strides : tuple of int
        Network-input pixels per cell of each map.
    """

    maps: tuple[Tensor, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Labels:
    """What a person marked in a batch of network inputs.

    Parameters
    ----------
    keypoints : (B, I, K, 2) float32
        x, y in network-input pixels, pixel centre at integer coordinates; NaN where absent. With several views
        (B, views, I, K, 2).
    visible : (B, I, K) bool
        Whether a keypoint is labelled and inside the image. What is not visible trains nothing.
    ignore_mask : (B, H, W) bool or None
        True where nothing is to be learnt, neither presence nor absence.
    identity : (B, I) int64 or None
        Which animal each individual is, -1 where unknown.
    transform : (B, views, 3, 3) float32 or None
        Full frame to network input, as homogeneous matrices.
    cameras : object or None
        Calibration of the views, for heads that use it.
    """

    keypoints: Tensor
    visible: Tensor
    ignore_mask: Tensor | None = None
    identity: Tensor | None = None
    transform: Tensor | None = None
    cameras: object | None = None

    def to(self, device: torch.device | str) -> Self:
        """Return the labels with every tensor on `device`."""
        moved = {
            f.name: value.to(device) if isinstance(value := getattr(self, f.name), Tensor) else value
            for f in fields(self)
        }
        return type(self)(**moved)

    def part(self, start: int, stop: int) -> Self:
        """Return the labels of samples `start` to `stop` of the batch."""
        cut = {
            f.name: value[start:stop] if isinstance(value := getattr(self, f.name), Tensor) else value
            for f in fields(self)
        }
        return type(self)(**cut)


@dataclass(frozen=True)
class LossTerm:
    """One term of a loss, not yet normalised.

    The trainer divides by the count over the whole global batch (all processes, all accumulated micro-batches), so
    that missing labels, several devices and gradient accumulation give the step that one process would have made.

    Parameters
    ----------
    total : () float
        Sum over the batch, with gradient.
    count : () float
        What the sum is to be divided by. It depends on the targets alone, never on the outputs.
    """

    total: Tensor
    count: Tensor


@dataclass(frozen=True)
class Poses:
    """What a head found in a batch of network inputs.

    Parameters
    ----------
    keypoints : (B, I, K, 2) float32
        x, y in network-input pixels, NaN where absent. With several views (B, views, I, K, 2).
    likelihood : (B, I, K) float32
        In [0, 1].
    xyz : (B, I, K, 3) float32 or None
        World coordinates, from heads with several views.
    """

    keypoints: Tensor
    likelihood: Tensor
    xyz: Tensor | None = None
