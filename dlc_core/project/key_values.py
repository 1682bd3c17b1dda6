"""How values of config.yaml and pose_cfg.yaml are turned into values of options: one pure function per kind of value.

A function takes the value as YAML gave it and returns the option's value, or `SKIP` when the value asks for nothing
here. `dlc_core.project.key_table` names these functions; to add one, write it and put it into `CONVERSIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PureWindowsPath
from typing import Any, Final

from dlc_core.errors import ConfigError

SKIP: Final = object()
"""What a conversion returns for a value that asks for nothing."""

_BACKBONES = {
    "resnet_18": "resnet18",
    "resnet_50": "resnet50",
    "resnet_101": "resnet101",
    "mobilenet_v2_1.0": "mobilenetv2",
    "efficientnet-b0": "efficientnet_b0",
    "efficientnet_lite0": "efficientnet_lite0",
    "hrnet_w32": "hrnet_w32",
}
_TIMM_MODELS = {
    "resnet_152": "resnet152",
    "mobilenet_v2_0.75": "mobilenetv2_075",
    "mobilenet_v2_0.5": "mobilenetv2_050",
    "mobilenet_v2_0.35": "mobilenetv2_035",
    **{f"efficientnet-b{size}": f"efficientnet_b{size}" for size in range(1, 7)},
    "hrnet_w18": "hrnet_w18",
    "hrnet_w48": "hrnet_w48",
}
_AUGMENTERS = {
    "default": "imgaug",
    "albumentations": "imgaug",
    "multi-animal-imgaug": "imgaug",
    "deterministic": "scalecrop",
}
_OTHER_NETWORKS = re.compile(
    r"^(top_down_|dlcrnet|dekr|rtmpose|ctd_|cspnext|animaltokenpose|conv|multi_)", re.IGNORECASE
)


def backbone(value: Any) -> object:
    """Return the backbone that a ``net_type`` means.

    Raises
    ------
    ConfigError
        It is one of DeepLabCut's networks that has no counterpart; the message says what to use.
    """
    name = str(value).strip()
    if name.isdigit():  # the key `resnet` of projects from 2018 holds the depth
        name = f"resnet_{name}"
    if name in _TIMM_MODELS:
        raise ConfigError(f"{name} has no preset; use backbone=timm backbone.model={_TIMM_MODELS[name]}")
    if _OTHER_NETWORKS.match(name):
        raise ConfigError(f"{name} is not one of the backbones here; choose one with backbone=NAME")
    return _BACKBONES.get(name, name)


def augmenter(value: Any) -> object:
    """Return the augmenter that a ``dataset_type`` means."""
    name = str(value).strip()
    return _AUGMENTERS.get(name, name)


def angle(value: Any) -> object:
    """Return degrees: False is 0, True the 10 degrees that DeepLabCut takes then."""
    if isinstance(value, bool):
        return 10.0 if value else 0.0
    return value


def share_of_flag(value: Any) -> object:
    """Return the share of samples that a switch means: False is none, True half of them, as in DeepLabCut."""
    if isinstance(value, bool):
        return 0.5 if value else 0.0
    return SKIP


def zero_if_off(value: Any) -> object:
    """Return 0 for a switch that is off; one that is on leaves the share as it is."""
    return 0.0 if value in (False, None) else SKIP


def noise(value: Any) -> object:
    """Return a standard deviation as a share of the full range: True is 0.05, as in DeepLabCut."""
    if isinstance(value, bool):
        return 0.05 if value else 0.0
    return value


def number(value: Any) -> object:
    """Return a number; switches and structures, whose parts have keys of their own, ask for nothing."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else SKIP


def square(value: Any) -> object:
    """Return the side of a square window for ``[width, height]``."""
    if isinstance(value, list | tuple):
        return max(map(int, value)) if value else SKIP
    return value


def target(value: Any) -> object:
    """Return the target of the scoremap for ``scmap_type``."""
    return {"plateau": "disc", "gaussian": "gaussian"}.get(str(value), value)


def snapshot(value: Any) -> object:
    """Return the path of a snapshot to start from, but not DeepLabCut's ImageNet weights, which the backbone brings.

    Raises
    ------
    ConfigError
        It is a snapshot of DeepLabCut.
    """
    name = PureWindowsPath(str(value)).name
    if re.match(r"(resnet_v1|mobilenet_v2|efficientnet|model\.ckpt|imagenet)", name):
        return SKIP
    if re.match(r"snapshot-", name):
        raise ConfigError(f"{value} is a snapshot of DeepLabCut, which only DeepLabCut can load")
    return str(value)


def crop_box(value: Any) -> object:
    """Return ``x1,x2,y1,y2`` of four numbers as text."""
    return ",".join(str(int(number_)) for number_ in value)


CONVERSIONS: dict[str, Callable[[Any], object]] = {
    function.__name__: function
    for function in (
        backbone,
        augmenter,
        angle,
        share_of_flag,
        zero_if_off,
        noise,
        number,
        square,
        target,
        snapshot,
        crop_box,
    )
}
