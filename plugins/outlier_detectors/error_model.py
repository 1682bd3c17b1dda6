"""How far the predictions of a network lie from right labels, learnt from labels of which most are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_TAIL = 3.0  # degrees of freedom of the errors: heavier tails than a Gaussian, as poses have
_MEDIAN_RADIUS = np.sqrt(_TAIL * (2 ** (2 / _TAIL) - 1))  # of that distribution with scale 1, in the plane
_PRIOR_POINTS = 10  # so many average points stand beside those of each body part, and of each step of the regression
_SMALLEST_SCALE_PX = 0.5  # nobody clicks more exactly
_ROUNDS = 20  # of expectation and maximisation; the shares change by less than 0.01 after ten


@dataclass(frozen=True)
class ErrorModel:
    """The distribution of the distance between label and prediction; `LabelError` says what it means.

    Parameters
    ----------
    scales : (points,) float64
        Pixels, of the error of each point that was found.
    size : float
        Pixels, of the animal.
    likelihoods, found : (n,) float64
        How often a point is found whose likelihood is that; in between it is interpolated.
    """

    scales: NDArray[np.float64]
    size: float
    likelihoods: NDArray[np.float64]
    found: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        labels: NDArray[np.float64],
        labelled: NDArray[np.bool_],
        errors: NDArray[np.float64],
        likelihood: NDArray[np.float64],
    ) -> Self:
        """Learn from (frames, points) errors in pixels, and labels (frames, points, 2)."""
        from scipy.special import expit
        from sklearn.isotonic import IsotonicRegression

        pooled = float(np.median(errors[labelled]))
        medians = np.array(
            [
                (np.median(errors[there, k]) * there.sum() if there.any() else 0.0) + pooled * _PRIOR_POINTS
                for k, there in enumerate(labelled.T)
            ]
        ) / (labelled.sum(axis=0) + _PRIOR_POINTS)
        scales = np.maximum(medians / _MEDIAN_RADIUS, _SMALLEST_SCALE_PX)
        size = max(_animal_size(np.where(labelled[..., None], labels, np.nan)), 2 * float(scales.max()))
        near, far = _log_density(errors, scales)[labelled], _log_density(errors, size)[labelled]
        certain, share = likelihood[labelled], np.full(near.shape, 0.9)
        most = (len(share) + 1) / (len(share) + 2)  # nobody is infallible
        for _ in range(_ROUNDS):
            odds = np.log(share) - np.log1p(-share) + near - far
            regression = IsotonicRegression().fit(certain, expit(odds))
            _, block, sizes = np.unique(regression.predict(certain), return_inverse=True, return_counts=True)
            weight = sizes[block] / (sizes[block] + _PRIOR_POINTS)
            share = np.clip(weight * regression.predict(certain) + (1 - weight) * share.mean(), 1 - most, most)
        known, where = np.unique(certain, return_index=True)
        return cls(scales, size, known, share[where])

    def right(
        self, distance: NDArray[np.float64], point: NDArray[np.int64], likelihood: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the log density of a label at a distance from the prediction of `point`, if it marks this point."""
        found = np.interp(likelihood, self.likelihoods, self.found)
        near, far = _log_density(distance, self.scales[point]), _log_density(distance, self.size)
        density: NDArray[np.float64] = np.logaddexp(np.log(found) + near, np.log1p(-found) + far)
        return density

    def wrong(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density of a label at a distance from the prediction, if it marks nothing."""
        return _log_density(distance, self.size)


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
