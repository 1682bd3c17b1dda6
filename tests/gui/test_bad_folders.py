"""What the pages say about frames, machine labels and videos that are not there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from dlc_core.gui import label_page, refine_page
from dlc_core.gui.server import add_image_routes
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine

FOLDER = "mouse 1"


@pytest.fixture
def client(project):
    workspace = Workspace(project)
    app = FastAPI()
    add_image_routes(app, workspace)
    label_page.add(app, workspace)
    refine_page.add(app, workspace)
    yield TestClient(app)
    workspace.close()


def test_a_frame_whose_image_is_gone_is_said_to_be_gone(client, project):
    (project.labeled_data / FOLDER / "img002.png").unlink()
    assert client.get(f"/image/{FOLDER}/img002.png").json()["error"] == (
        f"{project.labeled_data / FOLDER / 'img002.png'} is gone. Put the image back, or remove the frame."
    )


def test_machine_labels_of_another_iteration_are_named_where_there_is_nothing_to_refine(client, project):
    assert "of iteration 0 to refine. Extract outlier frames first" in client.get("/api/refine").json()["error"]
    images = (f"labeled-data/{FOLDER}/img001.png",)
    labels = MachineLabels("net", images, ("snout",), np.full((1, 1, 1, 2), 5.0), np.full((1, 1, 1), 0.5))
    write_machine(labels, machine_file(project.labeled_data / FOLDER, 3))
    error = client.get("/api/refine").json()["error"]
    assert "1 frame without labels has machine labels of iteration 3 (mouse 1 1)" in error


def test_a_folder_without_frames_says_so_in_the_browser(project, served, new_page):
    (project.labeled_data / "empty").mkdir()
    page = new_page(served("label").start().replace("?", "?folder=empty&"))
    page.get_by_text("labeled-data/empty holds no frame. Extract some first: dlc extract-frames.").wait_for()
    assert not page.problems


def test_a_video_that_is_gone_is_named_where_frames_are_chosen(project, served, new_page, data_folder):
    (project.root / "videos").mkdir()
    kept = data_folder / "sleap-tests" / "small_robot_3_frame.mp4"
    config = project.root / "config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8")
        + f"video_sets:\n  {kept}:\n    crop: 0, 100, 0, 100\n  /gone/reach1.mp4:\n    crop: 0, 100, 0, 100\n",
        encoding="utf-8",
    )
    page = new_page(served("gui").start().replace("/?", "/grab?video=reach1.mp4&"))
    page.get_by_text(f"The video /gone/reach1.mp4 of {config} is not there and is left out.").wait_for()
    assert page.locator("select").first.input_value() == kept.name


def test_a_folder_that_is_called_by_the_suffix_of_drawn_labels_is_one_of_frames(client, project):
    (project.labeled_data / FOLDER).rename(project.labeled_data / "_labeled")
    assert client.get("/image/_labeled/img000.png").status_code == 200


def test_config_that_is_gone_is_named_and_one_that_is_being_replaced_is_waited_for(client, project):
    config, away = project.root / "config.yaml", project.root / "config.old"
    seen = client.post(f"/api/label/{FOLDER}/frames", json={"files": ["img000.png"]}).json()["img000.png"]["revision"]
    config.rename(away)
    change = {"file": "img000.png", "seen": seen, "set": {"snout": [1, 2]}}
    answer = client.post(f"/api/label/{FOLDER}/edit", json=change)
    assert (answer.status_code, answer.json()["error"]) == (422, f"{config} is gone. Put it back.")
    threading.Timer(0.05, away.rename, [config]).start()  # as an editor or git does
    assert client.post(f"/api/label/{FOLDER}/edit", json=change).status_code == 200
