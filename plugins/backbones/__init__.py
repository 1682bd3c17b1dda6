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
    """Options of the backbone `timm`; see `dlc_plugins.backbones.timm_backbone.TimmBackbone`.

    Parameters
    ----------
    model : str
        A name timm knows, with or without a tag of weights: ``resnet50``, ``resnet50.a1_in1k``.
    pretrained : bool
        Start from ImageNet weights: a local file, an installed weights package, or timm's hub.
    weights_file : str or None
        A local file with these weights (``.safetensors`` or a PyTorch state dict).
    output_stride : {8, 16, 32}
        Input pixels per cell of the coarsest map.
    out_indices : list of int or None
        Which maps to return, 0 for the finest, negative from the coarsest; None for the coarsest alone.
    freeze_batchnorm : bool or None
        Keep the statistics of batch normalisation as they are; None does so for pretrained weights.
    model_options : dict
        Further keyword arguments of ``timm.create_model``: ``+backbone.model_options.dynamic_img_size=true``.
    """

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
