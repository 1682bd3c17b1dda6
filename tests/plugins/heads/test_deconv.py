"""Targets, losses and decoding agree with each other, with DeepLabCut's numbers, and with arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from dlc_plugins.heads.deconv import DeconvHead, DeconvOutputs

from dlc_core.errors import ConfigError
from dlc_core.model.structures import FeatureInfo, Features, Labels
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.testing import check_component
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "tail"))


def head_of(stride: int = 16, skeleton: Skeleton = SKELETON, **options: object) -> DeconvHead:
    return (
        load_plugins()
        .registry("head")
        .build({"name": "deconv", **options}, features=FeatureInfo((8,), (stride,)), skeleton=skeleton)
    )


def labels_of(points: torch.Tensor, ignore: torch.Tensor | None = None) -> Labels:
    """Return labels of (B, K, 2) points, NaN where absent."""
    return Labels(points[:, None], ~points.isnan().any(-1)[:, None], ignore)


def perfect_outputs(head: DeconvHead, points: torch.Tensor, size: tuple[int, int]) -> DeconvOutputs:
    """Return the maps of a network that has learnt its targets by heart, with the size a network's maps have."""
    target = head.targets(labels_of(points), size)
    values = target.scoremap.values
    if head.codec.target == "disc":
        values = (values - 0.5) * 20  # logits
    stride = 2 * head.grid.stride
    rows, columns = (2 * math.ceil(length / stride) + 1 for length in size)
    padding = (0, columns - values.shape[-1], 0, rows - values.shape[-2])
    scoremap = torch.nn.functional.pad(values, padding, value=50.0)  # whatever is beyond the image must not matter
    return DeconvOutputs(scoremap, torch.nn.functional.pad(target.locref.flatten(1, 2), padding, value=50.0))


@pytest.mark.parametrize("target", ["disc", "gaussian"])
@pytest.mark.parametrize("stride", [4, 8, 16, 32])
@pytest.mark.parametrize("size", [(448, 450), (97, 131), (64, 64)])
def test_decoding_the_targets_returns_the_labels(target, stride, size):
    height, width = size
    generator = np.random.default_rng(0)
    inside = generator.uniform(-0.5, [width - 0.51, height - 0.51], (59, 2))
    border = [[-0.5, -0.5], [width - 0.51, height - 0.51], [-0.5, height - 0.51], [width - 0.51, -0.5], [0, 0]]
    points = torch.tensor(np.concatenate([inside, border]), dtype=torch.float32).reshape(-1, 2, 2)
    head = head_of(stride, target=target)
    poses = head.decode(perfect_outputs(head, points, size), size)
    # float32 offsets of up to a few hundred pixels: far below the 0.01 px that matter
    assert torch.allclose(poses.keypoints[:, 0], points, atol=1e-3)
    assert poses.likelihood.shape == (len(points), 1, 2)
    # The nearest cell inside the image is less than one cell away along each axis.
    lowest = 0.99 if target == "disc" else math.exp(-2 * head.grid.stride**2 / (2 * (2 * 17 / 3) ** 2))
    assert float(poses.likelihood.min()) > lowest


def test_any_cell_of_the_disc_gives_the_same_point():
    head = head_of()
    point = torch.tensor([[[101.3, 77.7], [torch.nan, torch.nan]]])
    target = head.targets(labels_of(point), (200, 200))
    rows, columns = target.scoremap.values[0, 0].nonzero(as_tuple=True)
    assert len(rows) > 10
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        found = 7.2801 * target.locref[0, 0, :, row, column] + torch.tensor([8.0 * column + 4, 8.0 * row + 4])
        assert torch.allclose(found, point[0, 0], atol=1e-4)


def test_the_disc_is_one_within_17_pixels():
    target = head_of().targets(labels_of(torch.tensor([[[100.0, 84.0], [20.0, 20.0]]])), (200, 200))
    values = target.scoremap.values[0, 0]
    for row in range(25):
        for column in range(25):
            distance = math.dist((8 * column + 4, 8 * row + 4), (100, 84))
            assert values[row, column] == float(distance <= 17)


def test_the_gaussian_has_two_thirds_of_the_radius_as_standard_deviation():
    head = head_of(target="gaussian")
    values = head.targets(labels_of(torch.tensor([[[100.0, 84.0], [20.0, 20.0]]])), (200, 200)).scoremap.values[0, 0]
    sd = 2 * 17 / 3
    for row, column in ((10, 12), (11, 14), (3, 20)):
        squared = (8 * column + 4 - 100) ** 2 + (8 * row + 4 - 84) ** 2
        assert float(values[row, column]) == pytest.approx(math.exp(-squared / (2 * sd**2)), rel=1e-5)


@pytest.mark.parametrize(("pixels", "cells"), [(448, 57), (480, 61), (640, 81)])
def test_maps_have_the_size_of_deeplabcuts(pixels, cells):
    features = Features((torch.zeros(1, 8, pixels // 16, pixels // 16),), (16,))
    outputs = head_of()(features)
    assert outputs.scoremap.shape == (1, 2, cells, cells)
    assert outputs.locref.shape == (1, 4, cells, cells)


def test_the_first_cell_lies_at_4_pixels():
    assert head_of().cell_offset == 4
    assert head_of(stride=8).cell_offset == 2


def test_a_new_head_says_that_nothing_is_there():
    head = head_of()
    with torch.no_grad():
        poses = head.decode(head(Features((torch.randn(1, 8, 6, 6),), (16,))), (96, 96))
    assert float(poses.likelihood.max()) < 0.05


def test_losses_are_those_computed_by_hand():
    head = head_of()
    points = torch.tensor([[[50.2, 30.9], [torch.nan, torch.nan]], [[10.0, 60.0], [70.0, 20.0]]])
    targets = head.targets(labels_of(points), (80, 96))
    generator = torch.Generator().manual_seed(3)
    outputs = DeconvOutputs(
        torch.randn(2, 2, 11, 13, generator=generator), torch.randn(2, 4, 11, 13, generator=generator)
    )
    terms = head.loss(outputs, targets)
    entropy = huber = cells = elements = 0.0
    for sample in range(2):
        for keypoint in range(2):
            x, y = points[sample, keypoint].tolist()
            if math.isnan(x):
                continue
            for row in range(10):
                for column in range(12):
                    away = (x - (8 * column + 4), y - (8 * row + 4))
                    positive = math.hypot(*away) <= 17
                    probability = 1 / (1 + math.exp(-outputs.scoremap[sample, keypoint, row, column].item()))
                    entropy -= math.log(probability if positive else 1 - probability)
                    cells += 1
                    if positive:
                        for axis in (0, 1):
                            error = abs(
                                outputs.locref[sample, 2 * keypoint + axis, row, column].item() - away[axis] / 7.2801
                            )
                            huber += 0.5 * error**2 if error <= 1 else error - 0.5
                            elements += 1
    assert float(terms["scoremap"].total) == pytest.approx(entropy, rel=1e-4)
    assert float(terms["scoremap"].count) == cells == 3 * 10 * 12
    assert float(terms["locref"].total) == pytest.approx(huber, rel=1e-4)
    assert float(terms["locref"].count) == elements
    assert dict(head.loss_weights) == {"scoremap": 1.0, "locref": 0.05}


def test_the_gaussian_is_learnt_by_squared_error():
    head = head_of(target="gaussian")
    targets = head.targets(labels_of(torch.tensor([[[50.2, 30.9], [9.0, 9.0]]])), (80, 96))
    outputs = DeconvOutputs(torch.full((1, 2, 11, 13), 0.25), torch.zeros(1, 4, 11, 13))
    expected = ((targets.scoremap.values - 0.25) ** 2).sum()
    assert torch.allclose(head.loss(outputs, targets)["scoremap"].total, expected)


def test_a_keypoint_without_a_label_trains_nothing():
    head = head_of()
    points = torch.tensor([[[50.2, 30.9], [torch.nan, torch.nan]]])
    targets = head.targets(labels_of(points), (80, 96))
    scoremap = torch.zeros(1, 2, 11, 13, requires_grad=True)
    locref = torch.zeros(1, 4, 11, 13, requires_grad=True)
    terms = head.loss(DeconvOutputs(scoremap, locref), targets)
    sum(term.total for term in terms.values()).backward()
    assert float(scoremap.grad[:, 0].abs().sum()) > 0
    assert float(scoremap.grad[:, 1].abs().sum()) == 0
    assert float(locref.grad[:, 2:].abs().sum()) == 0


def test_a_label_that_is_not_visible_trains_nothing_though_it_has_coordinates():
    head = head_of()
    labels = Labels(torch.full((1, 1, 2, 2), 40.0), torch.tensor([[[True, False]]]))
    targets = head.targets(labels, (80, 96))
    assert not targets.scoremap.trained[0, 1].any()
    assert not targets.locref_trained[0, 1].any()


def test_ignored_pixels_train_neither_presence_nor_absence():
    head = head_of()
    ignore = torch.zeros(1, 80, 96, dtype=torch.bool)
    ignore[:, :, 48:] = True
    targets = head.targets(labels_of(torch.tensor([[[50.0, 40.0], [10.0, 10.0]]]), ignore), (80, 96))
    assert not targets.scoremap.trained[..., 6:].any()
    assert targets.scoremap.trained[..., :6].all()
    assert not targets.locref_trained[..., 6:].any()


def test_a_keypoint_that_the_animal_does_not_have_is_neither_trained_nor_decoded():
    skeleton = Skeleton(("nose", "tail"), exists=np.array([[True, False]]))
    head = head_of(skeleton=skeleton)
    points = torch.full((1, 2, 2), 40.0)
    assert not head.targets(labels_of(points), (80, 96)).scoremap.trained[0, 1].any()
    poses = head.decode(DeconvOutputs(torch.ones(1, 2, 11, 13), torch.zeros(1, 4, 11, 13)), (80, 96))
    assert bool(poses.keypoints[0, 0, 1].isnan().all())
    assert float(poses.likelihood[0, 0, 1]) == 0


def test_padding_that_only_the_network_adds_changes_neither_loss_nor_decoding():
    head = head_of(stride=4)
    points = torch.tensor([[[50.2, 30.9], [9.0, 9.0]]])
    targets = head.targets(labels_of(points), (65, 70))
    maps = torch.randn(1, 6, 65, 65, generator=torch.Generator().manual_seed(0))
    large, small = (DeconvOutputs(maps[:, :2, :n, :n], maps[:, 2:, :n, :n]) for n in (65, 37))
    for term, loss in head.loss(large, targets).items():
        assert torch.equal(loss.total, head.loss(small, targets)[term].total)
    assert torch.equal(head.decode(large, (65, 70)).keypoints, head.decode(small, (65, 70)).keypoints)


def test_intermediate_supervision_adds_a_score_map_on_the_last_map_but_one():
    build = load_plugins().registry("head").build
    config = {"name": "deconv", "intermediate_supervision": True}
    head = build(config, features=FeatureInfo((4, 8), (8, 16)), skeleton=SKELETON)
    outputs = head(Features((torch.zeros(1, 4, 12, 12), torch.zeros(1, 8, 6, 6)), (8, 16)))
    assert outputs.intermediate.shape == (1, 2, 25, 25)
    targets = head.targets(labels_of(torch.tensor([[[50.2, 30.9], [9.0, 9.0]]])), (96, 96))
    terms = head.loss(outputs, targets)
    assert set(terms) == set(head.loss_weights) == set(head.counts(targets)) == {"scoremap", "locref", "intermediate"}
    assert float(terms["intermediate"].count) == 2 * 24 * 24
    assert terms["intermediate"].total.item() > 0
    with pytest.raises(ConfigError, match=r"needs two maps and the backbone gives 1.*out_indices=\[-2,-1\]"):
        build(config, features=FeatureInfo((8,), (16,)), skeleton=SKELETON)


def test_several_animals_are_refused_with_their_names():
    with pytest.raises(ConfigError, match=r"one animal and the project has 2 \(mouse1, mouse2\)"):
        head_of(skeleton=Skeleton(("nose",), individuals=("mouse1", "mouse2")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "dics"}, "Did you mean 'disc'"),
        ({"pos_dist_thresh": 0.0}, "pos_dist_thresh=0.0"),
        ({"locref_stdev": -1.0}, "locref_stdev=-1.0"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        head_of(**options)


@pytest.mark.parametrize("target", ["disc", "gaussian"])
def test_the_head_passes_the_kit(target):
    check_component("head", "deconv", target=target)
