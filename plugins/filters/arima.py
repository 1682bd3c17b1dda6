"""Replace each position by what an autoregressive moving-average model predicts from the frames before."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.statespace.sarimax import SARIMAX

from dlc_core.plugin_api import Track

_FEWEST = 11  # points; DeepLabCut fits no fewer


class Arima:
    """Fit ARMA(`ar_degree`, `ma_degree`) to x and to y and return the one-step predictions; the first frame is kept.

    Points below `p_bound` are missing values of the model, so that its predictions bridge them. A track with fewer than
    11 points is left as it is.

    Parameters
    ----------
    p_bound : float
    ar_degree, ma_degree : int

    References
    ----------
    Nath et al., Nature Protocols 2019: ``filterpredictions(filtertype='arima')``. The model, its likelihood and its
    predictions are those of `statsmodels.tsa.statespace.sarimax.SARIMAX` with ``simple_differencing=True``, as in
    DeepLabCut 3.0.2.
    """

    def __init__(self, p_bound: float, ar_degree: int, ma_degree: int) -> None:
        self.p_bound = p_bound
        self.order = (ar_degree, 0, ma_degree)

    def filter(self, track: Track) -> Track:
        """Return the track as the model predicts it; the likelihood is kept."""
        there = track.present(self.p_bound)
        if there.sum() < _FEWEST:
            warnings.warn(
                f"fewer than {_FEWEST} points have a likelihood of {self.p_bound} or more, so nothing was filtered",
                RuntimeWarning,
                stacklevel=2,
            )
            return track
        points = np.empty_like(track.points)
        for axis in (0, 1):
            found = self._predictions(np.where(there, track.points[:, axis], np.nan))
            points[:, axis] = track.points[:, axis] if found is None else found
        points[0] = track.points[0]
        return replace(track, points=points)

    def _predictions(self, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return E[x(t) | x(0), ..., x(t - 1)] in every frame, (frames,); None where there is no fit."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what statsmodels says of its starting values; the rest is told below
                fitted = self._fit(values)
        except (np.linalg.LinAlgError, ValueError) as exc:
            warnings.warn(f"a coordinate cannot be fitted and is left as it is: {exc}", RuntimeWarning, stacklevel=3)
            return None
        if not fitted.mle_retvals["converged"]:
            warnings.warn("the fit did not converge; its last step was used", RuntimeWarning, stacklevel=3)
        predicted: NDArray[np.float64] = fitted.get_prediction(end=len(values) - 1).predicted_mean
        known = np.isfinite(values[1:])
        off = float(np.abs(predicted[1:] - values[1:])[known].mean())
        if off > np.abs(values[1:] - np.nanmean(values))[known].mean():
            warnings.warn(
                "the model predicts worse than the mean would, and so do the filtered positions; take another filter",
                RuntimeWarning,
                stacklevel=3,
            )
        return predicted

    def _fit(self, values: NDArray[np.float64]) -> Any:
        """Return the fit of greatest likelihood; the fallbacks are those of DeepLabCut's ``FitSARIMAXModel``."""
        options: dict[str, Any] = {"disp": False, "cov_type": "none"}  # nobody asks how certain the parameters are
        model = SARIMAX(values, order=self.order, simple_differencing=True)
        try:
            return model.fit(**options)
        except ValueError:  # no starting values can be estimated
            start = np.array([1.0 if "sigma" in name else 0.0 for name in model.param_names])
            return model.fit(start_params=start, **options)
        except np.linalg.LinAlgError:  # not stationary, but its stationary distribution is asked for
            model = SARIMAX(
                values,
                order=self.order,
                simple_differencing=True,
                enforce_stationarity=False,
                enforce_invertibility=False,
                use_exact_diffuse=False,
            )
            return model.fit(**options)
