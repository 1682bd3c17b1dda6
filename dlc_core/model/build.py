"""Build a network from plain options, and find out at once whether its parts fit.

A part that does not keep its promise is named in one line here, not in a traceback of PyTorch's in mid-training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from dlc_core.errors import ConfigError, PluginError, suggest
from dlc_core.geometry import Preprocessing
from dlc_core.model.pose_model import PoseModel
from dlc_core.model.structures import FeatureInfo, Features, Poses
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.protocols import Backbone, Head
from dlc_core.skeleton import Skeleton

_SMALLEST_TRIAL = 64  # pixels; below, deep networks have maps of a single cell


@dataclass(frozen=True)
class _Parts:
    """Names for messages: which component is at fault."""

    backbone: str
    head: str


def build_model(config: Mapping[str, Any], skeleton: Skeleton, pretrained: bool | None = None) -> PoseModel:
    """Return a network in training mode, whose parts were tried on a small image.

    Parameters
    ----------
    config : mapping
        ``backbone`` and ``head``: the name and options of a component each; ``preprocessing``: fields of
        `dlc_core.geometry.Preprocessing`, optional.
    skeleton : Skeleton
        What the head is to find.
    pretrained : bool or None
        Replaces the backbone's option ``pretrained`` where it has one: False if a snapshot is loaded afterwards, which
        then takes the place of ``weights_file``, too.

    Raises
    ------
    ConfigError
        A part or an option is missing, unknown or out of range.
    PluginError
        A component does not keep its promise or does not fit the other; the message says which.
    """
    backbone_config = _node(config, "backbone")
    head_config = _node(config, "head")
    preprocessing = _preprocessing(config.get("preprocessing") or {})
    parts = _Parts(f"backbone {backbone_config.get('name')!r}", f"head {head_config.get('name')!r}")
    plugins = load_plugins()
    options = plugins.registry("backbone").options(backbone_config)
    plugins.registry("head").options(head_config)  # before weights are looked for
    if pretrained is not None and "pretrained" in options:
        options["pretrained"] = pretrained
        if not pretrained and "weights_file" in options:
            options["weights_file"] = None
    backbone = plugins.registry("backbone").build({"name": backbone_config["name"], **options})
    _check_protocol(backbone, Backbone, parts.backbone)
    with blaming(f"{parts.backbone}: its channels and strides cannot be used"):
        information = FeatureInfo(tuple(backbone.channels), tuple(backbone.strides))
    head = plugins.registry("head").build(head_config, features=information, skeleton=skeleton)
    _check_protocol(head, Head, parts.head)
    _check_window(head, parts)
    with blaming(f"{parts.backbone}: its mean and std cannot be used"):
        model = PoseModel(backbone, head, preprocessing)
    _try(model, skeleton, parts)
    return model


def _node(config: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    node = config.get(part)
    if not node:
        raise ConfigError(
            f"the configuration of the network has no {part}; it has {', '.join(map(str, config)) or 'nothing'}."
        )
    if not isinstance(node, Mapping):
        raise ConfigError(
            f"{part}={node!r} was found; a mapping with the name of a component and its options is needed."
        )
    return node


def _preprocessing(options: Mapping[str, Any]) -> Preprocessing:
    known = [field.name for field in fields(Preprocessing)]
    for key in options:
        if key not in known:
            raise ConfigError(
                f"preprocessing has no option {key!r}. {suggest(str(key), known)}It takes: {', '.join(known)}."
            )
    return Preprocessing(**options)


def _check_protocol(component: object, protocol: type, who: str) -> None:
    if not isinstance(component, nn.Module):
        raise PluginError(f"{who} is a {type(component).__name__}; it must be a torch.nn.Module.")
    annotated = {name for name in getattr(protocol, "__annotations__", {}) if not hasattr(component, name)}
    methods = {name for name in vars(protocol) if not name.startswith("_") and not hasattr(component, name)}
    if annotated | methods:
        raise PluginError(
            f"{who} lacks {', '.join(sorted(annotated | methods))}; "
            f"see {protocol.__name__} in dlc_core.plugin_api.protocols."
        )


def _check_window(head: Any, parts: _Parts) -> None:
    """Check the frames a head looks at; whoever reads a video counts on the one whose pose is wanted."""
    window, views = head.window, head.views
    is_sequence = isinstance(window, tuple | list) and all(isinstance(offset, int) for offset in window)
    if not is_sequence or 0 not in window or len(set(window)) != len(window):
        raise PluginError(
            f"{parts.head} has window {window!r}; a tuple of frame offsets is needed, each once. "
            "It must contain 0, the frame whose pose is wanted."
        )
    if not isinstance(views, int) or views < 1:
        raise PluginError(f"{parts.head} has views {views!r}; a number of cameras of at least 1 is needed.")


@torch.no_grad()
def _try(model: PoseModel, skeleton: Skeleton, parts: _Parts) -> None:
    """Run a small image through the network, in evaluation mode so that nothing in it changes."""
    height = -(-_SMALLEST_TRIAL // model.backbone.size_multiple) * model.backbone.size_multiple
    width = height + model.backbone.size_multiple
    images = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    if model.takes_windows:
        images = images.expand(1, int(model.head.views), len(model.head.window), 3, height, width)
    model.eval()
    with blaming(f"{parts.backbone} fails on an image of {height} x {width} pixels"):
        features = model.features(images)
    _check_features(features, model.backbone, (height, width), parts)
    with blaming(
        f"{parts.head} cannot use the maps of {parts.backbone}, which have "
        f"{tuple(model.backbone.channels)} channels at strides {tuple(model.backbone.strides)}"
    ):
        poses = model.decode(model.head(features), (height, width))
    _check_poses(poses, model, skeleton, parts)
    model.train()


def _check_features(features: object, backbone: Any, size: tuple[int, int], parts: _Parts) -> None:
    if not isinstance(features, Features):
        raise PluginError(f"{parts.backbone} returned {type(features).__name__}; expected Features.")
    channels, strides = tuple(backbone.channels), tuple(backbone.strides)
    if not len(features.maps) == len(channels) == len(strides):
        raise PluginError(
            f"{parts.backbone} declares {len(channels)} channels and {len(strides)} strides but returns "
            f"{len(features.maps)} maps; there must be as many of each."
        )
    if tuple(features.strides) != strides:
        raise PluginError(
            f"{parts.backbone} declares strides {strides} but returns {tuple(features.strides)} with its maps."
        )
    for index, (one, channel, stride) in enumerate(zip(features.maps, channels, strides, strict=True)):
        expected = (channel, -(-size[0] // stride), -(-size[1] // stride))
        if tuple(one.shape[-3:]) != expected:
            raise PluginError(
                f"{parts.backbone}: map {index} of an image of {size[0]} x {size[1]} pixels has (channels, rows, "
                f"columns) {tuple(one.shape[-3:])}; its attributes `channels` and `strides` promise {expected}."
            )


def _check_poses(poses: object, model: PoseModel, skeleton: Skeleton, parts: _Parts) -> None:
    if not isinstance(poses, Poses):
        raise PluginError(f"{parts.head} decodes {type(poses).__name__}; expected Poses.")
    lead = (1, int(model.head.views)) if int(model.head.views) > 1 else (1,)
    expected = (*lead, len(skeleton.individuals), len(skeleton.keypoints), 2)
    if tuple(poses.keypoints.shape) != expected:
        raise PluginError(
            f"{parts.head} decodes keypoints of shape {tuple(poses.keypoints.shape)}; expected {expected}: "
            "batch, individuals, keypoints, (x, y)."
        )
