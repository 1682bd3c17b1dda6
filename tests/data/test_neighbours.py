"""Windows of frames around labelled images."""

from __future__ import annotations

import multiprocessing
import pickle

import numpy as np
import pytest

from dlc_core.data.neighbours import Neighbours, frame_corners, frame_index
from dlc_core.errors import DataError
from dlc_core.frames.frame_files import remember_crop
from dlc_core.video.crop import Crop


def sizes(filmed) -> dict[str, tuple[int, int]]:
    frames = filmed.training_set.frames
    return {name: frames.size(name) for name in frames.images}


def test_the_number_at_the_end_of_the_file_name_is_the_frame() -> None:
    assert frame_index("labeled-data/mouse3/img0042.png") == 42
    assert frame_index("labeled-data/m/2024-cage5_img007.png") == 7
    with pytest.raises(DataError, match="holds no frame number"):
        frame_index("labeled-data/m/left.png")


def test_a_window_holds_the_frames_of_the_video_and_repeats_those_at_its_ends(filmed) -> None:
    neighbours = Neighbours((-2, 0, 1), {filmed.video: None})
    neighbours.check(sizes(filmed))
    for index in (0, 7, 23):
        name = f"labeled-data/mouse/img{index:02}.png"
        window = neighbours.around(name, filmed.training_set.frames.image(name))
        assert np.array_equal(window, filmed.pixels[[max(index - 2, 0), index, min(index + 1, 23)]])


def test_neighbours_of_a_cropped_image_are_cropped_alike(tmp_path, make_filmed) -> None:
    crop = Crop(16, 112, 8, 80)
    filmed = make_filmed(tmp_path, crop)
    folder, names = tmp_path / "labeled-data" / "mouse", filmed.training_set.frames.images
    remember_crop(folder, ["img08.png", "img12.png"], crop)
    both = {"labeled-data/mouse/img08.png": (16, 8), "labeled-data/mouse/img12.png": (16, 8)}
    assert frame_corners(tmp_path, names) == both
    remember_crop(folder, [name.rpartition("/")[2] for name in names], crop)
    corners = frame_corners(tmp_path, names)
    neighbours = Neighbours((-1, 0, 1), {filmed.video: None}, corners)
    neighbours.check(sizes(filmed))
    name = "labeled-data/mouse/img08.png"
    window = neighbours.around(name, filmed.training_set.frames.image(name))
    assert np.array_equal(window, filmed.pixels[7:10, 8:80, 16:112])


def test_a_missing_video_is_named_before_anything_is_read(filmed, tmp_path) -> None:
    with pytest.raises(DataError, match="no video of the project is named 'mouse'"):
        Neighbours((-1, 0), {tmp_path / "rat.mp4": None}).check(sizes(filmed))
    with pytest.raises(DataError, match=r"gone/mouse.mp4 is not there"):
        Neighbours((-1, 0), {tmp_path / "gone" / "mouse.mp4": None}).check(sizes(filmed))


def test_a_video_that_the_frames_cannot_be_from_is_refused(filmed) -> None:
    with pytest.raises(DataError, match=r"would be frame 99 of .* which has 24 frames"):
        Neighbours((-1, 0), {filmed.video: None}).check({"labeled-data/mouse/img99.png": (96, 128)})
    with pytest.raises(DataError, match="does not fit into"):
        Neighbours((-1, 0), {filmed.video: None}).check({"labeled-data/mouse/img03.png": (200, 128)})


def read_in_child(neighbours: Neighbours, image: np.ndarray, connection) -> None:
    connection.send(neighbours.around("labeled-data/mouse/img07.png", image))


def test_a_forked_process_opens_the_video_anew(filmed) -> None:
    neighbours = Neighbours((-1, 0, 1), {filmed.video: None})
    image = filmed.training_set.frames.image("labeled-data/mouse/img07.png")
    here = neighbours.around("labeled-data/mouse/img07.png", image)
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=read_in_child, args=(neighbours, image, sending))
    child.start()
    assert np.array_equal(receiving.recv(), here)
    child.join()
    other = pickle.loads(pickle.dumps(neighbours))
    assert np.array_equal(other.around("labeled-data/mouse/img07.png", image), here)


def test_an_image_without_a_remembered_corner_is_what_video_sets_shows(tmp_path, make_filmed) -> None:
    crop = Crop(16, 112, 8, 80)
    filmed = make_filmed(tmp_path, crop)  # as DeepLabCut leaves it: no crop.json
    neighbours = Neighbours((-1, 0, 1), {filmed.video: crop})
    neighbours.check(sizes(filmed))
    name = "labeled-data/mouse/img08.png"
    assert neighbours.corners[name] == (16, 8)
    window = neighbours.around(name, filmed.training_set.frames.image(name))
    assert np.array_equal(window, filmed.pixels[7:10, 8:80, 16:112])


@pytest.mark.parametrize("listed", [None, Crop(0, 128, 0, 96), Crop(16, 110, 8, 80)])
def test_a_part_of_a_frame_that_may_lie_anywhere_is_refused(tmp_path, make_filmed, listed) -> None:
    filmed = make_filmed(tmp_path, Crop(16, 112, 8, 80))
    with pytest.raises(DataError, match=r"96 x 72 of 128 x 96 pixels.*which part is not known.*crop\.json"):
        Neighbours((-1, 0, 1), {filmed.video: listed}).check(sizes(filmed))
