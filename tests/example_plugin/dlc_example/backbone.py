"""A backbone that trains in seconds, for trying things out."""

from __future__ import annotations

from torch import Tensor, nn

from dlc_core.errors import ConfigError
from dlc_core.plugin_api import Features


class TinyConv(nn.Module):
    """Four convolutions of stride 2, each with a ReLU.

    Parameters
    ----------
    width : int
        Channels of the first map; every further one has twice as many.

    Raises
    ------
    ConfigError
        `width` is below 1.
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.25, 0.25, 0.25)
    size_multiple = 16

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < 1:
            raise ConfigError(f"backbone.width={width}; at least 1 channel is needed.")
        widths = [width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for before, after in zip([3, *widths], widths, strict=False):
            layers += [nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.channels = (widths[-1],)
        self.strides = (16,)

    def forward(self, images: Tensor) -> Features:
        """Return one map, (B, 8 * width, H / 16, W / 16)."""
        return Features((self.layers(images),), self.strides)
