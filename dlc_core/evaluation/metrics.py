"""How far poses are from labels: pure functions of arrays.

Distances are NaN where there is no label and infinite where a label was not found, so that every measure knows what
it has to leave out and what counts as a miss.

References
----------
Mean error: what the DeepLabCut papers call MAE and its files call rmse (Mathis et al. 2018, Nath et al. 2019). RMSE
here is the root of the mean squared distance. PCK, percentage of correct keypoints: Yang & Ramanan (2013), here with
thresholds in pixels. AUROC: Hanley & McNeil (1982), the probability that a visible point has the higher likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from dlc_core.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """The quality of a set of predicted points.

    Parameters
    ----------
    points : int
        Labelled points.
    points_pcutoff : int
        Those of them that were predicted with a likelihood of at least pcutoff.
    mean_px : float
        Mean Euclidean distance over the labelled points that were found; NaN if there is none.
    rmse_px : float
        Root of the mean squared distance over the same points.
    mean_px_pcutoff, rmse_px_pcutoff : float
        The same over the points with a likelihood of at least pcutoff.
    pck : mapping of float to float
        Threshold in pixels to the share of labelled points that are at most so far off.
    auroc : float
        How well the likelihood separates labelled from unlabelled points; NaN if there are none of one kind.
    per_bodypart : mapping of str to Scores
        The same for each body part alone; empty there.
    """

    points: int
    points_pcutoff: int
    mean_px: float
    rmse_px: float
    mean_px_pcutoff: float
    rmse_px_pcutoff: float
    pck: Mapping[float, float]
    auroc: float
    per_bodypart: Mapping[str, Scores] = field(default_factory=dict)


def distances(predicted: NDArray[np.floating], labelled: NDArray[np.floating]) -> Floats:
    """Return Euclidean distances between points.

    Parameters
    ----------
    predicted, labelled : (..., 2) float
        Pixels x, y, NaN where absent.

    Returns
    -------
    (...) float64
        Pixels; NaN where nothing is labelled, infinite where a labelled point was not predicted.

    Raises
    ------
    DataError
        The shapes differ.
    """
    if predicted.shape != labelled.shape:
        raise DataError(f"poses have shape {predicted.shape}, labels {labelled.shape}; they must be the same.")
    apart = np.linalg.norm(predicted.astype(np.float64) - labelled.astype(np.float64), axis=-1)
    is_labelled = np.isfinite(labelled).all(-1)
    missed = is_labelled & ~np.isfinite(predicted).all(-1)
    return np.where(missed, np.inf, np.where(is_labelled, apart, np.nan))


def mean_error(apart: Floats) -> float:
    """Return the mean of the finite distances, NaN if there is none."""
    found = apart[np.isfinite(apart)]
    return float(found.mean()) if found.size else float("nan")


def root_mean_square(apart: Floats) -> float:
    """Return the root of the mean squared finite distance, NaN if there is none."""
    found = apart[np.isfinite(apart)]
    return float(np.sqrt(np.mean(found**2))) if found.size else float("nan")


def pck(apart: Floats, thresholds: Sequence[float] | Floats) -> Floats:
    """Return the share of labelled points that are at most so far off: a value, or a curve over thresholds.

    Parameters
    ----------
    apart : (...) float64
        From `distances`; a labelled point that was not predicted is never correct.
    thresholds : sequence of float
        Pixels.

    Returns
    -------
    (thresholds,) float64
        In [0, 1]; NaN if nothing is labelled.
    """
    counted = np.sort(apart[~np.isnan(apart)])
    if not counted.size:
        return np.full(len(thresholds), np.nan)
    return np.asarray(np.searchsorted(counted, np.asarray(thresholds, np.float64), side="right") / counted.size)


def auroc(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of `score` as predictor of `positive`, ties counting half.

    Parameters
    ----------
    score : (...) float
        Higher means positive. NaN counts as the lowest score.
    positive : (...) bool

    Returns
    -------
    float
        In [0, 1]; NaN if all are positive or none is.
    """
    is_positive = positive.ravel()
    values = np.nan_to_num(score.ravel().astype(np.float64), nan=-np.inf)
    n_positive = int(is_positive.sum())
    n_negative = is_positive.size - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    rank_sum = float(rankdata(values)[is_positive].sum())  # the Mann-Whitney U statistic, from ranks
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def score_poses(
    predicted: NDArray[np.floating],
    likelihood: NDArray[np.floating],
    labelled: NDArray[np.floating],
    *,
    names: Sequence[str],
    pcutoff: float,
    thresholds: Sequence[float],
    exists: NDArray[np.bool_] | None = None,
) -> Scores:
    """Return the scores of poses against labels, of all points together and of each body part.

    Parameters
    ----------
    predicted, labelled : (frames, individuals, keypoints, 2) float
        Pixels of the same image, NaN where absent.
    likelihood : (frames, individuals, keypoints) float
    names : sequence of str
        Of the keypoints.
    pcutoff : float
        A point counts as confident from this likelihood on.
    thresholds : sequence of float
        Pixels, for `pck`.
    exists : (individuals, keypoints) bool or None
        Pairs that are not there at all are neither labelled nor unlabelled.
    """
    apart = distances(predicted, labelled)
    counted = np.ones(apart.shape, bool) if exists is None else np.broadcast_to(exists, apart.shape)

    def scores(chosen: tuple[slice | int, ...]) -> Scores:
        use = counted[chosen]
        return _scores(apart[chosen][use], likelihood[chosen][use], pcutoff, thresholds)

    whole = scores((slice(None),))
    per_bodypart = {name: scores((slice(None), slice(None), k)) for k, name in enumerate(names)}
    return Scores(**{**vars(whole), "per_bodypart": per_bodypart})


def _scores(apart: Floats, likelihood: NDArray[np.floating], pcutoff: float, thresholds: Sequence[float]) -> Scores:
    is_labelled = ~np.isnan(apart)
    with np.errstate(invalid="ignore"):
        confident = apart[is_labelled & (likelihood >= pcutoff)]
    return Scores(
        points=int(is_labelled.sum()),
        points_pcutoff=confident.size,
        mean_px=mean_error(apart),
        rmse_px=root_mean_square(apart),
        mean_px_pcutoff=mean_error(confident),
        rmse_px_pcutoff=root_mean_square(confident),
        pck={float(at): float(share) for at, share in zip(thresholds, pck(apart, thresholds), strict=True)},
        auroc=auroc(likelihood, is_labelled),
    )
