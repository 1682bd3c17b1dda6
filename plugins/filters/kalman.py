"""Steady motion and noisy detections, weighed against each other: a Kalman filter and a smoother back through time."""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from statsmodels.tsa.statespace.kalman_smoother import SMOOTHER_STATE, SMOOTHER_STATE_COV, KalmanSmoother

from dlc_core.plugin_api import Track

from . import Motion

_FEWEST = 10  # points, of which two or three only place the state
_LEARNT_FROM = 10_000  # frames
_RATIOS = (1e-4, 1e2)  # process noise to measurement noise, in pixels a frame (or a squared frame) and pixels
_SMALLEST = 1e-3  # px; single precision holds coordinates no better

Floats = NDArray[np.float64]


class Kalman:
    """Smooth x and y with a model of nearly constant velocity, or acceleration.

    The state is position, velocity (and acceleration); white noise drives the last one. A detection is the position
    plus noise of variance ``measurement_noise ** 2 / likelihood``: one of likelihood 0.25 counts a quarter of one of
    likelihood 1. Below `p_bound` it is missing. The Kalman filter runs forward, the Rauch-Tung-Striebel smoother back,
    from an exact diffuse start: nothing is assumed about the first position and velocity.

    Noise that is not given is what makes the track most likely (x and y share it), over the 10,000 frames with the most
    points. Positions whose standard deviation exceeds `max_sd` are NaN. A track with fewer than 10 points, or one that
    never moves, is left as it is.

    Parameters
    ----------
    motion : Motion
    p_bound : float
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
    """

    def __init__(
        self,
        motion: Motion,
        p_bound: float,
        measurement_noise: float | None,
        process_noise: float | None,
        max_sd: float,
    ) -> None:
        self.order = 2 if motion is Motion.velocity else 3
        self.p_bound = p_bound
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
        measurement, process = self._noise(observed, doubt)
        position, variance = np.empty_like(observed), np.empty_like(observed)
        for axis in (0, 1):
            model = _model(observed[:, axis], doubt * measurement**2, self.order, process)
            smoothed = model.smooth()
            position[:, axis], variance[:, axis] = smoothed.smoothed_state[0], smoothed.smoothed_state_cov[0, 0]
        position[(variance > self.max_sd**2).any(axis=1)] = np.nan
        return replace(track, points=position + centre)

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

        best = minimize_scalar(lambda x: surprise(x)[0], bounds=tuple(np.log(_RATIOS)), method="bounded")
        found = float(np.sqrt(surprise(best.x)[1]))
        return found, found * float(np.exp(best.x))


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
