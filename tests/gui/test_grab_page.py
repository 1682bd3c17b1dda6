"""Grabbing frames without a browser: what the page is told, what is written, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from dlc_core.errors import ConfigError, DataError
from dlc_core.frames.frame_files import read_crops
from dlc_core.gui.grab_page import CropBox, Grabbing
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import read_folder
from dlc_core.labels.journal import Edit
from dlc_core.project.create import create_project
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

NAME = "small_robot_3_frame.mp4"
HEIGHT, WIDTH = 320, 560


@pytest.fixture
def project(tmp_path: Path, data_folder: Path) -> Project:
    return create_project("reach", "Ann", [data_folder / "sleap-tests" / NAME], tmp_path, bodyparts=["a", "b"])


@pytest.fixture
def grabbing(project: Project):
    workspace = Workspace(project)
    yield Grabbing(workspace)
    workspace.close()


@pytest.fixture
def folder(project: Project) -> Path:
    return project.labeled_data / "small_robot_3_frame"


def test_the_page_is_told_what_the_video_is_and_which_frames_are_taken(grabbing, folder):
    grabbing.grab(NAME, 1)
    found = grabbing.video(NAME)
    assert {key: found[key] for key in ("width", "height", "frames", "crop", "existing", "crops")} == {
        "width": WIDTH,
        "height": HEIGHT,
        "frames": 3,
        "crop": [0, WIDTH, 0, HEIGHT],
        "existing": [1],
        "crops": {},
    }


def test_a_grabbed_frame_shows_the_crop_and_remembers_it(grabbing, folder, project):
    grabbing.store_crop(NAME, CropBox(x1=100, x2=300, y1=40, y2=140))
    assert grabbing.grab(NAME, 2) == {"file": "img2.png", "crop": True}
    with VideoReader(project.root / "videos" / NAME) as video:
        expected = video.read(2)[40:140, 100:300]
    assert np.array_equal(cv2.imread(str(folder / "img2.png"))[..., ::-1], expected)
    assert read_crops(folder) == {"img2.png": Crop(100, 300, 40, 140)}
    assert grabbing.video(NAME)["crops"] == {2: True}


def test_a_pixel_clicked_on_a_cropped_frame_is_the_same_pixel_of_the_full_frame(grabbing, folder, project):
    grabbing.store_crop(NAME, CropBox(x1=101, x2=300, y1=37, y2=140))
    file = grabbing.grab(NAME, 0)["file"]
    image = f"labeled-data/{folder.name}/{file}"
    with LabelEditor.open(project, folder) as editor:
        editor.apply(Edit(image=image, set={"a": (12.345, 6.789)}))
    point = read_folder(folder).keypoints[0, 0, 0] + read_crops(folder)[file].offset()
    assert np.abs(point - (113.345, 43.789)).max() < 0.01


def test_the_crop_is_that_of_config_yaml_in_both_directions(grabbing, project):
    grabbing.store_crop(NAME, CropBox(x1=1, x2=20, y1=3, y2=40))
    video = project.root / "videos" / NAME
    assert Project.open(project.root).videos()[video] == Crop(1, 20, 3, 40)
    text = project.config.path.read_text()
    project.config.path.write_text(text.replace("1, 20, 3, 40", "5, 30, 3, 40"))
    assert grabbing.video(NAME)["crop"] == [5, 30, 3, 40]


def test_what_makes_no_sense_is_refused_and_nothing_is_written(grabbing, folder):
    with pytest.raises(ConfigError, match="holds no pixel"):
        grabbing.store_crop(NAME, CropBox(x1=20, x2=20, y1=3, y2=40))
    with pytest.raises(ConfigError, match="lies outside"):
        grabbing.store_crop(NAME, CropBox(x1=600, x2=700, y1=3, y2=40))
    with pytest.raises(DataError, match="no frame 3"):
        grabbing.grab(NAME, 3)
    with pytest.raises(DataError, match="no video"):
        grabbing.grab("../../config.yaml", 0)
    assert not list(folder.iterdir())


def test_a_frame_that_is_there_is_not_written_again(grabbing, folder):
    grabbing.grab(NAME, 0)
    before = (folder / "img0.png").stat().st_mtime_ns
    with pytest.raises(DataError, match="has an image"):
        grabbing.grab(NAME, 0)
    assert (folder / "img0.png").stat().st_mtime_ns == before


def test_a_frame_is_put_aside_only_while_it_has_no_labels(grabbing, folder, project):
    grabbing.grab(NAME, 0)
    grabbing.grab(NAME, 1)
    with LabelEditor.open(project, folder) as editor:
        editor.apply(Edit(image=f"labeled-data/{folder.name}/img1.png", set={"a": (1.0, 2.0)}))
    grabbing.put_aside(NAME, 0)
    assert (folder / "removed" / "img0.png").is_file()
    with pytest.raises(DataError, match="has labels"):
        grabbing.put_aside(NAME, 1)
    assert grabbing.video(NAME)["existing"] == [1]
    assert grabbing.grab(NAME, 0)["file"] == "img0.png"


def test_a_video_that_is_replaced_is_read_anew_and_one_that_is_gone_is_said(grabbing, project, data_folder):
    video = grabbing.workspace.video(NAME)
    images = grabbing.workspace.images
    before = images.video_frame(video, 0)
    assert images.video_frame(video, 0) is before
    other = data_folder / "sleap-tests" / "centered_pair_low_quality.mp4"
    video.unlink()
    with pytest.raises(DataError, match=NAME):
        images.video_frame(video, 0)
    shutil.copy(other, video)
    after = images.video_frame(video, 0)
    assert after.tag != before.tag
    assert after.content != before.content
    with VideoReader(other) as reader:
        assert images.video_size(video)[2] == reader.frame_count
