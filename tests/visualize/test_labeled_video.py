import numpy as np
import pytest

from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import generate_video
from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader
from dlc_core.visualize.labeled_video import DotStyle, draw_poses, write_labeled_video
from dlc_core.visualize.tracks import choose_tracks

TRACKS = choose_tracks(SKELETON)
GREY = np.full((120, 160, 3), 128, np.uint8)
NOWHERE = np.full((6, 2), np.nan)


def one_point(x, y):
    points = NOWHERE.copy()
    points[0] = x, y
    return points


def test_a_confident_point_is_a_disc_of_the_given_diameter_centred_on_it():
    drawn = draw_poses(GREY, one_point(70.25, 60.5), np.ones(6), TRACKS, DotStyle(dotsize=14, alphavalue=1))
    weight = np.abs(drawn.astype(float) - 128).max(axis=-1)  # of the rim 108, within it 127
    y, x = np.mgrid[:120, :160]
    assert (weight * x).sum() / weight.sum() == pytest.approx(70.25, abs=0.1)
    assert (weight * y).sum() / weight.sum() == pytest.approx(60.5, abs=0.1)
    assert weight.sum() / weight[60, 70] == pytest.approx(np.pi * 7**2, rel=0.15)  # OpenCV's rims are half a pixel wide
    np.testing.assert_array_equal(drawn[60, 70], TRACKS.colors[0])


def test_a_dot_of_the_colour_of_the_ground_is_seen_by_its_dark_rim():
    ground = np.empty_like(GREY)
    ground[:] = TRACKS.colors[0]
    for likelihood in (1.0, 0.0):
        drawn = draw_poses(ground, one_point(70, 60), np.full(6, likelihood), TRACKS, DotStyle(12, alphavalue=1))
        np.testing.assert_array_equal(drawn[60, 70], TRACKS.colors[0])
        assert drawn[60, 74:79, 0].min() < 180  # of 255
        assert (drawn[60, 79:] == TRACKS.colors[0]).all()


def test_an_uncertain_point_is_an_open_circle():
    likelihood = np.full(6, 0.05)
    drawn = draw_poses(GREY, one_point(70, 60), likelihood, TRACKS, DotStyle(dotsize=14, alphavalue=1, pcutoff=0.1))
    np.testing.assert_array_equal(drawn[60, 70], GREY[60, 70])
    np.testing.assert_array_equal(drawn[60, 76], TRACKS.colors[0])


def test_opacity_mixes_the_dot_with_the_frame_and_leaves_the_frame_alone():
    frame = GREY.copy()
    drawn = draw_poses(frame, one_point(70, 60), np.ones(6), TRACKS, DotStyle(dotsize=14, alphavalue=0.25))
    expected = 0.25 * TRACKS.colors[0].astype(float) + 0.75 * 128
    np.testing.assert_allclose(drawn[60, 70], expected, atol=1)
    np.testing.assert_array_equal(frame, GREY)


def test_the_skeleton_joins_confident_points_only():
    points = np.column_stack([np.linspace(20, 140, 6), np.full(6, 60.0)])
    style = DotStyle(dotsize=6, alphavalue=1, line_color=(0, 0, 0))
    edge = TRACKS.edges[-1]  # tail base and tail tip, neighbours in this row of points
    middle = int(points[list(edge), 0].mean())
    likelihood = np.ones(6)
    assert draw_poses(GREY, points, likelihood, TRACKS, style)[60, middle].max() < 30
    likelihood[edge[1]] = 0.0
    np.testing.assert_array_equal(draw_poses(GREY, points, likelihood, TRACKS, style)[60, middle], GREY[60, middle])


def test_points_that_are_absent_or_far_outside_are_no_error():
    points = one_point(1e12, -1e12)
    points[1] = np.inf
    style = DotStyle(line_color=(0, 0, 0), trailpoints=2)
    np.testing.assert_array_equal(draw_poses(GREY, points, np.ones(6), TRACKS, style, [points, NOWHERE]), GREY)


@pytest.fixture(scope="module")
def mouse(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "mouse.mp4"
    truth = generate_video(path, frames=8, height=120, width=160, seed=1)
    likelihood = np.ones(truth.keypoints.shape[:-1])
    return path, PoseFile.from_arrays(truth.keypoints, likelihood, SKELETON, scorer="DLC_x", fps=30.0)


def test_the_labelled_video_has_every_frame_with_dots_at_the_poses(mouse, tmp_path):
    video, poses = mouse
    counted = []
    path = tmp_path / "out.mp4"
    n = write_labeled_video(video, poses, path, TRACKS, DotStyle(dotsize=9, alphavalue=1), advance=counted.append)
    assert n == 8 == sum(counted)
    with VideoReader(path) as labeled:
        assert (labeled.frame_count, labeled.height, labeled.width, labeled.fps) == (8, 120, 160, 30.0)
        for index in (0, 7):
            image = labeled.read(index).astype(int)
            x, y = np.rint(poses.keypoints[index, 0, 5]).astype(int)  # the tail tip stands alone
            assert np.abs(image[y, x] - TRACKS.colors[5]).max() < 60  # H.264 stores colour at half resolution


def test_a_trail_leaves_marks_where_the_point_was(mouse, tmp_path):
    video, poses = mouse
    keypoints = poses.load().keypoints.copy()
    keypoints[:, 0, :] = (20, 20)
    keypoints[:, 0, 5] = np.column_stack([20 + 15 * np.arange(8), np.full(8, 100)])
    moved = PoseFile.from_arrays(keypoints, np.ones(keypoints.shape[:-1]), SKELETON)
    style = DotStyle(dotsize=12, alphavalue=1, trailpoints=3)
    write_labeled_video(video, moved, tmp_path / "trail.mp4", TRACKS, style)
    with VideoReader(tmp_path / "trail.mp4") as labeled, VideoReader(video) as plain:
        change = np.abs(labeled.read(7).astype(int) - plain.read(7).astype(int)).max(axis=-1)
    marked = [bool(change[99:102, 20 + 15 * frame - 1 : 20 + 15 * frame + 2].max() > 60) for frame in range(8)]
    assert marked == [False] * 4 + [True] * 4


def test_a_crop_shows_that_part_with_the_dots_moved_along(mouse, tmp_path):
    video, poses = mouse
    x, y = np.rint(poses.keypoints[3, 0, 5]).astype(int)
    crop = Crop(max(x - 20, 0), x + 20, max(y - 20, 0), y + 20).within(120, 160)
    write_labeled_video(video, poses, tmp_path / "crop.mp4", TRACKS, DotStyle(dotsize=9, alphavalue=1), crop)
    with VideoReader(tmp_path / "crop.mp4") as labeled:
        assert (labeled.height, labeled.width) in {(crop.height + crop.height % 2, crop.width + crop.width % 2)}
        image = labeled.read(3).astype(int)
    assert np.abs(image[y - crop.y1, x - crop.x1] - TRACKS.colors[5]).max() < 60


def test_poses_of_another_frame_size_are_refused_and_nothing_is_written(mouse, tmp_path):
    video, poses = mouse
    doubled = PoseFile.from_arrays(2 * poses.keypoints[:], poses.likelihood[:], SKELETON, frame_size=(240, 320))
    with pytest.raises(DataError, match=r"160 x 120 pixels, those of the poses 320 x 240"):
        write_labeled_video(video, doubled, tmp_path / "no.mp4", TRACKS, DotStyle())
    assert list(tmp_path.iterdir()) == []


def test_poses_of_another_length_are_refused_and_nothing_is_written(mouse, tmp_path):
    video, poses = mouse
    short = PoseFile.from_arrays(poses.keypoints[:5], poses.likelihood[:5], SKELETON)
    with pytest.raises(DataError, match=r"8 readable frames, the poses 5"):
        write_labeled_video(video, short, tmp_path / "no.mp4", TRACKS, DotStyle())
    assert list(tmp_path.iterdir()) == []
