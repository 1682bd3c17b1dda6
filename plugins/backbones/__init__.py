"""Built-in backbones. To add one: a dataclass, a `Component` and a module beside this file.

timm's thousand networks are one component (``backbone=timm backbone.model=convnext_tiny``); a network that deserves a
name of its own is a preset of three lines in ``configs/backbone/``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class TimmConfig:
    """Options of the backbone `timm`; see `dlc_plugins.backbones.timm_backbone.TimmBackbone`."""

    name: str = "timm"
    model: str = "resnet50"
    pretrained: bool = True
    weights_file: str | None = None
    output_stride: int = 16
    out_indices: list[int] | None = None
    freeze_batchnorm: bool | None = None
    model_options: dict[str, Any] = field(default_factory=dict)


@hookimpl
def dlc_backbones() -> list[Component]:
    """Offer the built-in backbones."""
    return [
        Component(
            name="timm",
            target="dlc_plugins.backbones.timm_backbone:TimmBackbone",
            config=TimmConfig,
            summary="any feature extractor of timm, dilated to output stride 8, 16 or 32",
        )
    ]
