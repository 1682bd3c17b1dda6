"""PoseFile: the lazy view that every later step gets."""

import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.inference.frame_array import FrameArray
from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "tail", "ear"), edges=(("nose", "tail"),), symmetric=(("tail", "ear"),))


class CountingArray:
    """A NumPy array that remembers how many elements were asked for; a stand-in for a file."""

    def __init__(self, array):
        self.array, self.loaded = array, 0
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        found = self.array[key]
        self.loaded += found.size
        return found


def poses(frames=10):
    rng = np.random.default_rng(0)
    return PoseFile.from_arrays(
        rng.random((frames, 1, 3, 2)) * 100, rng.random((frames, 1, 3)), SKELETON, scorer="DLC_x"
    )


def test_only_the_frames_asked_for_are_loaded():
    source = CountingArray(np.zeros((1000, 1, 3, 2), np.float32))
    view = FrameArray(source, 1000)
    assert view[10:20].shape == (10, 1, 3, 2)
    assert view[:, 0, 1, 0].shape == (1000,)
    assert source.loaded == 10 * 6 + 1000


@pytest.mark.parametrize(
    "key",
    [
        np.s_[3],
        np.s_[-1],
        np.s_[2:5],
        np.s_[-4:],
        np.s_[::3, 0],
        np.s_[..., 1],
        np.s_[1:3, ..., 0],
        np.s_[:, 0, 2],
        np.s_[7:3],
        np.s_[[4, 1, -1]],
        np.s_[:, 0, [2, 0]],
        np.s_[2:4, :, np.array([True, False, True])],
        np.s_[:, :, [1], 0],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["memory", "zarr"])
def test_indexing_gives_what_numpy_gives(kind, key, tmp_path):
    zarr = pytest.importorskip("zarr")
    array = np.arange(10 * 1 * 3 * 2, dtype=np.float32).reshape(10, 1, 3, 2)
    source = array if kind == "memory" else zarr.array(array, store=str(tmp_path / "a.zarr"), chunks=(4, 1, 3, 2))
    found = FrameArray(source, 10)[key]
    np.testing.assert_array_equal(found, array[key])


def test_frames_beyond_those_that_are_done_do_not_exist():
    view = FrameArray(np.arange(10.0), 6)
    assert len(view) == 6
    assert view[-1] == 5
    assert len(view[4:]) == 2
    with pytest.raises(IndexError, match="out of range"):
        view[6]


def test_a_conversion_that_would_load_everything_by_accident_is_refused():
    with pytest.raises(TypeError, match="load"):
        np.asarray(poses().keypoints)


def test_blocks_cover_the_video_once_and_load_gives_all_of_it():
    whole = poses(10).load()
    blocks = list(poses(10).blocks(frames=4))
    assert [block.start for block in blocks] == [0, 4, 8]
    np.testing.assert_array_equal(np.concatenate([block.keypoints for block in blocks]), whole.keypoints)
    np.testing.assert_array_equal(np.concatenate([block.likelihood for block in blocks]), whole.likelihood)
    assert whole.keypoints.dtype == whole.likelihood.dtype == np.float32


def test_arrays_that_do_not_fit_the_skeleton_are_refused():
    with pytest.raises(DataError, match=r"\(4, 1, 3, 2\)"):
        PoseFile.from_arrays(np.zeros((4, 1, 2, 2)), np.zeros((4, 1, 2)), SKELETON)


def test_a_folder_without_poses_is_refused(tmp_path):
    for path in (tmp_path / "absent.zarr", tmp_path):
        with pytest.raises(DataError, match="no pose store"):
            PoseFile.open(path)
