"""Pictures of what a detector thought: the score, and the fit with its interval."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.plots import PlotText, plot_outliers
from dlc_core.outliers.structures import FrameScores
from dlc_core.skeleton import Skeleton

TEXT = PlotText("mouse DLC_x   detector=arima", interval="99 % interval")
BLUE, RED = (31, 111, 180), (214, 39, 40)


def pixels(path: Path, color: tuple[int, int, int]) -> np.ndarray:
    """Return where a picture has that RGB colour, or nearly: thin lines are paler."""
    picture = cv2.imread(str(path))[..., ::-1].astype(int)
    return np.abs(picture - np.array(color)).max(axis=-1) < 60


def made(frames: int, skeleton: Skeleton, outliers=(), flat: bool = False) -> tuple[PoseFile, FrameScores]:
    """Return a slow walk with jumps of 60 px in the `outliers`, and the curves of a good fit."""
    shape = (frames, len(skeleton.individuals), len(skeleton.keypoints), 2)
    fit = np.broadcast_to(200 + 50 * np.sin(np.arange(frames) / 9)[:, None, None, None], shape).astype(np.float32)
    points = fit + 1
    points[list(outliers)] += 60
    distance = np.linalg.norm(points - fit, axis=-1)
    curves = {"fit": fit, "lower": fit - 5, "upper": fit + 5, "distance": distance}
    if flat:  # without the axis of individuals
        curves = {name: curve[:, 0] for name, curve in curves.items()}
    score = distance.mean(axis=(1, 2)).astype(np.float32)
    poses = PoseFile.from_arrays(points, np.ones(shape[:-1]), skeleton, fps=30.0)
    return poses, FrameScores(score, 20.0, curves=curves)


@pytest.mark.parametrize(("frames", "flat"), [(200, False), (30_000, True)])
def test_each_body_part_that_counts_has_a_picture_of_its_fit(tmp_path, frames, flat):
    poses, scores = made(frames, Skeleton(("nose", "tail")), outliers=(50, 51, 120), flat=flat)
    written = plot_outliers(poses, scores, scores.outliers(), np.array([False, True]), tmp_path / "new", TEXT)
    assert [path.name for path in written] == ["score.png", "fit-tail.png"]
    for path in written[1:]:
        assert pixels(path, BLUE).sum() > 200, "the fit"
        assert pixels(path, RED).sum() > 50, "the threshold and the outliers"
    assert pixels(written[0], RED).sum() > 50


def test_pictures_of_an_earlier_run_do_not_stay_beside_those_of_this_one(tmp_path):
    poses, scores = made(60, Skeleton(("nose", "tail")), outliers=(50,))
    (tmp_path / "mine.png").write_bytes(b"a picture of the user's")
    for counted in ([True, True], [False, True]):
        plot_outliers(poses, scores, scores.outliers(), np.array(counted), tmp_path, TEXT)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.png", "score.png", "fit-tail.png"}
    without = FrameScores(scores.score, 20.0)
    plot_outliers(poses, without, scores.outliers(), np.ones(2, bool), tmp_path, TEXT)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.png", "score.png"}


def test_only_the_score_is_drawn_for_a_detector_that_fits_nothing(tmp_path):
    poses, scores = made(100, Skeleton(("nose",)), outliers=(50,))
    for curves in ({}, {"distance": scores.curves["distance"]}, dict(scores.curves, fit=scores.curves["fit"][:50])):
        drawn = plot_outliers(
            poses, FrameScores(scores.score, 20.0, curves=curves), np.array([50]), np.ones(1, bool), tmp_path, TEXT
        )
        assert [path.name for path in drawn] == ["score.png"]


def test_frames_that_were_not_asked_for_are_shaded(tmp_path):
    poses, scores = made(200, Skeleton(("nose",)), outliers=(50, 120))
    shaded = {}
    for name, between in (("all", np.arange(200)), ("half", np.arange(100)), ("none", np.arange(0))):
        for path in plot_outliers(poses, scores, np.array([50]), np.ones(1, bool), tmp_path / name, TEXT, between):
            shaded[name, path.name] = int((cv2.imread(str(path)) == 216).all(axis=-1).sum())
    for picture in ("score.png", "fit-nose.png"):
        assert shaded["half", picture] > 10_000 > shaded["all", picture] == shaded["none", picture]


def test_names_with_signs_and_several_animals_have_files_of_their_own(tmp_path):
    exists = np.array([[True, True, False], [False, False, True]])
    skeleton = Skeleton(("a/b", "a:b", "$x$"), individuals=("mouse 1", "mouse 2"), exists=exists)
    poses, scores = made(60, skeleton, outliers=(30,))
    written = plot_outliers(poses, scores, scores.outliers(), np.ones(3, bool), tmp_path, TEXT)
    names = [path.name for path in written[1:]]
    assert names == ["fit-mouse_1_a_b.png", "fit-mouse_1_a_b-2.png", "fit-mouse_2_x_.png"]
    assert all(path.is_file() for path in written)


def test_scores_without_a_number_a_single_frame_and_a_part_that_was_not_fitted_still_give_pictures(tmp_path):
    none = np.zeros(0, np.int64)
    poses, scores = made(1, Skeleton(("nose", "tail")))
    assert len(plot_outliers(poses, scores, none, np.ones(2, bool), tmp_path / "one", TEXT)) == 3
    poses, scores = made(40, Skeleton(("nose", "tail")))
    curves = {name: np.array(curve) for name, curve in scores.curves.items()}
    for curve in curves.values():
        curve[:, 0, 0] = np.nan
    empty = FrameScores(np.full(40, np.nan, np.float32), 20.0, curves=curves)
    written = plot_outliers(poses, empty, none, np.ones(2, bool), tmp_path / "nan", TEXT)
    assert [path.name for path in written] == ["score.png", "fit-tail.png"]
