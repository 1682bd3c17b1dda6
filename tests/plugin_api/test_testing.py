"""Every check of the kit can fail: components that break one promise each, and the words they are told it in.

Those of augmenters: test_behaviour_augmenter.py.
"""

# ruff: noqa: ARG002 - the signatures are those of the protocols
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dlc_plugins.heads.deconv import DeconvHead
from dlc_plugins.outlier_detectors.uncertain import Uncertain
from torch import nn

from dlc_core.model.structures import Features, LossTerm
from dlc_core.outliers.structures import FrameScores, PointSuspect
from dlc_core.plugin_api import Component
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light

Offer = Callable[..., None]


@dataclass
class Fake:
    name: str = "fake"


@dataclass
class Misnamed:
    name: str = "other"


@pytest.fixture
def offer():
    """Return ``offer(kind, target, config=Fake)``, which makes `fake` that target until the test is over."""
    load_plugins.cache_clear()

    def add(kind: str, target: object, config: type = Fake) -> None:
        globals()["_fake"] = target
        component = Component(name="fake", target=f"{__name__}:_fake", config=config, summary="for this test")
        load_plugins().registry(kind).add(component, "test")

    yield add
    load_plugins.cache_clear()


# Networks -----------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    """A backbone of one convolution; the classes below break one promise each."""

    channels, strides, mean, std, size_multiple = (4,), (16,), (0.5,) * 3, (0.25,) * 3, 16

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, kernel_size=16, stride=16)

    def forward(self, images: torch.Tensor) -> Features:
        return Features((self.layer(images),), self.strides)


class WrongStride(Net):
    strides = (8,)


class RandomInEvaluation(Net):
    def forward(self, images: torch.Tensor) -> Features:
        return Features((nn.functional.dropout(self.layer(images), 0.5, training=True),), self.strides)


class NoGradient(Net):
    def forward(self, images: torch.Tensor) -> Features:
        return Features((self.layer(images) * 0,), self.strides)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WrongStride, r"a map has shape \(1, 4, 4, 4\), expected \(1, 4, 8, 8\)"),
        (RandomInEvaluation, r"fake.eval\(\) is random"),
        (NoGradient, "no gradient"),
    ],
)
def test_a_backbone_that_breaks_a_promise_is_told_which(offer: Offer, cls, message):
    offer("backbone", Net)
    check_component("backbone", "fake")
    load_plugins.cache_clear()
    offer("backbone", cls)
    with pytest.raises(AssertionError, match=message):
        check_component("backbone", "fake")


def plain_head(features, skeleton) -> DeconvHead:
    """Return the built-in head with its defaults."""
    return _changed_head(features, skeleton)


def _changed_head(features, skeleton, cls: type[DeconvHead] = DeconvHead) -> DeconvHead:
    options = load_plugins().registry("head").options({"name": "deconv"})
    return cls(**options, features=features, skeleton=skeleton)


def head_that_learns_from_nothing(features, skeleton):
    class LearnsFromNothing(DeconvHead):
        def loss(self, outputs, targets):
            return {term: LossTerm(loss.total + 1, loss.count) for term, loss in super().loss(outputs, targets).items()}

    return _changed_head(features, skeleton, LearnsFromNothing)


def head_without_the_present(features, skeleton):
    head = plain_head(features, skeleton)
    head.window = (-1,)
    return head


def head_with_an_uncounted_term(features, skeleton):
    class Uncounted(DeconvHead):
        def loss(self, outputs, targets):
            terms = dict(super().loss(outputs, targets))
            return terms | {"smoothness": next(iter(terms.values()))}

    return _changed_head(features, skeleton, Uncounted)


def head_that_finds_points_in_the_padding(features, skeleton):
    class LooksEverywhere(DeconvHead):
        def decode(self, outputs, image_size):
            everywhere = torch.tensor(outputs.scoremap.shape[-2:]) * 8
            return super().decode(outputs, (int(everywhere[0]), int(everywhere[1])))

    return _changed_head(features, skeleton, LooksEverywhere)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (head_that_finds_points_in_the_padding, r"px outside the image of \[32, 40\] \(height, width\)"),
        (head_that_learns_from_nothing, "a loss without labels"),
        (head_without_the_present, r"fake.window is \(-1,\); it must contain 0"),
        (head_with_an_uncounted_term, r"terms of loss \[.*'smoothness'\], of counts"),
    ],
)
def test_a_head_that_breaks_a_promise_is_told_which(offer: Offer, head, message):
    offer("head", plain_head)
    check_component("head", "fake")
    load_plugins.cache_clear()
    offer("head", head)
    with pytest.raises(AssertionError, match=message):
        check_component("head", "fake")


# Selectors, detectors, exporters ------------------------------------------------------------------------------------


class First:
    def select(self, video, candidates, n, crop, generator):
        return candidates[:n]


class RepeatsFrames(First):
    def select(self, video, candidates, n, crop, generator):
        return np.sort(np.resize(candidates[: max(1, n // 2)], min(n, len(candidates))))


class IgnoresCandidates(First):
    def select(self, video, candidates, n, crop, generator):
        return np.arange(min(n, len(candidates)))


class TooFew(First):
    def select(self, video, candidates, n, crop, generator):
        return candidates[: n // 2]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (RepeatsFrames, "not sorted and unique"),
        (IgnoresCandidates, "no candidates"),
        (TooFew, "asked for 5 of 32, got 2"),
    ],
)
def test_a_selector_that_breaks_a_promise_is_told_which(offer: Offer, cls, message):
    offer("frame_selector", First)
    check_component("frame_selector", "fake")
    load_plugins.cache_clear()
    offer("frame_selector", cls)
    with pytest.raises(AssertionError, match=message):
        check_component("frame_selector", "fake")


class Detector:
    needs: frozenset[str] = frozenset()

    def __init__(self, skeleton) -> None:
        self.detector = load_plugins().registry("outlier_detector").build({"name": "uncertain"}, skeleton=skeleton)
        assert isinstance(self.detector, Uncertain)

    def score(self, poses) -> FrameScores:
        return self.detector.score(poses)


class OneScoreLess(Detector):
    def score(self, poses):
        scores = super().score(poses)
        return FrameScores(scores.score[1:], scores.threshold, scores.higher_is_worse)


class NeverWorried(Detector):
    def score(self, poses):
        scores = super().score(poses)
        return FrameScores(np.full_like(scores.score, 1 - scores.higher_is_worse), 0.5, scores.higher_is_worse)


class NeedsTheMoon(Detector):
    needs = frozenset({"moon"})


class Disagreement(Detector):
    """How far the poses are from those of other networks, of networks that did not train on them, and of people."""

    needs = frozenset({"ensemble", "labels", "out_of_fold", "video"})

    def score(self, poses):
        assert poses.video.frame_count == 40
        others = [other.keypoints[:] for other in (*poses.ensemble, poses.out_of_fold)]
        apart = [np.nanmax(np.abs(poses.poses.keypoints[:] - other), axis=(1, 2, 3)) for other in others]
        labelled = np.isfinite(poses.labels).any(axis=(1, 2, 3))
        assert 0 < labelled.sum() < 40
        return FrameScores(np.max(apart, axis=0).astype(np.float32), 20.0)


class DisagreementOfTwo(Disagreement):
    """The same without looking at the video, and blind."""

    needs = frozenset({"ensemble"})

    def score(self, poses):
        apart = np.abs(poses.ensemble[0].keypoints[:] - poses.ensemble[1].keypoints[:])
        return FrameScores(apart.max(axis=(1, 2, 3)).astype(np.float32), 20.0)


class NewEveryTime(Disagreement):
    def score(self, poses):
        return FrameScores(np.random.default_rng().random(40, dtype=np.float32), 0.5)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OneScoreLess, r"scores of shape \(39,\) for 40 frames"),
        (NeverWorried, "is no outlier"),
        (NeedsTheMoon, r"needs contains \['moon'\]"),
        (DisagreementOfTwo, "is no outlier"),
        (NewEveryTime, "two different scores for the same poses"),
    ],
)
def test_a_detector_that_breaks_a_promise_is_told_which(offer: Offer, cls, message):
    offer("outlier_detector", Detector)
    check_component("outlier_detector", "fake")
    load_plugins.cache_clear()
    offer("outlier_detector", cls)
    with pytest.raises(AssertionError, match=message):
        check_component("outlier_detector", "fake")


def test_a_detector_gets_what_it_needs(offer: Offer):
    offer("outlier_detector", Disagreement)
    check_component("outlier_detector", "fake")


class BadSuspects(Disagreement):
    """Suspects points, not the worst first, twice, without a reason, outside the arrays, or in a frame that is fine."""

    needs: frozenset[str] = frozenset()
    found: tuple[tuple[int, int, int, float, str], ...] = ((7, 0, 1, 1.0, "wild"),)

    def score(self, poses):
        score = np.zeros(40, np.float32)
        score[7] = 1
        return FrameScores(score, 0.5, suspects=tuple(PointSuspect(*one) for one in self.found))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (((7, 0, 1, 1.0, "wild"), (7, 0, 2, 2.0, "wild")), "not sorted"),
        (((7, 0, 1, 1.0, "wild"), (7, 0, 1, 1.0, "wild")), "a suspect twice"),
        (((7, 0, 1, 1.0, ""),), "has no reason"),
        (((7, 0, 3, 1.0, "wild"),), "outside the arrays"),
        (((8, 0, 1, 1.0, "wild"),), "frame 8 has a suspect, but is no outlier"),
    ],
)
def test_suspects_that_make_no_sense_are_told(offer: Offer, found, message):
    offer("outlier_detector", BadSuspects)
    check_component("outlier_detector", "fake")
    load_plugins.cache_clear()
    offer("outlier_detector", type("Fake", (BadSuspects,), {"found": found}))
    with pytest.raises(AssertionError, match=message):
        check_component("outlier_detector", "fake")


class BlindToLabels(Disagreement):
    """Compares labels with out-of-fold predictions, and is content with all."""

    needs = frozenset({"labels", "out_of_fold"})

    def score(self, poses):
        assert poses.poses is poses.out_of_fold
        return FrameScores(np.zeros(40, np.float32), 0.5)


def test_a_detector_of_labels_finds_the_misplaced_one(offer: Offer):
    offer("outlier_detector", BlindToLabels)
    with pytest.raises(AssertionError, match="a label 110 px from its prediction is no outlier"):
        check_component("outlier_detector", "fake")


@pytest.mark.parametrize("name", ["uncertain", "jump", "arima", "ensemble", "label_error"])
def test_the_built_in_detectors_pass_the_kit(name):
    check_component("outlier_detector", name)


class Writer:
    suffix = ".txt"

    def write(self, poses, path: Path) -> list[Path]:
        path.write_text(str(poses.frame_count))
        return [path]


class LeavesTemporaryFiles(Writer):
    def write(self, poses, path):
        path.with_suffix(".tmp").touch()
        return super().write(poses, path)


class WritesNothing(Writer):
    def write(self, poses, path):
        return [path]


class NoDot(Writer):
    suffix = "txt"


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (LeavesTemporaryFiles, "leaves other files behind"),
        (WritesNothing, "names files that are not there"),
        (NoDot, "expected one like '.h5'"),
    ],
)
def test_an_exporter_that_breaks_a_promise_is_told_which(offer: Offer, cls, message):
    offer("exporter", Writer)
    check_component("exporter", "fake")
    load_plugins.cache_clear()
    offer("exporter", cls)
    with pytest.raises(AssertionError, match=message):
        check_component("exporter", "fake")


class Smoother:
    """A filter that does nothing; the classes below break one promise each."""

    def filter(self, track):
        return track


class DropsTheEnds(Smoother):
    def filter(self, track):
        return replace(track, points=track.points[1:-1])


class ChangesInPlace(Smoother):
    def filter(self, track):
        track.points[:] += 1
        return track


class SmoothsByChance(Smoother):
    def filter(self, track):
        return replace(track, points=track.points + np.random.default_rng().normal(size=track.points.shape))


class SureOfItself(Smoother):
    def filter(self, track):
        return replace(track, likelihood=track.likelihood + 1)


class ForgetsPoints(Smoother):
    def filter(self, track):
        return replace(track, points=np.full_like(track.points, np.nan))


class NoFilter:
    def smooth(self, track):
        return track


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (DropsTheEnds, r"points of shape \(58, 2\) for 60 frames"),
        (ChangesInPlace, "changed the track that it was handed"),
        (SmoothsByChance, "two different tracks for the same one"),
        (SureOfItself, r"a likelihood lies outside \[0, 1\]"),
        (ForgetsPoints, "the only point of a track is gone"),
        (NoFilter, "lacks the method of the PoseFilter protocol"),
    ],
)
def test_a_filter_that_breaks_a_promise_is_told_which(offer: Offer, cls, message):
    offer("filter", Smoother)
    check_component("filter", "fake")
    load_plugins.cache_clear()
    offer("filter", cls)
    with pytest.raises(AssertionError, match=message):
        check_component("filter", "fake")


# Records ------------------------------------------------------------------------------------------------------------


class TakesAnything(Writer):
    def __init__(self, **options: Any) -> None:
        self.options = options


class TakesMore(Writer):
    def __init__(self, width: int = 3) -> None:
        self.width = width


def local_config() -> type:
    @dataclass
    class Local:
        name: str = "fake"

    return Local


@pytest.mark.parametrize(
    ("target", "config", "message"),
    [
        (Writer, local_config(), "Local must live at module level"),
        (Writer, Misnamed, "Misnamed.name defaults to 'other', expected 'fake'"),
        (TakesAnything, Fake, r"takes \*options, which hides misspelt options"),
        (TakesMore, Fake, r"takes \['width'\]; expected the fields of Fake and the context"),
    ],
)
def test_a_record_that_does_not_fit_its_target_is_told_why(offer: Offer, target, config, message):
    offer("exporter", target, config)
    with pytest.raises(AssertionError, match=message):
        check_component("exporter", "fake")


def test_a_manifest_that_imports_something_heavy_is_told_what(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "light_manifest.py").write_text("import json\n")
    check_discovery_is_light("light_manifest")
    (tmp_path / "heavy_manifest.py").write_text("import sklearn\n")
    with pytest.raises(AssertionError, match=r"importing heavy_manifest also imports .*sklearn"):
        check_discovery_is_light("heavy_manifest")
    (tmp_path / "silent_manifest.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(AssertionError, match="importing silent_manifest failed: exit status 3"):
        check_discovery_is_light("silent_manifest")
