"""The benchmark of filters measures what its docstring says, and its table is the one in the documentation."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dlc_core.skeleton import Skeleton


@pytest.fixture(scope="module")
def bench(repository: Path) -> ModuleType:
    """Return ``benchmarks/filters.py`` as a module; it imports its neighbour, as a script does."""
    sys.path.insert(0, str(repository / "benchmarks"))
    try:
        specification = importlib.util.spec_from_file_location(
            "bench_filters", repository / "benchmarks" / "filters.py"
        )
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(repository / "benchmarks"))
    return module


def test_errors_are_distances_to_the_median_of_the_peers_where_they_are_sure(bench):
    values = np.zeros((4, 5, 1, 2, 3))
    values[1:, ..., 2] = 0.9
    values[1:, :, 0, 0, 0] = np.array([[2.0], [3.0], [40.0]])  # one peer is wrong: the median is 3
    values[1, :, 0, 1, 2] = 0.4  # a peer is not sure of the second keypoint
    track = bench.Track(Skeleton(("a", "b")), values, {}, {})
    points = values[0, ..., :2].copy()
    points[4, 0, 0] = np.nan
    assert bench.errors(points, track) == {"mean": 3.0, "p95": 3.0, "absent": 0.2}


def test_every_track_is_filtered_by_itself(bench):
    values = np.concatenate([np.random.default_rng(0).normal(size=(30, 1, 2, 2)), np.ones((30, 1, 2, 1))], axis=-1)
    smooth = bench.smoothed(values, "median")
    expected = np.median(values[8:13, 0, 1, :2], axis=0)
    np.testing.assert_allclose(smooth[10, 0, 1], expected)
    np.testing.assert_array_equal(bench.smoothed(values, "none"), values[..., :2])


def test_the_table_in_the_documentation_is_that_of_the_result(bench, repository):
    table = bench.table(json.loads(bench.RESULT.read_text()))
    assert table in (repository / "docs" / "filters.md").read_text(), (
        "docs/filters.md is out of date: python benchmarks/filters.py --table"
    )
