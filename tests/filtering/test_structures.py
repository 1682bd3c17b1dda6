"""Which frames of a track have a point."""

import numpy as np

from dlc_core.filtering.structures import Track


def test_a_point_is_present_with_both_coordinates_and_enough_likelihood():
    points = np.array([[1, 2], [np.nan, 2], [1, np.nan], [1, 2], [1, 2], [np.inf, 1]], float)
    track = Track(points, np.array([1, 1, 1, 0.1, np.nan, 1], np.float32), np.nan)
    assert track.present().tolist() == [True, False, False, True, True, False]
    assert track.present(0.5).tolist() == [True, False, False, False, True, False]  # no likelihood: certain
