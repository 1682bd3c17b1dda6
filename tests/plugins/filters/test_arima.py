"""ARMA predictions are those of statsmodels, asked as DeepLabCut asks it."""

import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

from dlc_core.filtering.structures import Track


@pytest.fixture
def short(recording):
    return Track(recording.track.points[:150], recording.track.likelihood[:150], 30.0)


@pytest.mark.filterwarnings("ignore")
def test_each_coordinate_is_the_one_step_prediction_of_sarimax_and_the_first_frame_is_kept(build, short):
    smooth = build("arima", p_bound=0.02, ar_degree=2, ma_degree=1).filter(short)
    for axis in (0, 1):
        series = short.points[:, axis].copy()
        series[short.likelihood < 0.02] = np.nan
        model = SARIMAX(series, order=(2, 0, 1), seasonal_order=(0, 0, 0, 0), simple_differencing=True)
        expected = model.fit(disp=False).get_prediction(end=model.nobs - 1).predicted_mean
        np.testing.assert_allclose(smooth.points[1:, axis], expected[1:], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(smooth.points[0], short.points[0])
    np.testing.assert_array_equal(smooth.likelihood, short.likelihood)


@pytest.mark.filterwarnings("ignore")
def test_wild_points_are_bridged(build, short, recording):
    smooth = build("arima").filter(short)
    wild = np.flatnonzero(recording.wild[1:150]) + 1
    assert np.linalg.norm(smooth.points[wild] - recording.truth[wild], axis=1).max() < 12
    assert np.linalg.norm(short.points[wild] - recording.truth[wild], axis=1).mean() > 40


def test_with_too_few_points_the_track_stays_and_that_is_said(build, short):
    track = Track(short.points, np.where(np.arange(150) < 10, 1, 0).astype(np.float32), 30.0)
    with pytest.warns(RuntimeWarning, match=r"fewer than 11 points have a likelihood of 0\.01 or more"):
        smooth = build("arima").filter(track)
    np.testing.assert_array_equal(smooth.points, track.points)


def test_a_fit_that_is_worse_than_none_is_said(build, short, monkeypatch):
    from dlc_plugins.filters.arima import Arima

    degenerate = SARIMAX(short.points[:, 1], order=(3, 0, 1), simple_differencing=True).smooth([0, 0, 0, 0, 1])
    degenerate.mle_retvals = {"converged": True}  # as statsmodels says of degenerate fits to real tracks
    monkeypatch.setattr(Arima, "_fit", lambda *_: degenerate)
    with pytest.warns(RuntimeWarning, match="predicts worse than the mean would"):
        build("arima").filter(short)


def test_a_coordinate_that_cannot_be_fitted_stays_as_it_is_in_every_frame(build, short):
    likelihood = np.ones(150, np.float32)
    likelihood[40] = 0
    track = Track(short.points * (1e200, 1), likelihood, 30.0)  # too large for any fit
    with pytest.warns(RuntimeWarning, match="a coordinate cannot be fitted and is left as it is"):
        smooth = build("arima").filter(track)
    np.testing.assert_array_equal(smooth.points[:, 0], track.points[:, 0])
    assert np.isfinite(smooth.points).all() and (smooth.points[1:, 1] != track.points[1:, 1]).all()
