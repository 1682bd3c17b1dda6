"""Each check of augmenters can fail: augmenters that break one promise each, and the words they are told it in."""

# ruff: noqa: ARG002 - the signatures are those of the protocols
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import preprocess
from dlc_core.geometry import mirroring
from dlc_core.plugin_api import Component
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.testing import check_component


@dataclass
class Fake:
    name: str = "fake"


@pytest.fixture
def offer():
    """Return ``offer(cls)``, which makes the augmenter `fake` that class until the test is over."""
    load_plugins.cache_clear()

    def add(cls: type) -> None:
        globals()["_fake"] = cls
        component = Component(name="fake", target=f"{__name__}:_fake", config=Fake, summary="for this test")
        load_plugins().registry("augmenter").add(component, "test")

    yield add
    load_plugins.cache_clear()


class Sample:
    """The plain warp; the classes below break one promise each."""

    stage = "sample"

    def __init__(self, skeleton, preprocessing) -> None:
        self.preprocessing = preprocessing
        self.calls = 0

    def __call__(self, images, keypoints, generator) -> AugmentedSample:
        self.calls += 1
        return self.change(preprocess(images, keypoints, self.preprocessing), generator)

    def change(self, sample, generator) -> AugmentedSample:
        return sample


class Vanishing(Sample):
    def change(self, sample, generator):
        return AugmentedSample(sample.images, np.full_like(sample.keypoints, np.nan), sample.matrix)


class Unscaled(Sample):
    def __call__(self, images, keypoints, generator):
        return AugmentedSample(images.copy(), keypoints.copy(), np.eye(3))


class MirrorsTheImageOnly(Sample):
    def change(self, sample, generator):
        images = sample.images[:, :, ::-1] if generator.random() < 0.5 else sample.images
        return AugmentedSample(images, sample.keypoints, sample.matrix)


class MovesTheImageByHalfAPixel(Sample):
    def change(self, sample, generator):
        images = (sample.images.astype(np.float32) + np.roll(sample.images, 1, axis=2)) / 2
        return AugmentedSample(np.rint(images).astype(np.uint8), sample.keypoints, sample.matrix)


class KeepsNamesInTheMirror(Sample):
    def change(self, sample, generator):
        width = sample.images.shape[2]
        keypoints = sample.keypoints.copy()
        keypoints[..., 0] = width - 1 - keypoints[..., 0]
        return AugmentedSample(sample.images[:, :, ::-1], keypoints, mirroring(width) @ sample.matrix)


class SecondFrameStays(Sample):
    def change(self, sample, generator):
        images, keypoints, matrix = sample.images.copy(), sample.keypoints + 20, sample.matrix.copy()
        matrix[:2, 2] += 20
        keypoints[(keypoints >= np.array(images.shape[2:0:-1]) - 0.5).any(-1)] = np.nan
        images[0] = np.roll(images[0], (20, 20), axis=(0, 1))
        return AugmentedSample(images, keypoints, matrix)


class MovesKeypointsOnly(Sample):
    def change(self, sample, generator):
        return AugmentedSample(sample.images, sample.keypoints + 1, sample.matrix)


class KeepsPointsOutside(Sample):
    def change(self, sample, generator):
        return AugmentedSample(sample.images[:, :50], sample.keypoints, sample.matrix)


class InventsPoints(Sample):
    def change(self, sample, generator):
        return AugmentedSample(sample.images, np.nan_to_num(sample.keypoints, nan=5.0), sample.matrix)


class OwnRandomness(Sample):
    def change(self, sample, generator):
        noise = np.random.default_rng().integers(0, 9, sample.images.shape, dtype=np.uint8)
        return AugmentedSample(sample.images // 2 + noise, sample.keypoints, sample.matrix)


class ChangesItsInput(Sample):
    def __call__(self, images, keypoints, generator):
        images //= 2
        return super().__call__(images, keypoints, generator)


class FloatImages(Sample):
    def change(self, sample, generator):
        return AugmentedSample(sample.images / 255, sample.keypoints, sample.matrix)


class NoStage(Sample):
    stage = "video"


class Batch:
    """Nothing is changed; the classes below break one promise each."""

    stage = "batch"

    def __init__(self, skeleton, preprocessing) -> None:
        self.scale = preprocessing.global_scale

    def __call__(self, images, keypoints, generators):
        return images.clone(), keypoints.clone(), torch.eye(3).repeat(len(images), 1, 1)


class BatchMirrorsTheImageOnly(Batch):
    def __call__(self, images, keypoints, generators):
        return images.flip(-1), keypoints.clone(), torch.eye(3).repeat(len(images), 1, 1)


class BatchVanishing(Batch):
    def __call__(self, images, keypoints, generators):
        return images.clone(), torch.full_like(keypoints, torch.nan), torch.eye(3).repeat(len(images), 1, 1)


class BatchOneMatrix(Batch):
    def __call__(self, images, keypoints, generators):
        return images.clone(), keypoints.clone(), torch.eye(3)


class BatchScalesAgain(Batch):
    def __call__(self, images, keypoints, generators):
        size = tuple(int(side * self.scale) for side in images.shape[-2:])
        pixels = nn.functional.interpolate(images.float(), size, mode="bilinear", antialias=True)
        matrix = torch.diag(torch.tensor([self.scale, self.scale, 1.0]))
        matrix[:2, 2] = (self.scale - 1) / 2
        keypoints = keypoints * self.scale + (self.scale - 1) / 2
        return pixels.round().byte(), keypoints, matrix.repeat(len(images), 1, 1)


class BatchDrawsByPlace(Batch):
    def __call__(self, images, keypoints, generators):
        matrices = torch.eye(3).repeat(len(images), 1, 1)
        moved = float(generators[0].uniform(-9, 9))
        matrices[:, 0, 2] = moved
        keypoints = keypoints.clone()
        keypoints[..., 0] += moved
        return images.roll(round(moved), -1), keypoints, matrices


@pytest.mark.parametrize("cls", [Sample, Batch])
def test_an_augmenter_that_keeps_its_promises_passes(offer, cls):
    offer(cls)
    check_component("augmenter", "fake")


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Vanishing, "keypoints in the image 0 are returned"),
        (Unscaled, r"scale by 1.00 of what they scale by with 1, expected 0.5"),
        (MirrorsTheImageOnly, r"lies within 1.5 px of where the matrix moves it for \d\d% of the"),
        (MovesTheImageByHalfAPixel, r"blobs lie 0.50 px \(median\) from where the matrix moves them"),
        (KeepsNamesInTheMirror, r"keypoints are .* px off the matrix"),
        (SecondFrameStays, "a blob drawn at a keypoint"),
        (MovesKeypointsOnly, "keypoints are 1.000 px off the matrix"),
        (KeepsPointsOutside, "a keypoint that left the image is .*expected NaN"),
        (InventsPoints, "an absent keypoint came to be present"),
        (OwnRandomness, "one generator, two images"),
        (ChangesItsInput, "changes its input images"),
        (FloatImages, "images are float64, expected uint8"),
        (NoStage, "fake.stage is 'video'"),
        (BatchMirrorsTheImageOnly, "a blob drawn at a keypoint lies within 1.5 px .* for 0% of the"),
        (BatchVanishing, "keypoints in the image 0 are returned"),
        (BatchOneMatrix, r"matrices of shape \(3, 3\), expected \(24, 3, 3\)"),
        (BatchScalesAgain, r"expected 1.0 \(images of a batch are scaled already\)"),
        (BatchDrawsByPlace, "depends on what was augmented before it or beside it"),
    ],
)
def test_an_augmenter_that_breaks_a_promise_is_told_which(offer, cls, message):
    offer(cls)
    with pytest.raises(AssertionError, match=message):
        check_component("augmenter", "fake")
