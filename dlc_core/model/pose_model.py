"""Backbone and head as one network that takes images as they come from a video and gives poses in their pixels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention
from torch import Tensor, nn

from dlc_core.errors import DataError
from dlc_core.geometry import Preprocessing
from dlc_core.model.structures import Features, Poses
from dlc_core.plugin_api.protocols import Backbone, Head


class PoseModel(nn.Module):
    """A backbone and a head; normalising and padding happen inside, on the device the images are on.

    Parameters
    ----------
    backbone : Backbone
        Also a `torch.nn.Module`.
    head : Head
        Also a `torch.nn.Module`.
    preprocessing : Preprocessing
        The warp that images went through before they come here; kept for those who prepare them.
    """

    backbone: Any
    head: Any
    scale: Tensor
    shift: Tensor

    def __init__(self, backbone: Backbone, head: Head, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.preprocessing = preprocessing
        mean, std = (
            torch.tensor(values, dtype=torch.float32).view(3, 1, 1) for values in (backbone.mean, backbone.std)
        )
        # (rgb / 255 - mean) / std in one multiplication and one addition; not stored, because the backbone knows them.
        self.register_buffer("scale", 1 / (255 * std), persistent=False)
        self.register_buffer("shift", -mean / std, persistent=False)
        self.to(memory_format=torch.channels_last)

    @property
    def takes_windows(self) -> bool:
        """Whether images come as (B, views, T, 3, H, W), because the head looks at several frames or views."""
        return len(self.head.window) > 1 or int(self.head.views) > 1

    def forward(self, images: Tensor) -> Any:
        """Return the head's outputs.

        Parameters
        ----------
        images : (B, 3, H, W) uint8
            RGB of any size. For a head with a window or several views: (B, views, T, 3, H, W).

        Raises
        ------
        DataError
            The images do not have the dimensions that the head needs.
        """
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Features:
        """Return the backbone's maps of `images`: (B, C, h, w), or (B, views, T, C, h, w) for a head with a window."""
        lead = self._lead(images)
        if not self.takes_windows:
            features: Features = self.backbone(self._prepare(images))
            return features
        features = self.backbone(self._prepare(images.flatten(0, 2)))
        return Features(tuple(one.reshape(*lead, *one.shape[1:]) for one in features.maps), features.strides)

    def decode(self, outputs: Any, image_size: tuple[int, int] | Tensor) -> Poses:
        """Return poses in network-input pixels.

        Parameters
        ----------
        outputs : object
            What `forward` returned.
        image_size : (int, int) or (B, 2) int64 tensor
            Height and width of the images, of each if the batch was padded; no point is looked for beyond.
        """
        poses: Poses = self.head.decode(outputs, image_size)
        return poses

    def _lead(self, images: Tensor) -> tuple[int, ...]:
        """Return the dimensions before the channels."""
        wanted = (int(self.head.views), len(self.head.window)) if self.takes_windows else ()
        lead = tuple(images.shape[:-3])
        if len(lead) != 1 + len(wanted) or lead[1:] != wanted or images.shape[-3] != 3 or images.dtype != torch.uint8:
            shape = "(B, views={}, frames={}, 3, H, W)".format(*wanted) if wanted else "(B, 3, H, W)"
            raise DataError(
                f"images are {images.dtype} of shape {tuple(images.shape)}; "
                f"this network takes torch.uint8 of shape {shape}."
            )
        return lead

    def _prepare(self, images: Tensor) -> Tensor:
        """Return `images` padded right and bottom with black and normalised, channels last, in the network's dtype."""
        multiple = int(self.backbone.size_multiple)
        height, width = images.shape[-2:]
        padding = (0, -width % multiple, 0, -height % multiple)
        if any(padding):
            images = F.pad(images, padding)
        images = images.contiguous(memory_format=torch.channels_last)
        return images.to(self.scale.dtype).mul_(self.scale).add_(self.shift)
