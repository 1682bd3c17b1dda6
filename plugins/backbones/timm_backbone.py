"""Any timm feature extractor as a backbone: maps at the strides asked for, weights never silently random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import timm
import torch
from torch import Tensor, nn

from dlc_core.errors import ConfigError, suggest
from dlc_core.model.structures import Features

from .weights import load_imagenet_weights

OUTPUT_STRIDES = (8, 16, 32)
BATCHNORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class TimmBackbone(nn.Module):
    """A timm network without its classifier.

    Parameters
    ----------
    model : str
        A name timm knows, with or without a tag of weights: ``resnet50``, ``resnet50.a1_in1k``.
    pretrained : bool
        Start from ImageNet weights; see `dlc_plugins.backbones.weights` for where they are looked for.
    weights_file : str or None
        A local file with these weights (``.safetensors`` or a PyTorch state dict); refused without `pretrained`.
    output_stride : int
        8, 16 or 32: input pixels per cell of the coarsest map. Families that can be dilated (ResNet, MobileNet,
        EfficientNet, ConvNeXt, ...) keep their weights and lose strides; of the others, choose a fine enough map by
        `out_indices`.
    out_indices : sequence of int or None
        Which maps to return, 0 for the finest, negative from the coarsest; None for the coarsest alone.
    freeze_batchnorm : bool or None
        Keep the running statistics of batch normalisation as they are, in training too: small batches estimate them
        badly. None freezes those of pretrained weights and lets random weights learn theirs; a snapshot remembers
        which.
    model_options : mapping
        Further keyword arguments of ``timm.create_model``, for instance ``dynamic_img_size: true`` for a ViT.

    Attributes
    ----------
    channels, strides, mean, std, size_multiple
        See `dlc_core.plugin_api.protocols.Backbone`. Mean and standard deviation are those of the weights.

    Raises
    ------
    ConfigError
        timm has no such network or map, the network cannot be brought to the output stride, or a file of weights is
        given for a network that is to start without.
    PluginError
        There are no weights; the message names the places looked at.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size_multiple: int
    batchnorm_came_trained: Tensor

    def __init__(
        self,
        model: str,
        pretrained: bool = True,
        weights_file: str | None = None,
        output_stride: int = 16,
        out_indices: Sequence[int] | None = None,
        freeze_batchnorm: bool | None = None,
        model_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        _check(model, output_stride)
        if weights_file and not pretrained:
            raise ConfigError(
                f"backbone.weights_file={weights_file} and backbone.pretrained=false do not go together; leave one out."
            )
        self.net: Any = _create(model, output_stride, tuple(out_indices or (-1,)), dict(model_options or {}))
        if pretrained:
            load_imagenet_weights(self.net, model, weights_file)
        self.freeze_batchnorm = freeze_batchnorm
        # In the state dict, because a snapshot is loaded into a network that was built without pretrained weights.
        self.register_buffer("batchnorm_came_trained", torch.tensor(pretrained))
        info = self.net.feature_info
        self.channels = tuple(info.channels())
        self.strides = tuple(int(stride) for stride in info.reduction())
        self.mean, self.std = (tuple(self.net.default_cfg[key]) for key in ("mean", "std"))
        self.size_multiple = max(int(level["reduction"]) for level in info.info)
        self._maps_are_nhwc = str(getattr(self.net, "output_fmt", "NCHW")).endswith("NHWC")
        _freeze_what_no_map_depends_on(self.net, self.size_multiple)
        self.train(self.training)

    def forward(self, images: Tensor) -> Features:
        """Return feature maps, finest first.

        Parameters
        ----------
        images : (B, 3, H, W) float
            Normalised by `mean` and `std`; H and W are multiples of `size_multiple`.
        """
        maps = self.net(images)
        if self._maps_are_nhwc:
            maps = [one.permute(0, 3, 1, 2) for one in maps]
        return Features(maps=tuple(maps), strides=self.strides)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; frozen batch normalisation stays in evaluation."""
        super().train(mode)
        freeze = bool(self.batchnorm_came_trained) if self.freeze_batchnorm is None else self.freeze_batchnorm
        if freeze:
            for module in self.modules():
                if isinstance(module, BATCHNORMS):
                    module.eval()
        return self


def _check(model: str, output_stride: int) -> None:
    if not timm.is_model(model):
        raise ConfigError(
            f"backbone.model={model!r} is no network of timm {timm.__version__}. {suggest(model, timm.list_models())}"
            f'List them: python -c "import timm; print(timm.list_models())".'
        )
    if output_stride not in OUTPUT_STRIDES:
        raise ConfigError(f"backbone.output_stride={output_stride}; choose one of {OUTPUT_STRIDES}.")


def _create(model: str, output_stride: int, out_indices: tuple[int, ...], options: dict[str, Any]) -> Any:
    """Return timm's feature extractor with random weights, dilated to `output_stride` where the family supports it."""
    levels = _levels(model, options)
    chosen = sorted({index % len(levels) for index in out_indices if -len(levels) <= index < len(levels)})
    if len(chosen) != len(out_indices):
        raise ConfigError(
            f"backbone.out_indices={list(out_indices)}, but {model} has {len(levels)} maps, at strides "
            f"{', '.join(map(str, levels))}. Choose different ones of 0 to {len(levels) - 1} (or -{len(levels)} to -1)."
        )
    arguments = {**options, "features_only": True, "out_indices": tuple(chosen)}
    try:
        net: Any = timm.create_model(model, output_stride=output_stride, **arguments)
    except (AssertionError, NotImplementedError, TypeError, ValueError):  # what families that cannot be dilated raise
        net = timm.create_model(model, **arguments)
    _drop_later_blocks(net)
    coarsest = max(net.feature_info.reduction())
    if coarsest > output_stride:
        fine = [index for index, stride in enumerate(levels) if stride <= output_stride]
        instead = f"out_indices=[{fine[-1]}] (stride {levels[fine[-1]]}) or " if fine else ""
        raise ConfigError(
            f"backbone.output_stride={output_stride}, but {model} cannot be dilated and its map has stride {coarsest}; "
            f"its maps have strides {', '.join(map(str, levels))}. Set backbone.{instead}output_stride={coarsest}."
        )
    return net


def _levels(model: str, options: dict[str, Any]) -> list[int]:
    """Return the strides of all maps of a network, undilated, finest first."""
    try:
        with torch.device("meta"):
            net: Any = timm.create_model(model, features_only=True, **options)
    except (TypeError, ValueError) as exc:
        raise ConfigError(
            f"backbone.model_options={options} do not fit {model}: {exc}. Correct or remove them."
        ) from exc
    except RuntimeError as exc:
        raise ConfigError(f"{model} gives no feature maps in timm: {exc}. Choose another backbone.model.") from exc
    return [int(level["reduction"]) for level in net.feature_info.info]


def _drop_later_blocks(net: Any) -> None:
    """Remove what EfficientNets and MobileNets compute after the last chosen map; other families do so themselves."""
    last = net.feature_info.get_dicts()[-1]
    blocks = getattr(net, "blocks", None)
    if "stage" in last and isinstance(blocks, nn.Sequential):
        net.blocks = blocks[: last["stage"]]


def _freeze_what_no_map_depends_on(net: nn.Module, size_multiple: int) -> None:
    """Freeze parameters that cannot learn: distributed training stops at one that never gets a gradient."""
    net.eval()
    try:
        with torch.enable_grad():
            maps = net(torch.zeros(1, 3, 2 * size_multiple, 3 * size_multiple))
    except AssertionError as exc:
        raise ConfigError(
            f"this network takes images of one size only ({exc}), but videos come in all sizes. Try "
            "'backbone.model_options={dynamic_img_size: true}' (ViT) or '{strict_img_size: false}' (Swin)."
        ) from exc
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad([one.sum() for one in maps], parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is None:
            parameter.requires_grad_(False)
    net.train()
