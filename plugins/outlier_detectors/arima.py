"""Frames that lie far from what a time-series model expects, the protocol's ``fitting``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import counted, progress, warn
from dlc_core.errors import ConfigError
from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.skeleton import Skeleton

_FEWEST_POINTS = 11  # DeepLabCut fits a coordinate only if more than 10 of its frames are there
_MORE_ITERATIONS = 200  # after the 50 of statsmodels, for a fit that has not converged


@dataclass(frozen=True)
class SeriesFit:
    """What a model expects of one coordinate, each frame from the frames before it.

    Parameters
    ----------
    mean, lower, upper : (frames,) float64
        Pixels: the expectation and the limits of its interval.
    log_likelihood : float
        Of the model, in nats.
    converged : bool
        Whether the maximum of the likelihood was found.
    """

    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    log_likelihood: float
    converged: bool


class Arima:
    """Score a frame by the mean distance of its keypoints from an ARIMA model of their tracks, in pixels.

    x and y of each keypoint are one model each, ARIMA(`ar_degree`, `difference`, `ma_degree`), fitted by the exact
    likelihood of its state-space form, in which a detection below `p_bound` is a missing value. What the model expects
    of a frame follows from the frames before it; the distance is that of the detection, also of an unlikely one, from
    this expectation. As in DeepLabCut the model has no constant, so it expects the first frame at the origin, and the
    first frame is always an outlier.

    The estimates are those of statsmodels' own optimiser. Where it gives up before it has converged, it goes on with
    more iterations, and what is more likely is kept.

    Parameters
    ----------
    epsilon : float
        A frame whose mean distance is above this many pixels is an outlier.
    p_bound : float
        A detection less likely than this is a missing value.
    alpha : float
        Of the interval in `FrameScores.curves`: 0.01 for 99 %. It flags nothing.
    ar_degree, difference, ma_degree : int
        The order (p, d, q) of the model.
    skeleton : Skeleton
        Which keypoints exist.

    Raises
    ------
    ConfigError
        An option is outside its range.

    References
    ----------
    Nath et al., Nature Protocols 2019, "Extract outlier frames", ``outlieralgorithm='fitting'``, and Fig. 6a.
    DeepLabCut 3.0.2, ``refine_training_dataset/outlier_frames.py``: ``FitSARIMAXModel``, ``compute_deviations``.
    Durbin & Koopman, Time Series Analysis by State Space Methods, 2nd ed. 2012, sections 4.10 (missing values) and 7.2
    (exact likelihood).
    """

    needs: frozenset[str] = frozenset()

    def __init__(
        self,
        epsilon: float,
        p_bound: float,
        alpha: float,
        ar_degree: int,
        difference: int,
        ma_degree: int,
        skeleton: Skeleton,
    ) -> None:
        if not 0 < alpha < 1:
            raise ConfigError(f"detector.alpha is {alpha}; a number between 0 and 1 is needed.")
        order = {"ar_degree": ar_degree, "difference": difference, "ma_degree": ma_degree}
        for name, degree in order.items():
            if degree < 0:
                raise ConfigError(f"detector.{name} is {degree}; a whole number of at least 0 is needed.")
        if ar_degree + ma_degree == 0:
            raise ConfigError("detector.ar_degree and detector.ma_degree are both 0; one of them must be at least 1.")
        self.epsilon, self.p_bound, self.alpha = epsilon, p_bound, alpha
        self.order = (ar_degree, difference, ma_degree)
        self.exists = skeleton.exists
        self.keypoints = skeleton.keypoints

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return the mean distance of each frame, (frames,) float32 pixels, and what was fitted as curves.

        A keypoint with fewer than 11 likely detections is not fitted and counts in no frame, and an absent one not in
        its frame; NaN for a frame without any.
        """
        file = poses.poses
        chosen = [(int(i), int(k)) for i, k in np.argwhere(self.exists & poses.bodyparts)]
        shape = (file.frame_count, *self.exists.shape)
        curves = {name: np.full((*shape, 2), np.nan, np.float32) for name in ("fit", "lower", "upper")}
        curves["distance"] = np.full(shape, np.nan, np.float32)
        total, number = np.zeros(shape[0]), np.zeros(shape[0])
        unconverged: list[str] = []
        unfitted: list[str] = []
        with progress("Fitting", len(chosen), "keypoints") as advance:
            for place in chosen:
                points = np.asarray(file.keypoints[:, *place], np.float64)
                fits = self._fit(points, file.likelihood[:, *place])
                distance = np.linalg.norm(points - fits.mean, axis=-1)
                total += np.nan_to_num(distance)
                number += np.isfinite(distance)
                for name, values in (("fit", fits.mean), ("lower", fits.lower), ("upper", fits.upper)):
                    curves[name][:, *place] = values
                curves["distance"][:, *place] = distance
                unfitted += [self.keypoints[place[1]]] * (not np.isfinite(fits.mean).all(axis=1).any())
                unconverged += [f"{self.keypoints[place[1]]} {axis}" for axis in fits.unconverged]
                advance(1)
        if unconverged:
            warn(
                f"{counted(len(unconverged), 'fit')} of {2 * len(chosen)} did not converge "
                f"({', '.join(unconverged[:6])}{', ...' * (len(unconverged) > 6)}); the most likely estimate is used."
            )
        if unfitted:
            warn(
                f"{', '.join(unfitted)} {'was' if len(unfitted) == 1 else 'were'} not fitted and "
                f"{'counts' if len(unfitted) == 1 else 'count'} in no frame: fewer than {_FEWEST_POINTS} detections "
                f"are as likely as detector.p_bound={self.p_bound:g}, or no model is found."
            )
        mean = np.divide(total, number, out=np.full(shape[0], np.nan), where=number > 0)
        return FrameScores(mean.astype(np.float32), self.epsilon, curves=curves)

    def _fit(self, points: NDArray[np.float64], likelihood: NDArray[np.float32]) -> _PointFit:
        """Return the fits of x and y of one keypoint, side by side; NaN where there is too little to fit."""
        nothing = np.full(points.shape, np.nan)
        fitted = _PointFit(nothing.copy(), nothing.copy(), nothing.copy())
        for axis, letter in enumerate("xy"):
            series = np.where(likelihood < self.p_bound, np.nan, points[:, axis])
            found = fit_series(series, self.order, self.alpha)
            if found is not None:
                fitted.mean[:, axis] = found.mean
                fitted.lower[:, axis], fitted.upper[:, axis] = found.lower, found.upper
                fitted.unconverged.extend([letter] * (not found.converged))
        return fitted


@dataclass(frozen=True)
class _PointFit:
    """The fits of x and y of a keypoint, (frames, 2) float64 each, and which of them did not converge."""

    mean: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    unconverged: list[str] = field(default_factory=list)


def fit_series(series: NDArray[np.float64], order: tuple[int, int, int], alpha: float) -> SeriesFit | None:
    """Return what an ARIMA model expects of each value of a series, or None if too few values are there to fit it.

    Parameters
    ----------
    series : (frames,) float64
        NaN where missing.
    order : (int, int, int)
        Autoregressive degree, differences, moving-average degree.
    alpha : float
        The interval holds a value with probability 1 - `alpha`.
    """
    if np.isfinite(series).sum() < _FEWEST_POINTS:
        return None
    import_module("statsmodels.tsa.statespace.sarimax")  # now: its import has its warnings always shown
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of what is handled here
        try:
            result = _estimate(series, order)
        except (np.linalg.LinAlgError, ValueError):
            return None
        prediction = result.get_prediction()
        mean, interval = prediction.predicted_mean, prediction.conf_int(alpha=alpha)
    return SeriesFit(mean, interval[:, 0], interval[:, 1], float(result.llf), _has_converged(result))


def _estimate(series: NDArray[np.float64], order: tuple[int, int, int]) -> Any:
    """Return statsmodels' results, with DeepLabCut's two ways out where the optimiser fails."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    model = SARIMAX(series, order=order)
    options: dict[str, Any] = {"disp": False, "cov_type": "none"}  # nobody asks for the covariance of the parameters
    try:
        result = model.fit(**options)
        relax = not _is_sound(result)
    except ValueError:  # the automatic starting point is none; begin with white noise
        result = model.fit(start_params=[float(name == "sigma2") for name in model.param_names], **options)
        relax = not _is_sound(result)
    except np.linalg.LinAlgError:
        relax = True
    if relax:  # the best model is not stationary: let it be so
        model = SARIMAX(
            series, order=order, enforce_stationarity=False, enforce_invertibility=False, use_exact_diffuse=False
        )
        result = model.fit(**options)
    if _has_converged(result):
        return result
    try:
        longer = model.fit(start_params=result.params, maxiter=_MORE_ITERATIONS, **options)
    except (np.linalg.LinAlgError, ValueError):
        return result
    return longer if _is_sound(longer) and longer.llf >= result.llf else result


def _is_sound(result: Any) -> bool:
    """Tell whether the filter ran through: at the edge of stationarity it may overflow and leave a likelihood of 0."""
    return bool(np.isfinite(result.llf) and np.any(result.llf_obs != 0))


def _has_converged(result: Any) -> bool:
    return bool(result.mle_retvals["converged"])
