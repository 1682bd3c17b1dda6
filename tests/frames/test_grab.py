"""Frames that a person chose: what is written, and that nothing is taken twice."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlc_core.errors import ConfigError, DataError
from dlc_core.frames.frame_files import read_crops
from dlc_core.frames.grab import grab_frames
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader


@pytest.fixture
def video(project: Project):
    with VideoReader(project.root / "videos" / "first.mp4") as reader:
        yield reader


def test_a_grabbed_frame_is_the_image_that_extraction_writes(project, video):
    folder = project.labeled_data / "first"
    result = grab_frames(video, folder, [42, 7], None)
    assert result.indices == (7, 42)
    image = cv2.cvtColor(cv2.imread(str(folder / "img042.png")), cv2.COLOR_BGR2RGB)
    assert np.array_equal(image, video.read(42))


def test_a_cropped_frame_remembers_where_its_first_pixel_lies(project, video):
    folder = project.labeled_data / "first"
    crop = Crop(10, 50, 4, 40)
    grab_frames(video, folder, [3], crop)
    grab_frames(video, folder, [4], Crop(0, video.width, 0, video.height))
    image = cv2.cvtColor(cv2.imread(str(folder / "img003.png")), cv2.COLOR_BGR2RGB)
    assert np.array_equal(image, crop.apply(video.read(3)))
    assert read_crops(folder) == {"img003.png": crop}


def test_a_frame_that_is_there_stays_as_it_is(project, video):
    folder = project.labeled_data / "first"
    grab_frames(video, folder, [5], None)
    before = (folder / "img005.png").stat().st_mtime_ns
    result = grab_frames(video, folder, [5, 6], Crop(10, 50, 4, 40))
    assert (result.indices, result.existing) == ((6,), (5,))
    assert (folder / "img005.png").stat().st_mtime_ns == before
    assert list(read_crops(folder)) == ["img006.png"]


def test_a_frame_that_does_not_exist_and_a_crop_outside_are_refused(project, video):
    folder = project.labeled_data / "first"
    with pytest.raises(DataError, match="no frame 101"):
        grab_frames(video, folder, [101], None)
    with pytest.raises(ConfigError, match="lies outside"):
        grab_frames(video, folder, [1], Crop(500, 600, 0, 10))
    assert not list(folder.glob("*"))
