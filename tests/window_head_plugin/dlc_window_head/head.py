"""A head with a window: the maps of three frames are stacked, and the pose is that of the middle one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention
from torch import Tensor, nn

from dlc_core.plugin_api import CellGrid, FeatureInfo, Features, Labels, LossTerm, Poses, Skeleton


@dataclass(frozen=True)
class Window3Outputs:
    """(B, K, h, w) logits and (B, 2 K, h, w) offsets over the radius, of the middle frame."""

    logits: Tensor
    offsets: Tensor


@dataclass(frozen=True)
class Window3Targets:
    """What to learn at the cells inside the image: (B, K, h, w), (B, K, 2, h, w), and which cells count for each."""

    near: Tensor
    offsets: Tensor
    trained: Tensor
    offsets_trained: Tensor


class Window3Head(nn.Module):
    """One convolution over the stacked maps of three frames.

    Parameters
    ----------
    features : FeatureInfo
        The last map is used.
    skeleton : Skeleton
        Of one animal.
    radius : float
        Within so many network-input pixels a cell belongs to a keypoint.
    """

    window = (-1, 0, 1)
    views = 1

    def __init__(self, features: FeatureInfo, skeleton: Skeleton, radius: float) -> None:
        super().__init__()
        stride = features.strides[-1]
        self.radius = radius
        self.grid = CellGrid(stride, stride / 2)
        self.cell_offset = self.grid.offset
        self.loss_weights = {"near": 1.0, "offsets": 0.1}
        self.keypoints = len(skeleton.keypoints)
        self.layer = nn.Conv2d(len(self.window) * features.channels[-1], 3 * self.keypoints, kernel_size=3, padding=1)

    def forward(self, features: Features) -> Window3Outputs:
        """Return maps from features of shape (B, 1, 3, C, h, w)."""
        maps = self.layer(features.maps[-1].flatten(1, 3))
        return Window3Outputs(maps[:, : self.keypoints], maps[:, self.keypoints :])

    def targets(self, labels: Labels, image_size: tuple[int, int]) -> Window3Targets:
        """Return targets for the middle frame, whose labels these are."""
        points = torch.where(labels.visible[:, 0, :, None], labels.keypoints[:, 0], torch.nan)
        away = self.grid.displacements(points, image_size)
        near = (away.square().sum(2) <= self.radius**2) | self.grid.nearest(points, image_size)
        trained = labels.visible[:, 0, :, None, None].expand_as(near)
        if labels.ignore_mask is not None:
            trained = trained & ~self.grid.at_cells(labels.ignore_mask, image_size)[:, None]
        offsets_trained = near & trained
        offsets = torch.where(offsets_trained[:, :, None], away / self.radius, 0.0)
        return Window3Targets(near.float(), offsets, trained, offsets_trained)

    def counts(self, targets: Window3Targets) -> dict[str, Tensor]:
        """Return how many elements each term sums over."""
        return {"near": targets.trained.sum().float(), "offsets": 2 * targets.offsets_trained.sum().float()}

    def loss(self, outputs: Window3Outputs, targets: Window3Targets) -> dict[str, LossTerm]:
        """Return cross-entropy and absolute error, as sums."""
        height, width = targets.near.shape[-2:]
        logits = outputs.logits[..., :height, :width]
        offsets = outputs.offsets[..., :height, :width].reshape(targets.offsets.shape)
        near = F.binary_cross_entropy_with_logits(logits, targets.near, reduction="none") * targets.trained
        error = (offsets - targets.offsets).abs() * targets.offsets_trained[:, :, None]
        counts = self.counts(targets)
        return {
            "near": LossTerm(near.sum(), counts["near"]),
            "offsets": LossTerm(error.sum(), counts["offsets"]),
        }

    def decode(self, outputs: Window3Outputs, image_size: tuple[int, int] | Tensor) -> Poses:
        """Return the pose of the middle frame."""
        logits, width = outputs.logits.float(), outputs.logits.shape[-1]
        cells = self.grid.peaks(logits, image_size)
        likelihood = logits.flatten(2).gather(2, cells[..., None])[..., 0].sigmoid()
        offsets = outputs.offsets.float().reshape(len(logits), self.keypoints, 2, -1)
        offset = offsets.gather(3, cells[..., None, None].expand(-1, -1, 2, 1))[..., 0]
        points = self.grid.positions(cells, width) + self.radius * offset
        return Poses(points[:, None], likelihood[:, None])
