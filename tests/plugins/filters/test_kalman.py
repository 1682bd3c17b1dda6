"""The Kalman smoother equals one that is written out here, and weighted least squares."""

import numpy as np
import pytest

from dlc_core.filtering.structures import Track

MATRICES = {
    "velocity": ([[1, 1], [0, 1]], [[1 / 3, 1 / 2], [1 / 2, 1]]),
    "acceleration": (
        [[1, 1, 1 / 2], [0, 1, 1], [0, 0, 1]],
        [[1 / 20, 1 / 8, 1 / 6], [1 / 8, 1 / 3, 1 / 2], [1 / 6, 1 / 2, 1]],
    ),
}


def rauch_tung_striebel(series, variances, transition, noise):
    """Return smoothed positions and their variances, (frames,), by the textbook recursions; NaN is missing."""
    order = len(transition)
    mean, covariance = np.zeros(order), np.eye(order) * 1e7  # as good as nothing known
    predicted, filtered = [], []
    for value, variance in zip(series, variances, strict=True):
        predicted.append((mean, covariance))
        if np.isfinite(value):
            gain = covariance[:, 0] / (covariance[0, 0] + variance)
            keep = np.eye(order)
            keep[:, 0] -= gain
            mean = mean + gain * (value - mean[0])
            covariance = keep @ covariance @ keep.T + variance * np.outer(gain, gain)
        filtered.append((mean, covariance))
        mean, covariance = transition @ mean, transition @ covariance @ transition.T + noise
    smooth = [filtered[-1]]
    for (mean, covariance), (mean_next, covariance_next) in zip(filtered[-2::-1], predicted[:0:-1], strict=True):
        back = covariance @ transition.T @ np.linalg.inv(covariance_next)
        smooth.append(
            (
                mean + back @ (smooth[-1][0] - mean_next),
                covariance + back @ (smooth[-1][1] - covariance_next) @ back.T,
            )
        )
    smooth.reverse()
    return np.array([mean[0] for mean, _ in smooth]), np.array([covariance[0, 0] for _, covariance in smooth])


@pytest.mark.parametrize("motion", ["velocity", "acceleration"])
def test_it_is_the_smoother_of_rauch_tung_and_striebel(build, recording, motion):
    track = Track(recording.track.points[:200], recording.track.likelihood[:200], 30.0)
    smooth = build("kalman", motion=motion, robust=False, measurement_noise=2.0, process_noise=0.3, max_sd=1e9).filter(
        track
    )
    transition, noise = (np.array(matrix, float) for matrix in MATRICES[motion])
    for axis in (0, 1):
        centred = track.points[:, axis] - track.points[:, axis].mean()
        series = np.where(track.likelihood < 0.1, np.nan, centred)
        position, _ = rauch_tung_striebel(series, 4.0 / track.likelihood, transition, 0.09 * noise)
        # the textbook start is vague, ours diffuse: they differ by the variance of a point over 1e7
        np.testing.assert_allclose(smooth.points[:, axis] - track.points[:, axis].mean(), position, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(smooth.likelihood, track.likelihood)


def test_positions_that_are_less_certain_than_max_sd_are_left_empty(build, recording):
    track = Track(recording.track.points[:200].copy(), recording.track.likelihood[:200], 30.0)
    track.points[60:130] = np.nan
    options = {"robust": False, "measurement_noise": 2.0, "process_noise": 0.3}
    smooth = build("kalman", max_sd=15.0, **options).filter(track).points
    transition, noise = (np.array(matrix, float) for matrix in MATRICES["velocity"])
    series = np.where(track.likelihood < 0.1, np.nan, track.points[:, 0])
    _, variance = rauch_tung_striebel(series, 4.0 / track.likelihood, transition, 0.09 * noise)
    empty = np.isnan(smooth[:, 0])
    assert empty.any()
    assert not empty[:62].any()
    np.testing.assert_array_equal(empty, variance > 15**2)
    assert np.isfinite(build("kalman", max_sd=1e9, **options).filter(track).points).all()


def test_a_line_in_any_noise_ends_at_the_weighted_least_squares_line(build):
    rng = np.random.default_rng(3)
    t = np.arange(80.0)
    likelihood = rng.uniform(0.2, 1, 80).astype(np.float32)
    points = np.stack([5 + 2 * t, 90 - t], axis=1) + rng.normal(0, 3, (80, 2))
    smooth = build("kalman", robust=False, measurement_noise=3.0, process_noise=1e-6).filter(
        Track(points, likelihood, 30.0)
    )
    for axis in (0, 1):
        line = np.polyfit(t, points[:, axis], 1, w=np.sqrt(likelihood))  # polyfit weighs residuals, not squares
        np.testing.assert_allclose(smooth.points[:, axis], np.polyval(line, t), rtol=0, atol=1e-2)


def test_noise_that_is_not_given_is_found(build):
    rng = np.random.default_rng(1)
    frames, measurement, process = 4000, 2.0, 0.4
    transition, noise = (np.array(matrix, float) for matrix in MATRICES["velocity"])
    drive = rng.multivariate_normal([0, 0], process**2 * noise, (frames, 2))
    state, truth = np.zeros((2, 2)), np.empty((frames, 2))
    for t in range(frames):
        truth[t] = state[:, 0]
        state = state @ transition.T + drive[t]
    likelihood = rng.uniform(0.3, 1, frames).astype(np.float32)
    points = truth + rng.normal(0, measurement, truth.shape) / np.sqrt(likelihood)[:, None]
    kalman = build("kalman", robust=False)
    found = kalman._noise(points, 1 / likelihood)
    assert found == pytest.approx((measurement, process), rel=0.1)  # 8,000 values tell both to a few per cent
    with_one = build("kalman", measurement_noise=measurement)._noise(points, 1 / likelihood)
    assert with_one == (measurement, pytest.approx(process, rel=0.1))
    with_other = build("kalman", process_noise=process)._noise(points, 1 / likelihood)
    assert with_other == (pytest.approx(measurement, rel=0.1), pytest.approx(process))
    smooth = kalman.filter(Track(points, likelihood, 30.0)).points
    best = build("kalman", robust=False, measurement_noise=measurement, process_noise=process).filter(
        Track(points, likelihood, 30.0)
    )
    error = [np.linalg.norm(one - truth, axis=1).mean() for one in (points, smooth, best.points)]
    assert error[1] < 0.6 * error[0]
    assert error[1] == pytest.approx(error[2], rel=0.02)


def test_confident_detections_far_off_the_way_hardly_count(build, recording):
    """The noise of the recording without its wild points; these are as likely as all others here."""
    certain = Track(recording.track.points, np.full(600, 0.9, np.float32), 30.0)
    gone = Track(np.where(recording.wild[:, None], np.nan, certain.points), certain.likelihood, 30.0)
    robust, gaussian = build("kalman"), build("kalman", robust=False)
    best = recording.error(gaussian.filter(gone).points)
    assert recording.error(robust.filter(certain).points) < 1.1 * best
    assert recording.error(gaussian.filter(certain).points) > 2 * best
    assert recording.error(robust.filter(gone).points) < 1.05 * best  # and where all is well it costs little


def test_a_robust_estimate_is_the_smoother_with_the_weights_that_it_leaves(build, recording):
    track = Track(recording.track.points[:150], np.full(150, 0.5, np.float32), 30.0)
    smooth = build("kalman", measurement_noise=2.0, process_noise=0.3).filter(track).points
    transition, noise = (np.array(matrix, float) for matrix in MATRICES["velocity"])
    variances, centre = np.full(150, 8.0), track.points.mean(axis=0)
    position, variance = smooth - centre, np.zeros(150)
    for _ in range(60):  # from what was found: it must stay there
        squares = np.square(track.points - centre - position).sum(axis=1) + 2 * variance
        weighted = variances * (4 + squares / variances) / (4 + 2)  # Lange et al. 1989, 4 degrees of freedom
        found = [
            rauch_tung_striebel(column, weighted, transition, 0.09 * noise) for column in (track.points - centre).T
        ]
        position, variance = np.stack([one for one, _ in found], axis=1), found[0][1]
    np.testing.assert_allclose(smooth, position + centre, rtol=0, atol=0.1)  # it stops when weights move by 0.01


def test_it_fills_what_is_missing_and_smooths_the_rest(build, recording):
    smooth = build("kalman").filter(recording.track).points
    assert np.isfinite(smooth).all()
    assert recording.error(smooth) < 1.0
    assert recording.error(recording.track.points) > 4


def test_a_point_that_never_moves_or_was_hardly_seen_stays_as_it_is(build, recording):
    still = Track(np.full((50, 2), 7.0), np.ones(50, np.float32), 30.0)
    assert build("kalman").filter(still) is still
    rare = Track(recording.track.points, np.where(np.arange(600) < 9, 1, 0).astype(np.float32), 30.0)
    with pytest.warns(RuntimeWarning, match="fewer than 10 points"):
        assert build("kalman").filter(rare) is rare


def test_a_line_without_any_noise_is_its_own_smoother(build):
    line = np.stack([np.arange(60.0), 3 * np.arange(60.0)], axis=1)
    smooth = build("kalman").filter(Track(line, np.ones(60, np.float32), 30.0))
    np.testing.assert_allclose(smooth.points, line, atol=1e-3)
