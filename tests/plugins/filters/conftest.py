"""A trajectory whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from dlc_core.filtering.structures import Track
from dlc_core.plugin_api.discovery import load_plugins


@dataclass(frozen=True)
class Recording:
    track: Track
    truth: NDArray[np.float64]
    wild: NDArray[np.bool_]

    def error(self, points: NDArray[np.float64]) -> float:
        """Return the mean distance to the truth, in pixels."""
        return float(np.nanmean(np.linalg.norm(points - self.truth, axis=1)))


@pytest.fixture
def recording() -> Recording:
    """Return a point that moves smoothly, seen with 2 px of noise, in 5 % of the frames wildly wrong and unlikely."""
    rng = np.random.default_rng(0)
    t = np.arange(600)
    truth = np.stack([300 + 100 * np.sin(t / 40), 200 + 80 * np.cos(t / 55)], axis=1)
    likelihood = rng.uniform(0.5, 1, len(t)).astype(np.float32)
    points = truth + rng.normal(0, 2, truth.shape)
    wild = rng.random(len(t)) < 0.05
    points[wild] += rng.normal(0, 60, (wild.sum(), 2))
    likelihood[wild] = 0.005
    return Recording(Track(points, likelihood, 30.0), truth, wild)


@pytest.fixture
def build():
    """Return ``build(name, **options)``, which builds a filter as the core does."""

    def built(name: str, **options: object) -> object:
        return load_plugins().registry("filter").build({"name": name, **options})

    return built
