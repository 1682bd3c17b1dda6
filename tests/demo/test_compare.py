import numpy as np
import pytest

from dlc_core.demo.compare import errors_px
from dlc_core.demo.generate import Truth
from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton

TRUE = np.array([[[[0, 0], [3, 4]]], [[[1, 1], [np.nan, np.nan]]]], np.float32)


def poses(points, names):
    return PoseFile.from_arrays(points, np.ones(points.shape[:3], np.float32), Skeleton(names))


def test_body_parts_are_compared_by_name():
    points = np.zeros((2, 1, 2, 2), np.float32)
    points[0, 0, 1] = (0, 2)
    found = poses(points, ("tail", "nose"))
    truth = Truth(TRUE, ("nose", "tail"), (), ())
    np.testing.assert_allclose(errors_px(found, truth), [[2, 5], [2**0.5, np.nan]])


def test_poses_of_another_video_are_named():
    truth = Truth(TRUE, ("nose", "tail"), (), ())
    with pytest.raises(DataError, match="3 frames"):
        errors_px(poses(np.zeros((3, 1, 2, 2), np.float32), ("nose", "tail")), truth)
    with pytest.raises(DataError, match="snout"):
        errors_px(poses(np.zeros((2, 1, 2, 2), np.float32), ("snout", "tail")), truth)
