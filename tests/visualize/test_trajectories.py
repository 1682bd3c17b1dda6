import cv2
import numpy as np
import pytest

from dlc_core.colors import dark_on_white
from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import true_keypoints
from dlc_core.inference.pose_file import PoseFile
from dlc_core.skeleton import Skeleton
from dlc_core.visualize.tracks import choose_tracks
from dlc_core.visualize.trajectories import plot_poses

NAMES = ["trajectory.png", "plot.png", "plot-likelihood.png", "hist.png"]


def color_count(path, color):
    """Return how many pixels within the axes of a picture, so not of its legend, have nearly that RGB colour."""
    picture = cv2.imread(str(path))[..., ::-1].astype(int)
    is_spine = (picture.max(axis=-1) < 60).mean(axis=0) > 0.5
    left, *_, right = np.flatnonzero(is_spine)
    assert left < 0.2 * picture.shape[1] and 0.5 * picture.shape[1] < right < picture.shape[1] - 20
    return int(
        (np.abs(picture[:, left:right] - np.asarray(color, int)).max(axis=-1) < 60).sum()
    )  # thin lines are paler


def apart(frames=120):
    """Return points that hide each other in no picture: side by side, each with jumps of another length."""
    keypoints = np.empty((frames, 1, 6, 2))
    keypoints[..., 0] = 40 + 45 * np.arange(6)
    keypoints[..., 1] = 120 + np.outer((-1) ** np.arange(frames), 2.0 ** np.arange(1, 7))[:, None]
    return keypoints


def test_the_four_pictures_are_written_and_show_every_body_part_in_its_colour(tmp_path):
    keypoints = apart()
    poses = PoseFile.from_arrays(keypoints, np.ones(keypoints.shape[:-1]), SKELETON, fps=30.0, frame_size=(240, 320))
    tracks = choose_tracks(SKELETON)
    files = plot_poses(poses, tracks, tmp_path / "plots" / "mouse", pcutoff=0.1, alphavalue=1.0)
    assert [file.name for file in files] == NAMES
    for file in (files[0], files[1], files[3]):
        assert min(color_count(file, color) for color in dark_on_white(tracks.colors)) > 30, file


def test_a_body_part_that_is_nowhere_has_its_colour_in_the_legend_alone(tmp_path):
    keypoints = apart()
    keypoints[:, 0, 2] = np.nan
    poses = PoseFile.from_arrays(keypoints, np.ones(keypoints.shape[:-1]), SKELETON, fps=30.0, frame_size=(240, 320))
    tracks = choose_tracks(SKELETON)
    files = plot_poses(poses, tracks, tmp_path, pcutoff=0.1, alphavalue=1.0)
    for file in (files[0], files[1], files[3]):
        assert color_count(file, dark_on_white(tracks.colors)[2]) == 0, file


def test_uncertain_points_are_left_out_of_the_trajectory(tmp_path):
    keypoints = true_keypoints(60, 240, 320, 0).keypoints
    likelihood = np.ones(keypoints.shape[:-1])
    likelihood[:, 0, 2] = 0.05
    tracks = choose_tracks(SKELETON)
    counts = {}
    for name, values in (("sure", np.ones_like(likelihood)), ("unsure", likelihood)):
        poses = PoseFile.from_arrays(keypoints, values, SKELETON, frame_size=(240, 320))
        picture = plot_poses(poses, tracks, tmp_path / name, pcutoff=0.1, alphavalue=1.0)[0]
        counts[name] = [color_count(picture, color) for color in dark_on_white(tracks.colors)]
    assert counts["unsure"][2] == 0 < counts["sure"][2]
    assert counts["unsure"][0] == pytest.approx(counts["sure"][0], abs=60)


def test_pictures_without_any_confident_point_say_so_and_which_pcutoff_shows_some(tmp_path, capsys):
    keypoints = apart(20)
    shown = {}
    for name, value in (("few", 0.11), ("none", 0.001), ("all", 0.5)):
        poses = PoseFile.from_arrays(keypoints, np.full(keypoints.shape[:-1], value), SKELETON, frame_size=(240, 320))
        files = plot_poses(poses, choose_tracks(SKELETON), tmp_path / name, pcutoff=0.4)
        shown[name] = capsys.readouterr().err
        middle = cv2.imread(str(files[0]))[180:-180, 180:-350]
        assert bool((middle.max(axis=-1) < 90).any()) == (name != "all"), "letters"
    assert shown["few"] == (
        "Note: no point of the video is above pcutoff=0.4, the best has 0.11; try pcutoff=0.05 or train longer.\n"
    )
    assert "the best has 0.001; train longer" in shown["none"]
    assert shown["all"] == ""


def test_poses_without_any_confident_point_and_names_with_signs_still_give_pictures(tmp_path):
    skeleton = Skeleton(("$weird_name$", "ohr (links) äöü", "%"))
    poses = PoseFile.from_arrays(np.full((5, 1, 3, 2), np.nan), np.zeros((5, 1, 3)), skeleton)
    files = plot_poses(poses, choose_tracks(skeleton), tmp_path, pcutoff=0.6)
    assert [file.name for file in files] == NAMES


def test_a_single_frame_gives_pictures(tmp_path):
    poses = PoseFile.from_arrays(np.ones((1, 1, 6, 2)), np.ones((1, 1, 6)), SKELETON, fps=30.0)
    assert len(plot_poses(poses, choose_tracks(SKELETON), tmp_path, pcutoff=0.1)) == 4
