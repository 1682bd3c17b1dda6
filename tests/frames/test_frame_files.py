"""Names of frame images, and what is remembered about their crops."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.frames.frame_files import (
    CROP_FILE,
    existing_frames,
    frame_name,
    frame_number,
    read_crops,
    remember_crop,
    taken_frames,
    write_frames,
)
from dlc_core.video.crop import Crop


@pytest.mark.parametrize(
    ("index", "frame_count", "name"),
    [
        (42, 2330, "img0042.png"),
        (0, 1, "img0.png"),
        (5, 10, "img5.png"),
        (5, 11, "img05.png"),
        (999, 1000, "img999.png"),
    ],
)
def test_names_have_as_many_digits_as_the_last_frame(index, frame_count, name):
    assert frame_name(index, frame_count) == name


def test_the_width_is_deeplabcuts():
    # DeepLabCut 3: int(np.ceil(np.log10(number of frames))), for more than one frame
    for frame_count in (2, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, 123_456):
        digits = len(frame_name(0, frame_count)) - len("img.png")
        assert digits == int(np.ceil(np.log10(frame_count)))


def test_existing_frames_are_known_by_number_whatever_their_name_looks_like(tmp_path):
    for name in ("img0042.png", "img7.jpg", "img00008.PNG", "image9.png", "CollectedData_x.csv", "img10.txt"):
        (tmp_path / name).touch()
    assert existing_frames(tmp_path) == {42, 7, 8}
    assert existing_frames(tmp_path / "nothing here") == set()


def test_a_frame_that_a_person_removed_has_no_image_and_is_not_chosen_again(tmp_path):
    (tmp_path / "removed").mkdir()
    for name in ("img3.png", "removed/img4.png", "removed/removed.jsonl"):
        (tmp_path / name).touch()
    assert existing_frames(tmp_path) == {3}
    assert taken_frames(tmp_path) == {3, 4}
    assert frame_number("img0042.PNG") == 42 and frame_number("img42labeled.png") is None


def test_frames_are_written_exactly_and_their_crop_is_remembered(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    crop = Crop(3, 14, 20, 29)
    assert list(write_frames(tmp_path, [(4, image), (17, image)], 100, crop)) == [4, 17]
    stored = cv2.cvtColor(cv2.imread(str(tmp_path / "img04.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(stored, image)
    assert json.loads((tmp_path / CROP_FILE).read_text()) == {"img04.png": "3,14,20,29", "img17.png": "3,14,20,29"}
    assert read_crops(tmp_path) == {"img04.png": crop, "img17.png": crop}


def test_a_whole_frame_needs_no_crop_file_and_replaces_an_old_crop(tmp_path):
    remember_crop(tmp_path, ["img1.png"], None)
    assert not (tmp_path / CROP_FILE).exists()
    remember_crop(tmp_path, ["img1.png", "img2.png"], Crop(0, 5, 0, 5))
    remember_crop(tmp_path, ["img1.png"], None)
    assert list(read_crops(tmp_path)) == ["img2.png"]


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"img1.png": "1,2"}'])
def test_a_crop_file_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / CROP_FILE).write_text(text)
    with pytest.raises(DataError, match=r"crop\.json cannot be read"):
        read_crops(tmp_path)
