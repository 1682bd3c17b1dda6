"""How far the predictions of a network lie from right labels, learnt from labels of which most are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_TAIL = 3.0  # degrees of freedom of the errors: heavier tails than a Gaussian, as poses have
_MEDIAN_RADIUS = np.sqrt(_TAIL * (2 ** (2 / _TAIL) - 1))  # of that distribution with scale 1, in the plane
_PRIOR_POINTS = 10  # so many average points stand beside those of each body part
_SMALLEST_SCALE_PX = 0.5  # nobody clicks more exactly
_ROUNDS, _NEWTON_STEPS = 20, 3  # of expectation maximisation, and within one; the next 20 change no share by 1e-4


@dataclass(frozen=True)
class ErrorModel:
    """The distribution of the distance between label and prediction; `LabelError` says what it means.

    Parameters
    ----------
    scales : (points,) float64
        Pixels, of the error of each point that was found.
    size : float
        Pixels, of the animal.
    found : Calibration
        How often a point is found, by its likelihood.
    """

    scales: NDArray[np.float64]
    size: float
    found: Calibration

    @classmethod
    def fit(
        cls,
        labels: NDArray[np.float64],
        labelled: NDArray[np.bool_],
        errors: NDArray[np.float64],
        likelihood: NDArray[np.float64],
    ) -> Self:
        """Learn from labels, (frames, points, 2) pixels, and (frames, points) errors in pixels and likelihoods."""
        pooled = float(np.median(errors[labelled]))
        medians = [np.median(errors[there, k]) if there.any() else pooled for k, there in enumerate(labelled.T)]
        number = labelled.sum(axis=0)
        shrunk = (number * np.array(medians) + _PRIOR_POINTS * pooled) / (number + _PRIOR_POINTS)
        scales = np.maximum(shrunk / _MEDIAN_RADIUS, _SMALLEST_SCALE_PX)
        size = max(_animal_size(np.where(labelled[..., None], labels, np.nan)), 2 * float(scales.max()))
        advantage = (_log_density(errors, scales) - _log_density(errors, size))[labelled]
        return cls(scales, size, Calibration.fit(likelihood[labelled], advantage))

    def right(
        self, distance: NDArray[np.float64], point: NDArray[np.int64], likelihood: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log density of a label at a distance from the prediction of `point`, if it marks this point."""
        found = self.found(likelihood)
        near, far = _log_density(distance, self.scales[point]), _log_density(distance, self.size)
        density: NDArray[np.float64] = np.logaddexp(np.log(found) + near, np.log1p(-found) + far)
        return density

    def wrong(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density of a label at a distance from the prediction, if it marks nothing."""
        return _log_density(distance, self.size)


@dataclass(frozen=True)
class Calibration:
    """The probability that a prediction has found its point: a logistic function of the log odds of its likelihood.

    Parameters
    ----------
    intercept, slope : float
        Of the log odds of the probability; the slope is not negative.
    centre, spread : float
        Mean and standard deviation of the log odds of the likelihoods.
    most : float
        The highest probability; nobody is infallible.
    """

    intercept: float
    slope: float
    centre: float
    spread: float
    most: float

    @classmethod
    def fit(cls, likelihood: NDArray[np.float64], advantage: NDArray[np.float64]) -> Self:
        """Learn by expectation maximisation which predictions have found their points, and how that shows.

        Parameters
        ----------
        likelihood : (n,) float64
        advantage : (n,) float64
            Log likelihood ratio of the error if the point was found to that if it was not.
        """
        odds = _log_odds(likelihood)
        centre, spread = float(odds.mean()), max(float(odds.std()), 1e-6)
        design = np.stack([np.ones_like(odds), (odds - centre) / spread], axis=1)
        ridge = np.diag([1e-6, 1.0])  # one observation's worth against a slope
        weights = np.array([np.log(9.0), 0.0])  # nine of ten are found, to begin with
        for _ in range(_ROUNDS):
            found = _logistic(design @ weights + advantage)
            for _ in range(_NEWTON_STEPS):
                share = np.clip(_logistic(design @ weights), 1e-6, 1 - 1e-6)
                rise = design.T @ (found - share) - ridge @ weights
                weights = weights + np.linalg.solve((design.T * (share * (1 - share))) @ design + ridge, rise)
                weights[1] = max(weights[1], 0.0)
        intercept, slope = weights.tolist()
        return cls(intercept, slope, centre, spread, (len(odds) + 1) / (len(odds) + 2))

    def __call__(self, likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability for predictions of some likelihoods."""
        standard = (_log_odds(likelihood) - self.centre) / self.spread
        return np.clip(_logistic(self.intercept + self.slope * standard), 1 - self.most, self.most)


def _log_odds(likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(p / (1 - p)), as if nothing were less or more likely than 0.001 and 0.999."""
    inside = np.clip(likelihood, 1e-3, 1 - 1e-3)
    odds: NDArray[np.float64] = np.log(inside) - np.log1p(-inside)
    return odds


def _logistic(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * (1 + np.tanh(0.5 * odds))


def _log_density(distance: NDArray[np.float64], scale: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the log density of the bivariate t-distribution, per square pixel, at a distance from its centre."""
    squared = np.square(distance / scale) / _TAIL
    density: NDArray[np.float64] = -np.log(2 * np.pi * np.square(scale)) - (_TAIL + 2) / 2 * np.log1p(squared)
    return density


def _animal_size(labels: NDArray[np.float64]) -> float:
    """Return the median over frames of the RMS distance of the labels from their centre; 0 if no frame has two."""
    several = labels[np.isfinite(labels).all(-1).sum(axis=1) > 1]
    if not len(several):
        return 0.0
    centred = np.square(several - np.nanmean(several, axis=1, keepdims=True)).sum(axis=-1)
    return float(np.median(np.sqrt(np.nanmean(centred, axis=1))))
