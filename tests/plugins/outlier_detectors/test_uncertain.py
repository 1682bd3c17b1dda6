"""Frames scored by their least likely keypoint."""

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.uncertain import Uncertain

from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "tail"), individuals=("a", "b"), exists=np.array([[True, False], [True, False]]))
LIKELIHOOD = np.array([[[0.9, 0.0], [0.4, 0.0]], [[0.2, 0.0], [0.7, 0.0]]], np.float32)


def poses(*counted):
    file = PoseFile.from_arrays(np.zeros((2, 2, 2, 2)), LIKELIHOOD, SKELETON)
    return DetectorInput(file, np.array(counted))


@pytest.mark.parametrize(("all_bodyparts", "expected"), [(False, [0.4, 0.2]), (True, [0.9, 0.7])])
def test_the_least_or_the_most_likely_keypoint_that_exists_counts(all_bodyparts, expected):
    scores = Uncertain(0.01, all_bodyparts, SKELETON).score(poses(True, True))
    np.testing.assert_allclose(scores.score, expected)
    assert not scores.higher_is_worse and scores.score.dtype == np.float32


@pytest.mark.parametrize("counted", [(False, False), (False, True)])
def test_without_a_keypoint_that_exists_it_has_nothing_to_say(counted):
    scores = Uncertain(0.01, False, SKELETON).score(poses(*counted))
    assert np.isnan(scores.score).all() and scores.score.shape == (2,)


@pytest.mark.parametrize(("all_bodyparts", "expected"), [(False, [0.001, 0.4, np.nan]), (True, [0.9, 0.4, np.nan])])
def test_a_likelihood_that_nobody_knows_hides_no_other(all_bodyparts, expected):
    """As in tables of other programs, which leave a body part empty that was not found."""
    likelihood = np.array([[0.9, 0.001, np.nan], [np.nan, 0.4, np.nan], [np.nan] * 3], np.float32)[:, None]
    file = PoseFile.from_arrays(np.zeros((3, 1, 3, 2)), likelihood, Skeleton(("nose", "tail", "paw")))
    scores = Uncertain(0.01, all_bodyparts, file.skeleton).score(DetectorInput(file, np.ones(3, bool)))
    np.testing.assert_allclose(scores.score, expected)
