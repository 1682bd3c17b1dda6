import cv2
import numpy as np
import pytest

from dlc_core.demo.generate import Truth
from dlc_core.demo.person import label
from dlc_core.errors import DataError
from dlc_core.labels.files import read_folder


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "labeled-data" / "mouse"
    place.mkdir(parents=True)
    for number in (3, 11):
        cv2.imwrite(str(place / f"img{number:02}.png"), np.zeros((8, 8, 3), np.uint8))
    return place


@pytest.fixture
def truth():
    points = np.arange(12 * 2 * 2, dtype=np.float32).reshape(12, 1, 2, 2)
    points[3, 0, 1] = np.nan
    return Truth(points, names=("nose", "tail"), edges=(), symmetric=())


def test_frames_are_labelled_with_the_true_points_of_their_numbers(folder, truth):
    assert label(folder, "ada", truth) == ["img03.png", "img11.png"]
    table = read_folder(folder, "ada")
    assert table.images == ("labeled-data/mouse/img03.png", "labeled-data/mouse/img11.png")
    assert table.bodyparts == ("nose", "tail")
    np.testing.assert_array_equal(table.keypoints, truth.keypoints[[3, 11]])


def test_labels_of_other_frames_stay(folder, truth):
    label(folder, "ada", truth, ["img03.png"])
    label(folder, "ada", truth, ["img11.png"])
    assert len(read_folder(folder, "ada").images) == 2


def test_what_cannot_be_labelled_is_named(folder, truth, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no frame to label"):
        label(tmp_path / "empty", "ada", truth)
    short = Truth(truth.keypoints[:5], truth.names, (), ())
    with pytest.raises(DataError, match="frame 11"):
        label(folder, "ada", short)
