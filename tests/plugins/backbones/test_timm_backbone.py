"""Any timm network gives maps at the strides it declares, dilated or not, and every preset builds."""

from __future__ import annotations

import pytest
import timm
import torch
import yaml
from torch import nn

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light

PRESETS = {
    "resnet50": ((2048,), (16,)),
    "resnet101": ((2048,), (16,)),
    "resnet18": ((512,), (16,)),
    "mobilenetv2": ((320,), (16,)),
    "efficientnet_lite0": ((320,), (16,)),
    "efficientnet_b0": ((320,), (16,)),
    "hrnet_w32": ((128,), (4,)),
    "convnext_tiny": ((768,), (16,)),
}


def backbone_of(model: str = "resnet18", **options: object):
    return load_plugins().registry("backbone").build({"name": "timm", "model": model, "pretrained": False, **options})


def test_the_presets_are_the_eight_networks(repository):
    assert {path.stem for path in (repository / "configs" / "backbone").glob("*.yaml")} == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_builds_and_gives_its_maps(repository, preset):
    values = yaml.safe_load((repository / "configs" / "backbone" / f"{preset}.yaml").read_text())
    assert values.pop("defaults") == ["timm", "_self_"]
    backbone = load_plugins().registry("backbone").build({"name": "timm", "pretrained": False, **values}).eval()
    assert (backbone.channels, backbone.strides) == PRESETS[preset]
    with torch.no_grad():
        (found,) = backbone(torch.zeros(1, 3, 64, 96)).maps
    assert tuple(found.shape) == (1, *backbone.channels, 64 // backbone.strides[0], 96 // backbone.strides[0])


@pytest.mark.parametrize("model", ["resnet18", "mobilenetv2_035", "convnext_atto"])
@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_a_family_that_can_be_dilated_reaches_every_output_stride(model, output_stride):
    backbone = backbone_of(model, output_stride=output_stride).eval()
    assert backbone.strides == (output_stride,)
    with torch.no_grad():
        assert backbone(torch.zeros(1, 3, 64, 96)).maps[0].shape[-2:] == (64 // output_stride, 96 // output_stride)


def test_dilation_keeps_the_names_and_shapes_of_the_weights():
    shapes = [{k: v.shape for k, v in backbone_of(output_stride=s).state_dict().items()} for s in (8, 32)]
    assert shapes[0] == shapes[1]


def test_a_family_that_cannot_be_dilated_says_what_is_possible():
    with pytest.raises(
        ConfigError, match=r"strides 2, 4, 8, 16, 32\. Set backbone\.out_indices=\[3\] \(stride 16\) or "
    ):
        backbone_of("hrnet_w18_small")


def test_two_maps_come_finest_first():
    backbone = backbone_of(out_indices=[-1, -3])
    assert (backbone.channels, backbone.strides) == ((128, 512), (8, 16))
    features = backbone(torch.zeros(1, 3, 64, 64))
    assert [tuple(one.shape) for one in features.maps] == [(1, 128, 8, 8), (1, 512, 4, 4)]


def test_blocks_after_the_last_chosen_map_are_not_computed():
    backbone = backbone_of("tf_efficientnet_lite0", out_indices=[3])
    assert (backbone.channels, backbone.strides) == ((112,), (16,))
    whole = backbone_of("tf_efficientnet_lite0", out_indices=[3, 4])
    whole.load_state_dict(whole.state_dict() | backbone.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(backbone.eval()(image).maps[0], whole.eval()(image).maps[0])
    assert sum(p.numel() for p in backbone.parameters()) < 0.5 * sum(p.numel() for p in whole.parameters())


@pytest.mark.parametrize("options", [{"model": "hrnet_w18_small", "out_indices": [1]}, {"out_indices": [-2]}])
def test_every_parameter_that_trains_gets_a_gradient(options):
    backbone = backbone_of(**options)
    backbone(torch.randn(2, 3, 64, 64)).maps[0].sum().backward()
    assert all(p.grad is not None for p in backbone.parameters() if p.requires_grad)


@pytest.mark.parametrize("frozen", [True, False])
def test_batch_statistics_change_in_training_only_if_they_are_not_frozen(frozen):
    backbone = backbone_of(freeze_batchnorm=frozen).train()
    statistics = dict(backbone.net.named_buffers())
    before = {name: buffer.clone() for name, buffer in statistics.items()}
    backbone(torch.randn(2, 3, 64, 64))
    same = [torch.equal(before[name], buffer) for name, buffer in statistics.items()]
    assert len(same) > 50
    assert all(same) if frozen else not any(same)
    assert any(p.requires_grad for m in backbone.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters())


def test_mean_and_standard_deviation_are_those_of_the_weights():
    assert backbone_of("tf_efficientnet_lite0").mean == (0.5, 0.5, 0.5)
    assert backbone_of("tf_efficientnet_lite0").std == (0.5, 0.5, 0.5)
    assert backbone_of().mean == (0.485, 0.456, 0.406)
    assert backbone_of().std == (0.229, 0.224, 0.225)


def test_a_vision_transformer_works_with_images_of_any_size():
    backbone = backbone_of("vit_tiny_patch16_224", model_options={"dynamic_img_size": True})
    assert backbone(torch.zeros(1, 3, 64, 96)).maps[0].shape == (1, 192, 4, 6)


def test_maps_that_timm_gives_channels_last_are_turned_round():
    options = {"strict_img_size": False}
    backbone = backbone_of("swin_tiny_patch4_window7_224", out_indices=[2], model_options=options)
    assert backbone(torch.zeros(1, 3, 64, 96)).maps[0].shape == (1, 384, 4, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "resnt50"}, r"no network of timm .*Did you mean '"),
        ({"output_stride": 4}, r"output_stride=4; choose one of \(8, 16, 32\)"),
        ({"out_indices": [7]}, r"has 5 maps, at strides 2, 4, 8, 16, 32\. Choose"),
        ({"out_indices": [4, -1]}, r"out_indices=\[4, -1\].*Choose different ones"),
        ({"model_options": {"widht": 3}}, r"do not fit resnet18: .*'widht'"),
        ({"model": "vit_tiny_patch16_224"}, r"images of one size only .*dynamic_img_size: true"),
    ],
)
def test_options_that_cannot_work_are_explained(options, message):
    with pytest.raises(ConfigError, match=message):
        backbone_of(**options)


def test_the_component_passes_the_kit():
    check_discovery_is_light("dlc_plugins.backbones")
    check_component("backbone", "timm", model="resnet18")


def test_timm_knows_every_preset_under_its_name(repository):
    for path in (repository / "configs" / "backbone").glob("*.yaml"):
        assert timm.is_model(yaml.safe_load(path.read_text())["model"])


def test_random_weights_learn_their_batch_statistics_and_a_snapshot_of_trained_ones_keeps_them_frozen():
    backbone = backbone_of().train()
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(module.training for module in norms)
    state = backbone.state_dict()
    state["batchnorm_came_trained"] = torch.tensor(True)
    backbone.load_state_dict(state)
    backbone.train()
    assert not any(module.training for module in norms)
