"""The network normalises, pads and folds as it says, and decoding stays inside the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dlc_core.errors import DataError
from dlc_core.geometry import Preprocessing
from dlc_core.model.build import build_model
from dlc_core.model.pose_model import PoseModel
from dlc_core.model.structures import Features, Poses
from dlc_core.skeleton import Skeleton


class Identity(nn.Module):
    """A backbone that hands on what it gets, so that a test sees it."""

    channels, strides, mean, std, size_multiple = (3,), (1,), (0.4, 0.5, 0.6), (0.1, 0.2, 0.3), 8

    def forward(self, images: Tensor) -> Features:
        self.seen = images
        return Features((images,), (1,))


@dataclass(frozen=True)
class Echo:
    maps: Tensor


class EchoHead(nn.Module):
    """A head that hands on the maps, with a window and views of choice."""

    loss_weights: dict[str, float] = {}  # noqa: RUF012
    cell_offset = 0.0

    def __init__(self, window: tuple[int, ...] = (0,), views: int = 1) -> None:
        super().__init__()
        self.window, self.views = window, views

    def forward(self, features: Features) -> Echo:
        return Echo(features.maps[-1])

    def decode(self, outputs: Echo, image_size: tuple[int, int]) -> Poses:
        height, width = image_size
        return Poses(outputs.maps.new_tensor([width, height]).expand(1, 1, 1, 2), torch.zeros(1, 1, 1))


def model_of(**options: object) -> PoseModel:
    return PoseModel(Identity(), EchoHead(**options), Preprocessing())


def images_of(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_images_are_normalised_with_the_backbones_mean_and_standard_deviation():
    images = images_of(2, 3, 16, 24)
    expected = (images.numpy() / 255 - np.array([0.4, 0.5, 0.6]).reshape(3, 1, 1)) / np.array([0.1, 0.2, 0.3]).reshape(
        3, 1, 1
    )
    assert np.allclose(model_of()(images).maps.numpy(), expected, atol=1e-5)


def test_images_are_padded_right_and_below_with_black_to_a_multiple():
    images = images_of(1, 3, 13, 17)
    maps = model_of()(images).maps
    assert maps.shape == (1, 3, 16, 24)
    assert torch.equal(
        maps[..., :13, :17], model_of()(torch.nn.functional.pad(images, (0, 7, 0, 3))).maps[..., :13, :17]
    )
    black = torch.tensor([-0.4 / 0.1, -0.5 / 0.2, -0.6 / 0.3])
    assert torch.allclose(maps[0, :, 15, 23], black)
    assert torch.allclose(maps[0, :, 0, 23], black)


def test_the_backbone_gets_channels_last_images_whatever_layout_they_came_in():
    for layout in (torch.contiguous_format, torch.channels_last):
        model = model_of()
        model(images_of(2, 3, 16, 24).contiguous(memory_format=layout))
        assert model.backbone.seen.is_contiguous(memory_format=torch.channels_last)


def test_normalising_leaves_the_images_as_they_were():
    images = images_of(2, 3, 16, 24)
    before = images.clone()
    model_of()(images)
    assert torch.equal(images, before)


def test_a_model_in_half_precision_normalises_in_half_precision():
    model = model_of().to(torch.bfloat16)
    assert model(images_of(1, 3, 8, 8)).maps.dtype == torch.bfloat16


def test_views_and_frames_are_folded_for_the_backbone_and_unfolded_for_the_head():
    model = model_of(window=(-1, 0, 1), views=2)
    images = images_of(4, 2, 3, 3, 8, 16)
    maps = model(images).maps
    assert model.backbone.seen.shape == (24, 3, 8, 16)
    assert maps.shape == (4, 2, 3, 3, 8, 16)
    single = model_of()
    assert torch.equal(maps[3, 1, 2], single(images[3, 1, 2][None]).maps[0])


@pytest.mark.parametrize(
    ("options", "images", "expected"),
    [
        ({}, images_of(1, 1, 3, 3, 8, 8), r"\(B, 3, H, W\)"),
        ({"window": (-1, 0, 1)}, images_of(1, 3, 8, 8), r"\(B, views=1, frames=3, 3, H, W\)"),
        ({"window": (-1, 0, 1)}, images_of(1, 1, 2, 3, 8, 8), r"frames=3"),
        ({}, images_of(1, 3, 8, 8).float(), "torch.uint8"),
        ({}, images_of(1, 8, 8, 3), r"of shape \(1, 8, 8, 3\)"),
    ],
)
def test_images_of_the_wrong_shape_are_named(options, images, expected):
    with pytest.raises(DataError, match=expected):
        model_of(**options)(images)


def test_the_head_decodes_with_the_size_before_padding():
    model = model_of()
    assert model.decode(model(images_of(1, 3, 13, 17)), (13, 17)).keypoints.tolist() == [[[[17.0, 13.0]]]]


def test_the_mean_and_standard_deviation_are_not_part_of_a_snapshot():
    assert model_of().state_dict() == {}


def test_a_whole_network_finds_nothing_beyond_the_image_and_is_the_same_for_a_batch_and_one_by_one():
    config = {"backbone": {"name": "timm", "model": "resnet18", "pretrained": False}, "head": {"name": "deconv"}}
    torch.manual_seed(0)
    model = build_model(config, Skeleton(("nose", "tail"))).eval()
    images = images_of(3, 3, 75, 91)
    with torch.no_grad():
        together = model.decode(model(images), (75, 91)).keypoints
        alone = torch.cat([model.decode(model(one[None]), (75, 91)).keypoints for one in images])
        by_size = model.decode(model(images), torch.tensor([[75, 91]] * 3)).keypoints
    assert torch.allclose(together, alone, atol=1e-3)
    assert torch.equal(together, by_size)
    reach = 8 + 7.2801 * 3  # the refinement of an untrained network is small
    assert float(together[..., 0].max()) < 91 + reach
    assert float(together[..., 1].max()) < 75 + reach
