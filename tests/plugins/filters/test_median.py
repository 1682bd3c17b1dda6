"""The median is SciPy's wherever all points of a window are there, and made of known points where they are not."""

import numpy as np
import pytest
from scipy.signal import medfilt

from dlc_core.filtering.structures import Track


@pytest.mark.parametrize("length", [1, 3, 5, 31])
def test_it_is_medfilt_of_each_coordinate(build, recording, length):
    smooth = build("median", windowlength=length).filter(recording.track)
    for axis in (0, 1):
        np.testing.assert_array_equal(smooth.points[:, axis], medfilt(recording.track.points[:, axis], length))
    np.testing.assert_array_equal(smooth.likelihood, recording.track.likelihood)


def test_where_points_are_absent_it_is_the_median_of_the_others_and_absent_stays_absent(build, recording):
    points = recording.track.points.copy()
    absent = np.zeros(len(points), bool)
    absent[[0, 3, 100, 101, 300, 599]] = True
    points[absent] = np.nan
    smooth = build("median").filter(Track(points, recording.track.likelihood, 30.0)).points
    assert np.isnan(smooth[absent]).all()
    whole = np.stack([medfilt(column, 5) for column in np.nan_to_num(points).T], axis=1)
    for frame in np.flatnonzero(~absent):
        window = points[max(frame - 2, 0) : frame + 3]
        expected = np.nanmedian(window, axis=0) if np.isnan(window).any() else whole[frame]
        np.testing.assert_array_equal(smooth[frame], expected)


@pytest.mark.filterwarnings("ignore:kernel_size exceeds volume extent")
def test_a_video_shorter_than_half_the_window_does_not_become_zeros(build):
    points = np.array([[10.0, 20.0], [12.0, 21.0]])
    assert (medfilt(points[:, 0], 7) == 0).all()  # what DeepLabCut's filter makes of it
    smooth = build("median", windowlength=7).filter(Track(points, np.ones(2, np.float32), np.nan))
    np.testing.assert_array_equal(smooth.points, [[11.0, 20.5]] * 2)


def test_single_jumps_go(build, recording):
    before, after = (
        recording.error(recording.track.points),
        recording.error(build("median").filter(recording.track).points),
    )
    assert after < before / 2
