"""The bench of the outlier detectors: errors are where and what they are said to be, the docs show the result."""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import pairwise

import numpy as np
import pytest

from dlc_core.skeleton import Skeleton


@pytest.fixture(scope="module")
def bench(repository):
    """Return ``benchmarks/outliers.py`` as a module."""
    spec = importlib.util.spec_from_file_location("bench_outliers", repository / "benchmarks" / "outliers.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "benchmarks")  # the scripts of that folder import each other
        spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def track(bench):
    """Return a walk of two animals with three keypoints, as three networks see it."""
    generator = np.random.default_rng(0)
    body = np.array([[30, 0], [0, 0], [-30, 5]])
    centre = np.cumsum(generator.normal(0, 1, (400, 2, 1, 2)), axis=0) + np.array([[[0, 0]], [[200, 100]]])
    points = centre + body + generator.normal(0, 0.3, (3, 400, 2, 3, 2))
    values = np.concatenate([points, generator.uniform(0.8, 1, (3, 400, 2, 3, 1))], axis=-1)
    mirror = {(animal, k): (animal, (k + 1) % 3) for animal in range(2) for k in range(3)}
    other = {(animal, k): (1 - animal, k) for animal in range(2) for k in range(3)}
    return bench.Track(Skeleton(("a", "b", "c"), individuals=("one", "two")), values, mirror, other)


@pytest.mark.parametrize("kind", ["jitter", "inversion", "swap", "miss"])
def test_twenty_errors_of_a_kind_are_put_in_and_nothing_else_changes(bench, track, kind):
    values, events = bench.inject(track, kind, np.random.default_rng(1))
    moved = (values != track.values[0]).any(axis=-1)
    assert moved.any(axis=(1, 2)).tolist() == (events >= 0).tolist()
    assert (moved.sum(axis=(1, 2)) <= 1).all(), "one keypoint at a time"
    assert set(events.tolist()) == set(range(-1, 20))
    before = track.values[0]
    for frame, animal, keypoint in np.argwhere(moved):
        now, was = values[frame, animal, keypoint], before[frame, animal, keypoint]
        far = np.linalg.norm(now[:2] - was[:2]) / track.size
        if kind == "jitter":
            assert 0.15 <= far <= 0.3 and now[2] == was[2]
        elif kind == "miss":
            assert far >= 1
        else:
            partner = (track.mirror if kind == "inversion" else track.other)[int(animal), int(keypoint)]
            assert (now == before[(frame, *partner)]).all()


def test_errors_last_up_to_five_frames_and_keep_apart(bench, track):
    _, events = bench.inject(track, "jitter", np.random.default_rng(2))
    frames = [np.flatnonzero(events == event) for event in range(20)]
    assert all((np.diff(one) == 1).all() and 1 <= len(one) <= 5 for one in frames)
    starts = sorted((one[0], one[-1]) for one in frames)
    assert all(later[0] - earlier[1] > 8 for earlier, later in pairwise(starts))


def test_precision_counts_frames_and_recall_counts_errors(bench):
    events = np.full(100, -1)
    events[10:14], events[50] = 0, 1
    worse = np.where(np.arange(100) < 20, 1.0, 0.0)
    found = bench.rates(worse, events, np.ones(100, bool), np.random.default_rng(0))
    assert found == {"precision": 4 / 20, "recall": 1 / 2}
    without = bench.rates(worse, events, np.arange(100) != 10, np.random.default_rng(0))
    assert without["recall"] == 1 / 2, "an error counts by any of its frames"
    by_chance = bench.chance(events, np.ones(100, bool), np.random.default_rng(0))
    assert by_chance["precision"] == pytest.approx(0.05, abs=0.01)


def test_the_documents_show_the_table_of_the_result(bench, repository):
    table = bench.table(json.loads((repository / "benchmarks" / "results" / "outliers.json").read_text()))
    text = (repository / "docs" / "outliers.md").read_text()
    assert table in text, "docs/outliers.md is out of date: python benchmarks/outliers.py --table"
