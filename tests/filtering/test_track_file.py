"""Tracks come back as they were put, from memory and from disk, and leave nothing behind."""

import numpy as np
import pytest

from dlc_core.errors import DiskError
from dlc_core.filtering import track_file
from dlc_core.filtering.track_file import TrackFile


@pytest.mark.parametrize("in_memory", [1 << 20, 64])
def test_frames_are_put_in_blocks_and_taken_as_tracks(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(track_file, "_IN_MEMORY", in_memory)
    values = np.random.default_rng(0).normal(size=(3, 100, 3)).astype(np.float32)
    values[1, 20] = np.nan
    with TrackFile(tmp_path, 100) as tracks:
        for start in range(0, 100, 32):
            for track in range(3):
                tracks.put(track, start, values[track, start : start + 32])
        for track in (2, 0, 1):
            np.testing.assert_array_equal(tracks.take(track), values[track])
            np.testing.assert_array_equal(tracks.take(track, 90, 200), values[track, 90:])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(track_file, "_IN_MEMORY", 1)
    with TrackFile(tmp_path, 100, "look elsewhere") as tracks:
        tracks.put(0, 0, np.zeros((10, 3), np.float32))

        class Full:
            def seek(self, _at): ...

            def write(self, _data):
                raise OSError(28, "No space left on device")

            def close(self): ...

        tracks._file.close()
        tracks._file = Full()
        with pytest.raises(DiskError, match=r"the disk is full.*or look elsewhere"):
            tracks.put(0, 10, np.zeros((10, 3), np.float32))
