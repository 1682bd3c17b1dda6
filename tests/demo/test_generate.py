import numpy as np
import pytest

from dlc_core.demo.animal import SKELETON, draw, postures
from dlc_core.demo.generate import generate_frames, generate_video, ground, true_keypoints
from dlc_core.errors import ConfigError

LEFT, RIGHT, TIP = (SKELETON.keypoints.index(name) for name in ("leftear", "rightear", "tailtip"))


def centroid(weight, near, radius):
    """Return the centre of mass of `weight` within `radius` pixels of a point, x and y."""
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    weight = np.where((x - near[0]) ** 2 + (y - near[1]) ** 2 <= radius**2, weight, 0.0)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_centre_of_a_drawn_tag_is_the_stated_keypoint_to_a_tenth_of_a_pixel(seed):
    grey = np.full((240, 320, 3), 150, np.uint8)
    errors = []
    for posture in postures(60, 240, 320, seed)[::6]:
        image = draw(grey, posture).astype(float)
        redness = image[..., 0] - image[..., 2] - 50  # zero for the skin of the ear around the tag
        for part, tag in ((LEFT, redness), (RIGHT, -redness)):
            point = posture.keypoints[part]
            errors.append(centroid(tag, point, 0.26 * posture.unit) - point)
    assert np.abs(errors).max() < 0.1
    assert np.abs(np.mean(errors, axis=0)).max() < 0.03  # no systematic shift: a half-pixel convention would show


def test_every_keypoint_stays_inside_the_image_for_many_seeds_and_sizes():
    for seed in range(12):
        for height, width in ((240, 320), (64, 64), (200, 90)):
            points = true_keypoints(200, height, width, seed).keypoints
            assert points.shape == (200, 1, 6, 2)
            assert points.dtype == np.float32
            assert (points >= 0).all()
            assert (points[..., 0] <= width - 1).all()
            assert (points[..., 1] <= height - 1).all()


def test_left_is_left_of_the_direction_in_which_the_animal_looks():
    points = true_keypoints(100, 240, 320, 3).keypoints[:, 0]
    forward = points[:, 0] - points[:, 3]
    to_left = points[:, LEFT] - points[:, RIGHT]
    assert (forward[:, 0] * to_left[:, 1] - forward[:, 1] * to_left[:, 0] < 0).all()  # y points down


def test_parts_move_smoothly():
    steps = np.linalg.norm(np.diff(true_keypoints(300, 240, 320, 0).keypoints, axis=0), axis=-1)
    assert steps.max() < 15
    assert steps.mean() > 0.5


def test_the_same_arguments_give_the_same_frames_and_a_longer_video_begins_with_the_shorter():
    short = list(generate_frames(3, 96, 128, seed=5))
    long = list(generate_frames(6, 96, 128, seed=5))
    np.testing.assert_array_equal(short, long[:3])
    assert not np.array_equal(short[0], next(generate_frames(1, 96, 128, seed=6)))
    np.testing.assert_array_equal(true_keypoints(3, 96, 128, 5).keypoints, true_keypoints(6, 96, 128, 5).keypoints[:3])


def test_the_drawing_leaves_the_ground_as_it_was():
    floor = ground(96, 128, 0)
    before = floor.copy()
    assert not np.array_equal(draw(floor, postures(1, 96, 128, 0)[0]), before)
    np.testing.assert_array_equal(floor, before)


def test_the_written_video_shows_the_animal_where_the_truth_says(tmp_path):
    from dlc_core.video.reader import VideoReader

    truth = generate_video(tmp_path / "animal.mp4", frames=12, height=240, width=320, seed=0)
    np.testing.assert_array_equal(truth.keypoints, true_keypoints(12, 240, 320, 0).keypoints)
    errors = []
    with VideoReader(tmp_path / "animal.mp4") as video:
        assert (video.frame_count, video.height, video.width, video.fps) == (12, 240, 320, 30.0)
        for index, frame in video.frames():
            image = frame.astype(float)
            for part, channels in ((LEFT, (0, 2)), (RIGHT, (2, 0))):
                excess = np.clip(image[..., channels[0]] - image[..., channels[1]] - 40, 0, None)
                point = truth.keypoints[index, 0, part]
                errors.append(centroid(excess, point, 8) - point)
    # Colour is stored at half resolution in yuv420p and coded differently by every build of an encoder: a single
    # centroid is good to half a pixel; their mean shows whether all of them are shifted.
    assert np.abs(errors).max() < 1
    assert np.abs(np.mean(errors, axis=0)).max() < 0.25


def test_sizes_that_cannot_be_drawn_are_named():
    with pytest.raises(ConfigError, match="0 frames"):
        true_keypoints(0, 240, 320, 0)
    with pytest.raises(ConfigError, match="16 x 320"):
        true_keypoints(5, 16, 320, 0)
