"""A network is built from plain options, and a part that does not fit is named at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import nn

from dlc_core.errors import ConfigError, PluginError, UnknownComponentError
from dlc_core.geometry import Preprocessing
from dlc_core.model.build import build_model
from dlc_core.model.structures import FeatureInfo, Features
from dlc_core.plugin_api import Component
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "tail"))
CONFIG = {
    "backbone": {"name": "timm", "model": "mobilenetv2_035", "pretrained": False},
    "head": {"name": "deconv"},
    "preprocessing": {"global_scale": 0.5},
}


class Honest(nn.Module):
    """A backbone of one convolution; the classes below break one promise each."""

    channels, strides, mean, std, size_multiple = (4,), (16,), (0.5,) * 3, (0.25,) * 3, 16

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, kernel_size=16, stride=16)

    def forward(self, images: torch.Tensor) -> Features:
        return Features((self.layer(images),), self.strides)


class WrongChannels(Honest):
    channels = (8,)


class WrongStride(Honest):
    strides = (8,)


class TooManyMaps(Honest):
    channels, strides = (4, 4), (16, 16)


class NoMean(nn.Module):
    channels, strides, std, size_multiple = (4,), (16,), (0.25,) * 3, 16

    def forward(self, images: torch.Tensor) -> Features:
        return Features((images,), self.strides)


class Failing(Honest):
    def forward(self, images: torch.Tensor) -> Features:
        return super().forward(images[:, :2])


class RaisesTypeError(Honest):
    def forward(self, images: torch.Tensor) -> Features:  # noqa: ARG002
        raise TypeError("unsupported operand")


class NoFeatures(Honest):
    def forward(self, images: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.layer(images)


class ChannelsAreANumber(Honest):
    channels = 4  # type: ignore[assignment]


class MeanOfOneChannel(Honest):
    mean = (0.5,)  # type: ignore[assignment]


def changed_head(features: FeatureInfo, skeleton: Skeleton, **attributes: object) -> nn.Module:
    """Return the built-in head with other attributes."""
    registry = load_plugins().registry("head")
    head = registry.build({"name": "deconv"}, features=features, skeleton=skeleton)
    for name, value in attributes.items():
        setattr(head, name, value)
    return head


def raises(exc: Exception):
    def method(*_: object) -> None:
        raise exc

    return method


@dataclass
class Fake:
    name: str = "fake"


@pytest.fixture
def fake_component():
    """Return ``use(cls, kind="backbone")``, which makes the component `fake` that class until the test is over."""
    load_plugins.cache_clear()

    def use(cls: object, kind: str = "backbone") -> None:
        globals()["_fake"] = cls
        component = Component(name="fake", target=f"{__name__}:_fake", config=Fake, summary="for this test")
        load_plugins().registry(kind).add(component, "test")

    yield use
    load_plugins.cache_clear()


def test_a_network_is_built_from_plain_options():
    model = build_model(CONFIG, SKELETON)
    assert model.training
    assert model.preprocessing == Preprocessing(global_scale=0.5)
    assert model.backbone.strides == (16,)
    outputs = model(torch.zeros(1, 3, 64, 96, dtype=torch.uint8))
    assert outputs.scoremap.shape == (1, 2, 9, 13)


def test_weights_are_in_channels_last_order():
    model = build_model(CONFIG, SKELETON)
    convolutions = [
        module for module in model.modules() if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
    ]
    assert all(c.weight.is_contiguous(memory_format=torch.channels_last) for c in convolutions)


def test_the_trial_changes_nothing_in_the_network():
    torch.manual_seed(0)
    first = build_model(CONFIG, SKELETON).state_dict()
    torch.manual_seed(0)
    alone = load_plugins().registry("backbone").build(CONFIG["backbone"])
    for name, tensor in alone.state_dict().items():
        assert torch.equal(first[f"backbone.{name}"], tensor)


def test_pretrained_false_builds_without_looking_for_weights():
    config = CONFIG | {"backbone": {"name": "timm", "model": "mobilenetv2_035", "weights_file": "/no/such/file.pth"}}
    assert build_model(config, SKELETON, pretrained=False)
    with pytest.raises(ConfigError, match=r"/no/such/file\.pth does not exist"):
        build_model(config, SKELETON)


def test_pretrained_is_not_passed_to_a_backbone_without_that_option(fake_component):
    fake_component(Honest)
    assert build_model(CONFIG | {"backbone": {"name": "fake"}}, SKELETON, pretrained=False)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WrongChannels, r"backbone 'fake': map 0 .*\(4, 4, 5\).*promise \(8, 4, 5\)"),
        (WrongStride, r"backbone 'fake': map 0 .*\(4, 4, 5\).*promise \(4, 8, 10\)"),
        (TooManyMaps, r"backbone 'fake' declares 2 channels and 2 strides but returns 1 maps"),
        (NoMean, r"backbone 'fake' lacks mean; see Backbone"),
        (RaisesTypeError, r"^backbone 'fake' fails on an image of 64 x 80 pixels: TypeError: unsupported operand\."),
        (NoFeatures, r"^backbone 'fake' returned Tensor; expected Features"),
        (ChannelsAreANumber, r"^backbone 'fake': .*channels and strides .*TypeError"),
        (MeanOfOneChannel, r"^backbone 'fake': .*mean and std .*RuntimeError"),
        (Failing, r"backbone 'fake' fails on an image of 64 x 80 pixels: .*channels"),
    ],
)
def test_a_backbone_that_breaks_its_promise_is_named(fake_component, cls, message):
    fake_component(cls)
    with pytest.raises(PluginError, match=message):
        build_model(CONFIG | {"backbone": {"name": "fake"}}, SKELETON)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"window": (-1,)}, r"^head 'fake' has window \(-1,\).*must contain 0, the frame whose pose is wanted"),
        ({"window": ()}, r"^head 'fake' has window \(\)"),
        ({"window": (0, 0)}, r"^head 'fake' has window \(0, 0\).*each once"),
        ({"window": 0}, r"^head 'fake' has window 0; "),
        ({"views": 0}, r"^head 'fake' has views 0; "),
        (
            {"forward": raises(ValueError("no such map"))},
            r"^head 'fake' cannot use the maps .*ValueError: no such map\.",
        ),
        ({"decode": raises(TypeError("no size"))}, r"^head 'fake' cannot use the maps .*TypeError: no size\."),
        ({"decode": lambda *_: "a pose"}, r"^head 'fake' decodes str; expected Poses"),
    ],
)
def test_a_head_that_breaks_its_promise_is_named(fake_component, attributes, message):
    fake_component(partial(changed_head, **attributes), "head")
    with pytest.raises(PluginError, match=message) as raised:
        build_model(CONFIG | {"head": {"name": "fake"}}, SKELETON)
    assert "\n" not in str(raised.value)


def test_an_error_that_a_part_words_itself_is_kept(fake_component):
    fake_component(partial(changed_head, forward=raises(ConfigError("head.radius is 0"))), "head")
    with pytest.raises(ConfigError, match=r"^head\.radius is 0$"):
        build_model(CONFIG | {"head": {"name": "fake"}}, SKELETON)


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"head": CONFIG["head"]}, ConfigError, "has no backbone; it has head"),
        (CONFIG | {"backbone": "resnet50"}, ConfigError, "backbone='resnet50' was found; a mapping"),
        (CONFIG | {"head": {"name": "deconvolution"}}, UnknownComponentError, "Did you mean 'deconv'"),
        (CONFIG | {"preprocessing": {"globalscale": 1}}, ConfigError, "Did you mean 'global_scale'"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_explained(config, error, message):
    with pytest.raises(error, match=message):
        build_model(config, SKELETON)
