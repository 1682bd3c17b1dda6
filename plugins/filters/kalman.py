"""Steady motion and noisy detections, weighed against each other: a Kalman filter and a smoother back through time."""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.optimize import minimize_scalar
from statsmodels.tsa.statespace.kalman_smoother import SMOOTHER_STATE, SMOOTHER_STATE_COV, KalmanSmoother

from dlc_core.plugin_api import Track

from . import Motion

_FEWEST = 10  # points, of which two or three only place the state
_LEARNT_FROM = 10_000  # frames
_RATIOS = (1e-4, 1e2)  # process noise to measurement noise, in pixels a frame (or a squared frame) and pixels
_PRECISE = {"xatol": 0.01}  # a ratio to one per cent
_SMALLEST = 1e-3  # px; single precision holds coordinates no better
_FREEDOM = 4.0  # of Student's t
_ROUNDS, _SETTLED = 20, 0.01  # until no weight changes by more
_NEARBY = 11  # frames, twice as long as most detections gone astray
_MEDIAN_OF_CHI2 = 2 * math.log(2)  # with two degrees of freedom: of the squared distance in two dimensions

Floats = NDArray[np.float64]


class Kalman:
    """Smooth x and y with a model of nearly constant velocity, or acceleration.

    The state is position, velocity (and acceleration); white noise drives the last one. A detection is the position
    plus noise of variance ``measurement_noise ** 2 / likelihood``: one of likelihood 0.25 counts a quarter of one of
    likelihood 1. Below `p_bound` it is missing. The Kalman filter runs forward, the Rauch-Tung-Striebel smoother back,
    from an exact diffuse start: nothing is assumed about the first position and velocity.

    If `robust`, the noise has the heavy tails of Student's t (4 degrees of freedom) instead of Gaussian ones, so that a
    confident detection far off the way hardly counts. This is the same smoother, repeated: each time a detection counts
    by the weight that its distance from the last estimate leaves it.

    Noise that is not given is what makes the track most likely (x and y share it), over the 10,000 frames with the most
    points. Positions whose standard deviation exceeds `max_sd` are NaN. A track with fewer than 10 points, or one that
    never moves, is left as it is.

    Parameters
    ----------
    motion : Motion
    p_bound : float
    robust : bool
    measurement_noise, process_noise : float or None
        Standard deviations in pixels, and in pixels a frame (or a squared frame) from one frame to the next.
    max_sd : float
        Pixels.

    References
    ----------
    Rauch, Tung, Striebel: Maximum likelihood estimates of linear dynamic systems. AIAA Journal 3, 1445-1450 (1965).
    Bar-Shalom, Li, Kirubarajan: Estimation with Applications to Tracking and Navigation (2001), sections 6.2.2 and
    6.2.3: continuous white-noise acceleration and Wiener-process acceleration. Durbin, Koopman: Time Series Analysis
    by State Space Methods (2012), sections 5.2 (diffuse start), 7.2 and 2.10 (likelihood, its scale concentrated out).
    Lange, Little, Taylor: Robust statistical modeling using the t distribution. Journal of the American Statistical
    Association 84, 881-896 (1989): the weights of the EM algorithm, and 4 degrees of freedom.
    """

    def __init__(
        self,
        motion: Motion,
        p_bound: float,
        robust: bool,
        measurement_noise: float | None,
        process_noise: float | None,
        max_sd: float,
    ) -> None:
        self.order = 2 if motion is Motion.velocity else 3
        self.p_bound = p_bound
        self.robust = robust
        self.measurement_noise = measurement_noise
        self.process_noise = process_noise
        self.max_sd = max_sd

    def filter(self, track: Track) -> Track:
        """Return the smoothed track, also where points were missing; the likelihood is kept."""
        there = track.present(self.p_bound)
        known = track.points[there]
        if len(known) < _FEWEST:
            warnings.warn(
                f"fewer than {_FEWEST} points have a likelihood of {self.p_bound} or more, so nothing was filtered",
                RuntimeWarning,
                stacklevel=2,
            )
            return track
        if np.ptp(known, axis=0).max() < _SMALLEST:
            return track
        likelihood = np.nan_to_num(track.likelihood.astype(np.float64), nan=1.0)
        doubt = np.where(there, 1 / np.maximum(likelihood, 1e-6), 1.0)  # variance, relative to likelihood 1
        centre = np.median(known, axis=0)
        observed = np.where(there[:, None], track.points - centre, np.nan)
        position, variance = self._smoothed(observed, doubt)
        position[variance > self.max_sd**2] = np.nan
        return replace(track, points=position + centre)

    def _smoothed(self, observed: Floats, doubt: Floats) -> tuple[Floats, Floats]:
        """Return positions, (frames, 2), and their variance, (frames,) pixels squared, the same for x and y."""
        weight = _first_weight(observed) if self.robust else np.ones(len(doubt))
        for _ in range(_ROUNDS if self.robust else 1):
            measurement, process = self._noise(observed, doubt / weight)
            position, variance = _smooth(observed, doubt / weight * measurement**2, self.order, process)
            if self.robust:
                squares = np.square(observed - position).sum(axis=1) + 2 * variance
                last, weight = weight, _weight(squares / (doubt * measurement**2))
                if np.abs(weight - last).max() < _SETTLED:
                    break
        return position, variance

    def _noise(self, observed: Floats, doubt: Floats) -> tuple[float, float]:
        """Return the standard deviations of measurement and process, in pixels and pixels a (squared) frame."""
        measurement, process = self.measurement_noise, self.process_noise
        if measurement is not None and process is not None:
            return measurement, process
        part = _densest(np.isfinite(observed[:, 0]), _LEARNT_FROM)
        observed, doubt = observed[part], doubt[part]

        def surprise(log_ratio: float) -> tuple[float, float]:
            """Return -2 log likelihood less its constants, and the variance of the measurement that goes with it."""
            ratio = float(np.exp(log_ratio))
            errors, variances = _innovations(observed, doubt, self.order, ratio)
            squares, logs, count = float((errors**2 / variances).sum()), float(np.log(variances).sum()), errors.size
            if measurement is not None:
                scale = measurement**2
            elif process is not None:
                scale = (process / ratio) ** 2
            else:
                scale = max(squares / count, _SMALLEST**2)
            return count * float(np.log(scale)) + squares / scale + logs, scale

        best = minimize_scalar(
            lambda x: surprise(x)[0], bounds=tuple(np.log(_RATIOS)), method="bounded", options=_PRECISE
        )
        found = float(np.sqrt(surprise(best.x)[1]))
        return found, found * float(np.exp(best.x))


def _weight(squares: Floats) -> Floats:
    """Return how much detections count, (frames,), given squared distances in variances; 1 where there is none."""
    return np.where(np.isnan(squares), 1.0, (_FREEDOM + 2) / (_FREEDOM + squares))


def _first_weight(observed: Floats) -> Floats:
    """Return weights to begin with, from the distance to the median over `_NEARBY` frames."""
    frames, there = np.arange(len(observed)), np.isfinite(observed[:, 0])
    filled = np.stack([np.interp(frames, frames[there], column[there]) for column in observed.T], axis=1)
    squares = np.square(observed - median_filter(filled, (_NEARBY, 1), mode="nearest")).sum(axis=1)
    return _weight(squares / max(float(np.nanmedian(squares)) / _MEDIAN_OF_CHI2, _SMALLEST**2))


def _smooth(observed: Floats, variances: Floats, order: int, process: float) -> tuple[Floats, Floats]:
    """Return smoothed positions, (frames, 2), and their variance, (frames,), of measurements with `variances`."""
    position, variance = np.empty_like(observed), np.empty(len(observed))
    for axis in (0, 1):
        smoothed = _model(observed[:, axis], variances, order, process).smooth()
        position[:, axis], variance = smoothed.smoothed_state[0], smoothed.smoothed_state_cov[0, 0]
    return position, variance


def _densest(there: NDArray[np.bool_], length: int) -> slice:
    """Return the run of at most `length` frames that holds the most points."""
    if len(there) <= length:
        return slice(None)
    total = np.concatenate([[0], np.cumsum(there)])
    start = int(np.argmax(total[length:] - total[:-length]))
    return slice(start, start + length)


def _innovations(observed: Floats, doubt: Floats, order: int, ratio: float) -> tuple[Floats, Floats]:
    """Return one-step errors of x and y and their variances, for a measurement noise of 1; (points, 2) each.

    The points that only place the state have none.
    """
    errors, variances = [], []
    for axis in (0, 1):
        found = _model(observed[:, axis], doubt, order, ratio).filter()
        counts = np.isfinite(observed[:, axis]) & (np.arange(len(observed)) >= found.nobs_diffuse)
        errors.append(found.forecasts_error[0, counts])
        variances.append(found.forecasts_error_cov[0, 0, counts])
    return np.stack(errors, axis=1), np.stack(variances, axis=1)


def _model(values: Floats, variances: Floats, order: int, process: float) -> Any:
    """Return the model of one coordinate, (frames,), with the variance of each measurement in pixels squared."""
    transition, noise = _dynamics(order)
    model = KalmanSmoother(
        k_endog=1, k_states=order, k_posdef=order, smoother_output=SMOOTHER_STATE | SMOOTHER_STATE_COV
    )
    model.bind(np.ascontiguousarray(values))
    model["design"] = np.eye(1, order)
    model["obs_cov"] = np.ascontiguousarray(variances)[None, None]
    model["transition"] = transition
    model["selection"] = np.eye(order)
    model["state_cov"] = process**2 * noise
    model.initialize("diffuse")
    return model


@functools.cache
def _dynamics(order: int) -> tuple[Floats, Floats]:
    """Return the transition of one frame and the covariance of its noise, for a derivative driven by unit white noise.

    Bar-Shalom et al., sections 6.2.2 (order 2) and 6.2.3 (order 3), with a sampling time of one frame.
    """
    if order == 2:
        return np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]])
    transition = np.array([[1.0, 1.0, 0.5], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    return transition, np.array([[1 / 20, 1 / 8, 1 / 6], [1 / 8, 1 / 3, 1 / 2], [1 / 6, 1 / 2, 1.0]])
