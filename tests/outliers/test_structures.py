"""Scores and the frames they make outliers."""

import numpy as np
import pytest

from dlc_core.outliers.structures import FrameScores


@pytest.mark.parametrize(("higher_is_worse", "expected"), [(True, [1, 4]), (False, [0, 5])])
def test_outliers_lie_beyond_the_threshold_on_the_worse_side(higher_is_worse, expected):
    score = np.array([0.1, 0.9, np.nan, 0.5, np.inf, -1], np.float32)
    found = FrameScores(score, 0.5, higher_is_worse).outliers()
    assert found.dtype == np.int64
    assert found.tolist() == expected, "neither the threshold itself nor NaN is beyond it"


def test_scores_that_say_nothing_have_no_outliers(recwarn):
    assert FrameScores(np.full(3, np.nan, np.float32), 0.0, higher_is_worse=False).outliers().tolist() == []
    assert FrameScores(np.empty(0, np.float32), 0.0).outliers().tolist() == []
    assert len(recwarn) == 0
