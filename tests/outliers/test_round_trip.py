"""A pixel of the full frame stays that pixel: cropped, found, corrected, merged, and read by pandas from the h5."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from dlc_plugins.frame_selectors.uniform import Uniform
from dlc_plugins.outlier_detectors.uncertain import Uncertain

from dlc_core.demo.animal import SKELETON
from dlc_core.frames.frame_files import frame_number, read_crops
from dlc_core.inference.pose_file import PoseFile
from dlc_core.labels.machine import machine_file, read_machine
from dlc_core.outliers.extract import Choice, extract_outliers, find_outliers
from dlc_core.project.project import Project
from dlc_core.refine.editing import Edit, RefineEditor
from dlc_core.refine.merge import merge
from dlc_core.video.crop import Crop

from .conftest import HEIGHT, WIDTH, poses_of, write_store

BAD = (4, 20, 41)
MOVED = (0.37, -2.21)
"""How far the person moves the snout, in pixels of the full frame."""


@pytest.mark.parametrize("analysed", [None, Crop(5, 120, 3, 90)])
def test_a_corrected_point_of_a_cropped_image_is_the_same_pixel_of_the_frame_after_merging(project, video, analysed):
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace(f"0, {WIDTH}, 0, {HEIGHT}", "24, 100, 12, 80", 1))
    project = Project.open(project.root)
    poses = PoseFile.open(write_store(video, bad=BAD, crop=analysed))
    choice = Choice(Uniform(), n=3)
    found = find_outliers(project, video, poses, Uncertain(0.01, False, SKELETON), choice)
    _, extracted = extract_outliers(project, found, choice)
    crops = read_crops(extracted.folder)
    truth = poses_of(video)[0][:, 0].astype(float)

    with RefineEditor.open(project, extracted.folder) as editor:
        for image in editor.images:
            name = image.rsplit("/", 1)[-1]
            corner = crops[name].offset()
            x, y = truth[frame_number(name), 0] + MOVED - corner  # where the person clicks, in pixels of the image
            editor.apply(Edit(image=image, set={"snout": (x, y)}))
            editor.mark_done(image, pcutoff=0.5)
    assert read_machine(machine_file(extracted.folder, 0)).likelihood[:, 0, 0].tolist() == [1.0] * 3
    merged = merge(project)
    assert merged is not None and merged.project.iteration == 1

    table = pd.read_hdf(extracted.folder / "CollectedData_ada.h5", "df_with_missing")
    assert len(table) == 3
    for (_, _, name), row in table.iterrows():
        expected = truth[frame_number(name)] + np.outer(np.arange(6) == 0, MOVED)
        labels = row.droplevel("scorer").unstack("coords").loc[list(SKELETON.keypoints), ["x", "y"]].to_numpy()
        assert np.abs(labels + crops[name].offset() - expected).max() < 0.01
