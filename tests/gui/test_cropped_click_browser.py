"""A pixel clicked on a cropped image in the browser is that pixel of the full frame in the merged h5."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlc_core.api import extract_outlier_frames, merge_datasets
from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import generate_video, true_keypoints
from dlc_core.frames.frame_files import frame_number, read_crops
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.store_header import StoreHeader
from dlc_core.project.create import create_project
from dlc_core.project.edit_config import set_crop
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop

HEIGHT, WIDTH, FRAMES = 96, 128, 60
BAD = (4, 20, 41)
CROP = Crop(24, 100, 12, 80)


@pytest.fixture
def project(tmp_path) -> Project:
    """Return a project with a crop and an analysed video: the snout is unlikely, and wrong, in the `BAD` frames."""
    generate_video(tmp_path / "reach1.mp4", FRAMES, HEIGHT, WIDTH, 0)
    made = create_project("reach", "ada", [tmp_path / "reach1.mp4"], tmp_path, bodyparts=SKELETON.keypoints)
    video = made.root / "videos" / "reach1.mp4"
    set_crop(made, video, CROP)
    keypoints = true_keypoints(FRAMES, HEIGHT, WIDTH, 0).keypoints.astype(np.float32)
    likelihood = np.full(keypoints.shape[:-1], 0.9, np.float32)
    keypoints[list(BAD), 0, 0] += 20
    likelihood[list(BAD), 0, 0] = 0.001
    header = StoreHeader(
        scorer="DLC_Net_reachNov21shuffle1_first_snapshot_10", skeleton=SKELETON, frame_count=FRAMES, fps=30.0,
        frame_size=(HEIGHT, WIDTH), crop=Crop(5, 120, 3, 90),
        video={"name": video.name, "path": str(video), "fingerprint": "0"},
        network={"run": "first", "run_folder": "/r", "snapshot": "s", "step": 10, "sha256": "0", "backbone": "net"},
        engine="torch", precision="float32", device="cpu", batch_size=4,
        project={
            "task": "reach", "date": "Nov21", "shuffle": 1, "iteration": 0, "training_fraction": 0.95, "root": "/",
        }, config={}, versions={},
    )  # fmt: skip
    PoseStore.create(video.parent / f"reach1{header.scorer}.zarr", header, chunk=8).append(keypoints, likelihood)
    return Project.open(made.root)


def test_a_pixel_clicked_on_a_cropped_image_is_that_pixel_of_the_full_frame_after_merging(
    project, served, new_page, labelling
):
    extract_outlier_frames(
        project.root / "config.yaml",
        project.root / "videos" / "reach1.mp4",
        outlieralgorithm="uncertain",
        automatic=True,
        overrides=["crop=video_sets", "n=3", "plotting=false"],
    )
    folder = project.labeled_data / "reach1"
    crops = read_crops(folder)
    assert set(crops.values()) == {CROP}

    page = new_page(served("refine").start())
    at = labelling(page)
    clicked = {}
    for frame, index in enumerate(BAD):
        at.go(frame)
        at.page.mouse.move(*at.on_screen(30, 30))
        at.page.mouse.wheel(0, -300 * frame)  # another zoom in every image: a pixel is then several on the screen
        at.page.wait_for_timeout(50)
        at.key("1")
        at.key("Delete")
        at.saved()
        screen = [value + 0.25 for value in at.on_screen(31.37 + 3 * frame, 28.79 - 2 * frame)]
        at.page.mouse.click(*screen)
        at.saved()
        clicked[index] = at.in_image(*screen)
        at.key("d")
        at.saved()
    assert page.problems == []
    merge_datasets(project.root / "config.yaml")

    table = pd.read_hdf(folder / "CollectedData_ada.h5", "df_with_missing")
    assert len(table) == len(BAD)
    for (_, _, name), row in table.iterrows():
        labels = row.droplevel("scorer").unstack("coords").loc[list(SKELETON.keypoints), ["x", "y"]].to_numpy()
        frame = frame_number(name)
        truth = true_keypoints(FRAMES, HEIGHT, WIDTH, 0).keypoints[frame, 0].copy()
        truth[0] = clicked[frame] + CROP.offset()
        assert np.abs(labels + CROP.offset() - truth).max() < 0.01
