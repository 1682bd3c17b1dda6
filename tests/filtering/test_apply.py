"""Filters see one body part of one animal at a time, and what they break is named."""

from dataclasses import replace

import numpy as np
import pytest

from dlc_core.errors import PluginError
from dlc_core.filtering import apply
from dlc_core.filtering.apply import filtered_blocks
from dlc_core.filtering.structures import Track
from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton

EXISTS = np.array([[True, True, False], [True, False, True]])
PAIR = Skeleton(("nose", "tail", "ear"), individuals=("anna", "bert"), exists=EXISTS)


class Spy:
    """Adds 1 to every coordinate and remembers what it got."""

    def __init__(self):
        self.tracks = []

    def filter(self, track):
        self.tracks.append(track)
        return replace(track, points=track.points + 1, likelihood=track.likelihood / 2)


def smoothed(poses, smoother, tmp_path, **options):
    blocks = list(filtered_blocks(poses, smoother, "spy", tmp_path, **options))
    keypoints = np.concatenate([block.keypoints for block in blocks])
    return keypoints, np.concatenate([block.likelihood for block in blocks]), blocks


def poses_of(skeleton, frames=50, fps=25.0):
    rng = np.random.default_rng(0)
    shape = (frames, *skeleton.exists.shape)
    points = rng.uniform(0, 90, (*shape, 2)).astype(np.float32)
    points[:, ~skeleton.exists] = np.nan
    return PoseFile.from_arrays(points, rng.uniform(0, 1, shape).astype(np.float32), skeleton, fps=fps)


def test_each_track_is_filtered_by_itself_and_pairs_that_do_not_exist_stay_nan(tmp_path, monkeypatch):
    monkeypatch.setattr(apply, "BLOCK", 16)
    poses, spy, steps = poses_of(PAIR), Spy(), []
    keypoints, likelihood, blocks = smoothed(poses, spy, tmp_path, done=steps.append)
    assert [block.start for block in blocks] == [0, 16, 32, 48]
    np.testing.assert_array_equal(keypoints, poses.keypoints[:] + 1)
    np.testing.assert_array_equal(likelihood[:, EXISTS], poses.likelihood[:][:, EXISTS] / 2)
    assert np.isnan(likelihood[:, ~EXISTS]).all()
    assert len(spy.tracks) == 4 and steps == [True] * 4
    for track, (i, k) in zip(spy.tracks, np.argwhere(EXISTS), strict=True):
        assert (track.points.dtype, track.likelihood.dtype, track.fps) == (np.float64, np.float32, 25.0)
        np.testing.assert_array_equal(track.points, poses.keypoints[:, i, k])


def test_a_video_without_frames_is_no_work_for_a_filter(tmp_path):
    spy = Spy()
    assert smoothed_frames(poses_of(PAIR, frames=0), spy, tmp_path) == 0
    assert not spy.tracks


def smoothed_frames(poses, smoother, tmp_path):
    return sum(len(block.likelihood) for block in filtered_blocks(poses, smoother, "spy", tmp_path))


class Shorter(Spy):
    def filter(self, track):
        return replace(track, points=track.points[1:])


class Bare(Spy):
    def filter(self, track):
        return track.points


class Failing(Spy):
    def filter(self, _track):
        raise KeyError("wavelet")


class Words(Spy):
    def filter(self, track):
        return Track(np.full((50, 2), "here"), track.likelihood, track.fps)


@pytest.mark.parametrize(
    ("smoother", "message"),
    [
        (Shorter, r"'spy' returned points of shape \(49, 2\) and likelihood of shape \(50,\) for anna nose"),
        (Bare, "'spy' returned ndarray for anna nose; expected a Track"),
        (Failing, "'spy' fails on anna nose: KeyError: 'wavelet'"),
        (Words, "'spy' returns no numbers for anna nose"),
    ],
)
def test_a_filter_that_breaks_its_promise_is_named_with_the_track(tmp_path, smoother, message):
    with pytest.raises(PluginError, match=message):
        smoothed(poses_of(PAIR), smoother(), tmp_path)


class Unsure(Spy):
    def filter(self, track):
        import warnings

        if track.points[0, 0] >= 0:
            warnings.warn("not enough to go by", RuntimeWarning, stacklevel=2)
        warnings.warn("old function", DeprecationWarning, stacklevel=2)
        return track


def test_what_a_filter_says_of_several_tracks_is_said_once_with_their_names(tmp_path, capsys):
    smoothed(poses_of(Skeleton(tuple("abcdefgh"))), Unsure(), tmp_path)
    noted = capsys.readouterr().err
    assert noted == "Note: filter=spy on a, b, c, d, e, f and 2 more: not enough to go by.\n"
