"""Batches of network inputs, read ahead."""

import threading
import time

import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.inference.frame_stream import batches, prefetch, windows
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader


def numbered(first, count):
    return ((index, np.full((1, 1, 3), index, np.uint8)) for index in range(first, count))


def seen(start, count, window, first=None):
    first = max(0, start + min(window)) if first is None else first
    return [list(item[..., 0, 0, 0]) for item in windows(numbered(first, count), start, count, window)]


def test_a_window_holds_the_neighbours_and_repeats_the_edge_frames():
    assert seen(0, 4, (-1, 0, 1)) == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert seen(0, 5, (-2, 0)) == [[0, 0], [0, 1], [0, 2], [1, 3], [2, 4]]
    assert seen(0, 4, (0, 3)) == [[0, 3], [1, 3], [2, 3], [3, 3]]
    assert seen(0, 1, (-1, 0, 1)) == [[0, 0, 0]]


@pytest.mark.parametrize("window", [(-1, 0, 1), (-3, 0), (0, 2), (-2, -1, 0, 1, 2)])
def test_starting_in_the_middle_gives_the_same_windows(window):
    assert seen(3, 9, window) == seen(0, 9, window)[3:]


def test_batches_are_the_frames_of_the_video_in_order(video):
    got = list(batches(video, 8, 50, 16, (0,), lambda image: image))
    assert [len(batch) for batch in got] == [16, 16, 10]
    with VideoReader(video) as reader:
        expected = np.stack([image for _, image in reader.frames(range(8, 50))])
    np.testing.assert_array_equal(np.concatenate(got), expected)


def test_windows_and_crops_of_a_video(video):
    crop = Crop(10, 50, 4, 60)
    got = np.concatenate(list(batches(video, 30, 50, 8, (-1, 0, 1), lambda image: image[::2], crop)))
    assert got.shape == (20, 3, 28, 40, 3)
    with VideoReader(video) as reader:
        last = reader.read(49)[4:60:2, 10:50]
    np.testing.assert_array_equal(got[-1, 1], last)
    np.testing.assert_array_equal(got[-1, 2], last)


def test_a_video_with_fewer_frames_is_an_error(video):
    with pytest.raises(DataError, match="50 readable frames"):
        list(batches(video, 0, 60, 16, (0,), lambda image: image))


def test_an_error_of_the_reading_thread_comes_out_here(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match=r"bad\.mp4"):
        list(batches(tmp_path / "bad.mp4", 0, 10, 4, (0,), lambda image: image))


def test_it_reads_ahead_a_bounded_number_and_stops_when_closed():
    made, closed = [], threading.Event()

    def endless():
        try:
            while True:
                made.append(1)
                yield np.zeros(1, np.uint8)
        finally:
            closed.set()

    source = prefetch(endless())
    next(source)
    time.sleep(0.3)
    assert len(made) <= 5
    source.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "dlc-frames"]
