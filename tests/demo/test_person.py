import cv2
import numpy as np
import pytest

from dlc_core.demo.generate import Truth
from dlc_core.demo.person import label, refine
from dlc_core.errors import DataError
from dlc_core.frames.frame_files import remember_crop
from dlc_core.labels.files import read_folder
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.project.project import Project
from dlc_core.project.yaml_text import new_text
from dlc_core.refine.merge import merge
from dlc_core.video.crop import Crop


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


def test_points_of_a_cropped_frame_are_in_pixels_of_the_image(folder, truth):
    remember_crop(folder, ["img11.png"], Crop(4, 12, 6, 14))
    label(folder, "ada", truth)
    np.testing.assert_array_equal(read_folder(folder, "ada").keypoints[1], truth.keypoints[11] - (4, 6))


def test_refined_frames_join_the_labels_with_their_true_points(folder, truth, tmp_path):
    settings = {"Task": "walk", "scorer": "ada", "date": "Nov21", "bodyparts": ["nose", "tail"], "pcutoff": 0.6}
    (tmp_path / "config.yaml").write_text(new_text({**settings, "video_sets": {}}))
    project = Project.open(tmp_path)
    images = ("labeled-data/mouse/img03.png", "labeled-data/mouse/img11.png")
    wrong, unsure = np.full((2, 1, 2, 2), 70.0), np.full((2, 1, 2), 0.1)
    write_machine(MachineLabels("DLC_net", images, truth.names, wrong, unsure), machine_file(folder, 0))
    assert refine(project, "mouse", truth) == ["img03.png", "img11.png"]
    merged = merge(project)
    assert merged.points == 3  # the tail of frame 3 is not there
    assert merged.project.iteration == 1
    np.testing.assert_array_equal(read_folder(folder, "ada").keypoints, truth.keypoints[[3, 11]])


def test_what_cannot_be_labelled_is_named(folder, truth, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no frame to label"):
        label(tmp_path / "empty", "ada", truth)
    short = Truth(truth.keypoints[:5], truth.names, (), ())
    with pytest.raises(DataError, match="frame 11"):
        label(folder, "ada", short)
