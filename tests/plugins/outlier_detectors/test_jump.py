"""Frames scored by the longest way a keypoint moved since the frame before."""

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.jump import Jump

from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.skeleton import Skeleton

TWO = Skeleton(("nose", "tail"))
BLOCK = 4096  # frames that the detector holds in memory


def score(keypoints, skeleton=TWO, counted=(True, True), epsilon=20.0):
    poses = PoseFile.from_arrays(keypoints, np.ones(keypoints.shape[:-1]), skeleton)
    return Jump(epsilon, skeleton).score(DetectorInput(poses, np.array(counted)))


def test_the_score_is_the_longest_step_of_any_keypoint_in_pixels():
    keypoints = np.zeros((4, 1, 2, 2))
    keypoints[1:, 0, 0] = (3, 4)  # one step of 5
    keypoints[2:, 0, 1] = (-5, 12)  # one of 13, a frame later
    keypoints[3, 0, 0] = (9, 12)  # 10
    scores = score(keypoints, epsilon=10.0)
    np.testing.assert_allclose(scores.score, [0, 5, 13, 10])
    assert scores.score.dtype == np.float32 and scores.higher_is_worse and scores.threshold == 10.0
    assert scores.outliers().tolist() == [2], "a step of exactly epsilon is no jump"


@pytest.mark.parametrize("at", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_a_step_across_the_border_of_two_blocks_is_seen_once(at):
    keypoints = np.zeros((2 * BLOCK + 2, 1, 2, 2))
    keypoints[at:, 0, 1, 0] = 30
    scores = score(keypoints)
    assert len(scores.score) == len(keypoints)
    assert scores.outliers().tolist() == [at]
    assert scores.score[at] == 30 and scores.score.sum() == 30


def test_a_point_that_is_absent_has_no_step_and_hides_none_of_the_others():
    keypoints = np.zeros((5, 1, 2, 2))
    keypoints[2, 0, 0] = np.nan
    keypoints[3:, 0, 0] = 100  # moved while it was not seen: nobody knows in which frame
    keypoints[2:, 0, 1, 1] = 7
    np.testing.assert_allclose(score(keypoints).score, [0, 0, 7, 0, 0])
    np.testing.assert_array_equal(score(np.full((3, 1, 2, 2), np.nan)).score, 0)


def test_only_keypoints_that_exist_and_count_are_looked_at():
    skeleton = Skeleton(("nose", "tail"), individuals=("a", "b"), exists=np.array([[True, True], [True, False]]))
    keypoints = np.zeros((2, 2, 2, 2))
    keypoints[1, 0, 1] = (0, 50)
    keypoints[1, 1, 0] = (0, 5)
    keypoints[1, 1, 1] = (0, 500)
    assert score(keypoints, skeleton).score.tolist() == [0, 50]
    assert score(keypoints, skeleton, (True, False)).score.tolist() == [0, 5]
    assert score(keypoints, skeleton, (False, False)).score.tolist() == [0, 0]
