import numpy as np
import pytest

from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton
from dlc_core.visualize.summary import JUMP_EDGES_PX, summarise
from dlc_core.visualize.tracks import choose_tracks

SKELETON = Skeleton(("a", "b"))


def poses_of(frames, seed=0):
    rng = np.random.default_rng(seed)
    keypoints = np.cumsum(rng.normal(0, 2, (frames, 1, 2, 2)), axis=0)
    likelihood = rng.random((frames, 1, 2))
    return PoseFile.from_arrays(keypoints, likelihood, SKELETON)


def test_a_short_video_is_summarised_frame_by_frame():
    poses = poses_of(50)
    whole = poses.load()
    summary = summarise(poses, choose_tracks(SKELETON), pcutoff=0.4)
    sure = whole.likelihood[:, 0] >= 0.4
    expected = np.where(sure[..., None], whole.keypoints[:, 0], np.nan)
    np.testing.assert_allclose(summary.low, expected)
    np.testing.assert_allclose(summary.high, expected)
    np.testing.assert_allclose(summary.path, expected)
    np.testing.assert_allclose(summary.worst, whole.likelihood[:, 0])
    np.testing.assert_allclose(summary.confident, sure.mean(axis=0))


@pytest.mark.parametrize("frames", [4095, 10_001])
def test_bins_hold_the_extremes_of_all_their_frames_across_blocks(frames):
    poses = poses_of(frames)
    whole = poses.load()
    summary = summarise(poses, choose_tracks(SKELETON), pcutoff=0.4, bins=97, points=311)
    position = np.where((whole.likelihood[:, 0] >= 0.4)[..., None], whole.keypoints[:, 0], np.nan)
    ends = [*summary.start[1:], frames]
    for index, (start, end) in enumerate(zip(summary.start, ends, strict=True)):
        np.testing.assert_allclose(summary.low[index], np.nanmin(position[start:end], axis=0))
        np.testing.assert_allclose(summary.high[index], np.nanmax(position[start:end], axis=0))
    assert len(summary.start) <= 97
    stride = -(-frames // 311)
    np.testing.assert_allclose(summary.path, position[::stride])


def test_jumps_are_counted_once_between_all_consecutive_confident_frames():
    poses = poses_of(9_000)
    whole = poses.load()
    summary = summarise(poses, choose_tracks(SKELETON), pcutoff=0.4)
    position = np.where((whole.likelihood[:, 0] >= 0.4)[..., None], whole.keypoints[:, 0].astype(float), np.nan)
    steps = np.linalg.norm(np.diff(position, axis=0), axis=-1)
    for track in range(2):
        expected = np.histogram(steps[:, track][~np.isnan(steps[:, track])], JUMP_EDGES_PX)[0]
        np.testing.assert_array_equal(summary.jumps[track], expected)


def test_points_that_were_not_found_and_likelihoods_that_are_not_known_are_uncertain():
    keypoints = np.zeros((3, 1, 2, 2))
    keypoints[1, 0, 0] = np.nan
    likelihood = np.array([[[1.0, np.nan]], [[1.0, 1.0]], [[1.0, 0.0]]])
    summary = summarise(PoseFile.from_arrays(keypoints, likelihood, SKELETON), choose_tracks(SKELETON), 0.5)
    np.testing.assert_allclose(summary.confident, [2 / 3, 1 / 3])
    np.testing.assert_allclose(summary.worst[:, 1], [0, 1, 0])
