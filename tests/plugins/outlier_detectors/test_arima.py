"""Frames scored by their distance from an ARIMA model of the tracks; statsmodels and DeepLabCut's formula beside it."""

import csv
import functools
import warnings

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.arima import Arima, fit_series

from dlc_core.errors import ConfigError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.skeleton import Skeleton

OPTIONS = {"epsilon": 20.0, "p_bound": 0.01, "alpha": 0.01, "ar_degree": 3, "difference": 0, "ma_degree": 1}
FRAMES = 250  # of a video: enough to fit, and quick

SERIES = {
    "a hind paw": ("eks/mirror-mouse/180607_004.train_frames=75.rng=0.csv", 0),
    "its mirror image": ("eks/mirror-mouse/180607_004.train_frames=75.rng=0.csv", 4),
    "a front paw": ("eks/mirror-mouse/180607_004.train_frames=75.rng=1.csv", 2),
    "a pupil": ("eks/ibl-pupil/5285c561-80da-4563-8694-739da92e5dd0.left.rng=0.csv", 1),
    "a leg of a fly": ("eks/fly/05272019_fly4_0_R1C24_Cam-A_rot-ccw-0.06_sec.rng=0.csv", 2),
    "the same leg in another camera": ("eks/fly/05272019_fly4_0_R1C24_Cam-B_rot-ccw-0.06_sec.rng=0.csv", 2),
}


def score(points, likelihood=None, skeleton=None, counted=None, **options):
    """Return the scores of (frames, keypoints, 2) points of one animal."""
    names = Skeleton(tuple(f"part{k}" for k in range(points.shape[1]))) if skeleton is None else skeleton
    likely = np.ones(points.shape[:2]) if likelihood is None else likelihood
    poses = PoseFile.from_arrays(points[:, None], likely[:, None], names)
    every = np.ones(points.shape[1], bool) if counted is None else np.array(counted)
    return Arima(**{**OPTIONS, **options}, skeleton=names).score(DetectorInput(poses, every))


def real_series(data_folder, name):
    """Return x, y and likelihood, (frames, 3), of one keypoint of a real video."""
    file, keypoint = SERIES[name]
    with (data_folder / file).open() as table:
        rows = list(csv.reader(table))[3 : 3 + FRAMES]
    return np.array(rows, float)[:, 1 + 3 * keypoint : 4 + 3 * keypoint]


@functools.cache
def statsmodels_fit(series):
    """Return expectation, interval, log-likelihood and convergence of the protocol's model, asked of statsmodels."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = SARIMAX(np.array(series), order=(3, 0, 1), simple_differencing=True).fit(disp=False)
    prediction = result.get_prediction(end=result.model.nobs - 1)
    return prediction.predicted_mean, prediction.conf_int(alpha=0.01), result.llf, result.mle_retvals["converged"]


def walk(frames=200, keypoints=1, seed=0):
    steps = np.random.default_rng(seed).normal(0, 1, (frames, keypoints, 2))
    return (100 + np.cumsum(steps, axis=0)).astype(np.float32)


@pytest.mark.parametrize("name", list(SERIES))
def test_the_flags_of_a_real_series_are_those_of_statsmodels(data_folder, name):
    values = real_series(data_folder, name)
    points, unlikely = values[:, :2].astype(np.float32).astype(float), values[:, 2] < 0.01
    curves = score(points[:, None], values[:, None, 2]).curves
    mean = np.empty_like(points)
    for axis in range(2):
        series = np.where(unlikely, np.nan, points[:, axis])
        mean[:, axis], interval, likelihood, converged = statsmodels_fit(tuple(series))
        ours = fit_series(series, (3, 0, 1), 0.01)
        assert ours is not None
        assert ours.log_likelihood >= likelihood
        if not converged:  # we go on where it gave up
            mean[:, axis] = ours.mean
            continue
        assert ours.log_likelihood == likelihood
        np.testing.assert_array_equal(ours.mean, mean[:, axis])
        np.testing.assert_array_equal(np.stack([ours.lower, ours.upper], axis=1), interval)
        np.testing.assert_array_equal(curves["fit"][:, 0, 0, axis], mean[:, axis].astype(np.float32))
    distance = np.sqrt(((points - mean) ** 2).sum(axis=1))  # of `compute_deviations`
    epsilon = float(np.quantile(distance, 0.9))
    found = score(points[:, None], values[:, None, 2], epsilon=epsilon).outliers()
    assert found.tolist() == np.flatnonzero(distance > epsilon).tolist()
    assert len(found) == FRAMES / 10


def test_a_point_that_leaves_its_track_is_far_from_the_fit_and_lies_outside_the_interval():
    points = walk(keypoints=2)
    points[120, 1] += 90
    found = score(points)
    assert found.outliers().tolist() == [0, 120], "the model has no past in the first frame"
    assert found.threshold == 20.0 and found.higher_is_worse and found.score.dtype == np.float32
    curves = {name: curve[120, 0, 1] for name, curve in found.curves.items()}
    assert (curves["lower"] < curves["fit"]).all() and (curves["fit"] < curves["upper"]).all()
    assert (points[120, 1] > curves["upper"]).all()
    assert found.score[120] == pytest.approx(found.curves["distance"][120, 0].mean())


def test_an_unlikely_detection_is_missing_for_the_fit_but_its_distance_counts():
    points, likelihood = walk(), np.ones((200, 1))
    points[120] += 90
    likelihood[120] = 0.001
    found = score(points, likelihood)
    assert set(found.outliers()) == {0, 120}, "the frame after it is expected from those before"
    assert found.score[120] > 100
    np.testing.assert_array_equal(score(points, np.full((200, 1), 0.01)).score, score(points).score)


def test_absent_points_are_left_out_of_the_mean_of_their_frame():
    points = walk(keypoints=2)
    points[50, 0] = np.nan
    points[60] = np.nan
    points[70:, 1] = np.nan
    found = score(points)
    both = found.curves["distance"][:, 0]
    assert found.score[50] == both[50, 1] and found.score[80] == both[80, 0]
    assert np.isnan(found.score[60]) and np.isfinite(np.delete(found.score, 60)).all()
    assert 60 not in found.outliers()


def test_only_keypoints_that_count_and_have_eleven_likely_detections_are_fitted():
    points = walk(keypoints=3)
    likelihood = np.ones((200, 3))
    likelihood[10:, 1] = 0.0
    found = score(points, likelihood, counted=(True, True, False))
    assert np.isfinite(found.curves["distance"]).all(axis=0)[0].tolist() == [True, False, False]
    np.testing.assert_array_equal(found.score, found.curves["distance"][:, 0, 0])
    assert np.isnan(score(points, counted=(False, False, False)).score).all()
    assert np.isnan(score(points[:10]).score).all()


@pytest.mark.parametrize("value", [0.0, 250.0])
def test_a_point_that_never_moves_is_no_outlier_after_the_first_frame(value):
    points = np.full((60, 1, 2), value, np.float32)
    assert set(score(points).outliers()) <= {0}


def test_a_differenced_model_follows_a_drift():
    points = np.stack([np.arange(150.0) * 40, np.arange(150.0)], axis=-1)[:, None] + walk(150) - 100
    assert len(score(points, ar_degree=1, ma_degree=0, difference=1).outliers()) <= 3
    found = fit_series(points[:, 0, 0].astype(float), (1, 1, 0), 0.05)
    assert found is not None and found.converged and len(found.mean) == 150


def test_what_statsmodels_gives_up_is_carried_on_and_a_line_says_what_stays_so(capsys):
    points = walk(60)
    points[..., 0] = 250.0  # a likelihood without bounds
    series = points[:, 0, 0].astype(float)
    ours, (_, _, likelihood, converged) = fit_series(series, (3, 0, 1), 0.01), statsmodels_fit(tuple(series))
    assert not converged
    assert ours is not None and not ours.converged and ours.log_likelihood > likelihood
    score(points)
    assert "1 fit of 2 did not converge (part0 x)" in capsys.readouterr().err


def test_body_parts_that_cannot_be_fitted_are_named(capsys):
    likelihood = np.ones((60, 2))
    score(walk(60, keypoints=2), likelihood)
    assert "not fitted" not in capsys.readouterr().err
    likelihood[10:, 1] = 0.0
    score(walk(60, keypoints=2), likelihood)
    assert "part1 was not fitted and counts in no frame: fewer than 11 detections" in capsys.readouterr().err


def test_a_fit_that_overflowed_is_no_improvement():
    series = 1e6 + np.random.default_rng(0).normal(0, 1, 120)
    found = fit_series(series, (3, 0, 1), 0.01)
    assert found is not None
    assert np.abs(series - found.mean)[5:].max() < 20, "more iterations end at a likelihood of 0 and expect 0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "detector.alpha is 0.0"),
        ({"ar_degree": -1}, "detector.ar_degree is -1"),
        ({"ar_degree": 0, "ma_degree": 0}, "both 0"),
    ],
)
def test_an_option_outside_its_range_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        score(walk(20), **options)
