"""Savitzky-Golay is SciPy's on what interpolation makes of the track; long gaps stay open."""

import numpy as np
from dlc_plugins.filters.savgol import stretches
from scipy.signal import savgol_filter

from dlc_core.filtering.structures import Track


def test_it_is_savgol_filter_where_every_point_is_likely(build, recording):
    track = Track(recording.track.points, np.ones(600, np.float32), 30.0)
    smooth = build("savgol", windowlength=9, polyorder=2).filter(track)
    np.testing.assert_allclose(smooth.points, savgol_filter(track.points, 9, 2, axis=0), rtol=0, atol=1e-9)


def test_unlikely_points_are_interpolated_linearly_and_the_likelihood_is_kept(build, recording):
    smooth = build("savgol").filter(recording.track)
    good = np.flatnonzero(~recording.wild)
    frames = np.arange(good[0], good[-1] + 1)
    filled = [np.interp(frames, good, recording.track.points[good, axis]) for axis in (0, 1)]
    expected = np.stack([savgol_filter(column, 7, 3) for column in filled], axis=1)
    np.testing.assert_allclose(smooth.points[frames], expected, rtol=0, atol=1e-9)
    assert np.isnan(np.delete(smooth.points, frames, axis=0)).all()
    np.testing.assert_array_equal(smooth.likelihood, recording.track.likelihood)
    assert recording.error(smooth.points) < 2


def test_gaps_longer_than_max_gap_and_those_at_the_ends_stay_open(build):
    line = np.stack([np.arange(40.0), 2 * np.arange(40.0)], axis=1)
    points = line.copy()
    for gap in (slice(0, 2), slice(10, 13), slice(20, 24), slice(38, 40)):
        points[gap] = np.nan
    smooth = build("savgol", max_gap=3).filter(Track(points, np.ones(40, np.float32), np.nan)).points
    assert np.flatnonzero(np.isnan(smooth[:, 0])).tolist() == [0, 1, 20, 21, 22, 23, 38, 39]
    there = np.isfinite(smooth[:, 0])
    np.testing.assert_allclose(smooth[there], line[there], atol=1e-9)  # a line is its own fit


def test_a_stretch_shorter_than_the_window_is_fitted_by_what_fits_in(build):
    points = np.full((30, 2), np.nan)
    points[3:7] = [[0, 0], [1, 1], [4, 4], [9, 9]]
    points[20] = [5, 6]
    smooth = build("savgol", windowlength=9, polyorder=2, max_gap=2).filter(
        Track(points, np.ones(30, np.float32), 30.0)
    )
    np.testing.assert_allclose(smooth.points[3:7], points[3:7], atol=1e-9)  # a parabola through three points at a time
    np.testing.assert_allclose(smooth.points[20], [5, 6])


def test_stretches_start_and_end_with_a_point():
    there = np.array([0, 1, 0, 0, 1, 1, 0, 0, 0, 1], bool)
    assert stretches(there, 2) == [(1, 6), (9, 10)]
    assert stretches(there, 3) == [(1, 10)]
    assert stretches(there, 0) == [(1, 2), (4, 6), (9, 10)]
    assert stretches(np.zeros(5, bool), 2) == []
