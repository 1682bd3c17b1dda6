import itertools

import numpy as np
import pytest

from dlc_core.demo.animal import SKELETON, draw, postures
from dlc_core.demo.change import CHANGE_FRAMES, FIRST, SECOND, scene
from dlc_core.demo.generate import generate_frames, true_keypoints
from dlc_core.errors import ConfigError

LEFT, RIGHT = (SKELETON.keypoints.index(name) for name in ("leftear", "rightear"))


def test_a_change_leaves_the_frames_before_it_as_they_are():
    plain = list(generate_frames(8, 96, 128, seed=5))
    changed = list(generate_frames(8, 96, 128, seed=5, change_at=4))
    np.testing.assert_array_equal(plain[:5], changed[:5])
    assert not np.array_equal(plain[7], changed[7])
    np.testing.assert_array_equal(
        true_keypoints(300, 96, 128, 5).keypoints[:201], true_keypoints(300, 96, 128, 5, 200).keypoints[:201]
    )


def test_a_longer_changed_video_begins_with_the_shorter():
    short, long = (true_keypoints(frames, 96, 128, 5, change_at=20).keypoints for frames in (60, 90))
    np.testing.assert_array_equal(short, long[:60])


def test_the_change_is_gradual_and_then_complete():
    assert scene(10, None) == scene(10, 10) == scene(9, 10) == FIRST
    lights = [scene(frame, 10).light for frame in range(10, 10 + CHANGE_FRAMES + 1)]
    assert all(a > b for a, b in itertools.pairwise(lights))
    assert max(a - b for a, b in itertools.pairwise(lights)) < 0.03
    assert scene(10 + CHANGE_FRAMES, 10) == scene(900, 10) == SECOND


def test_the_second_animal_moves_more_and_nothing_jumps_at_the_change():
    points = true_keypoints(1000, 240, 320, 0, change_at=500).keypoints
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    assert steps[540:].mean() > 1.5 * steps[:500].mean()
    assert steps[495:535].max() < 20


def test_every_keypoint_stays_inside_the_image_after_a_change():
    for seed in range(3):
        for height, width in ((240, 320), (64, 64), (200, 90)):
            points = true_keypoints(300, height, width, seed, change_at=0).keypoints
            assert (points >= 0).all()
            assert (points[..., 0] <= width - 1).all()
            assert (points[..., 1] <= height - 1).all()


def test_the_tags_of_the_second_animal_are_where_the_truth_says():
    grey = np.full((240, 320, 3), 150, np.uint8)
    y, x = np.mgrid[:240, :320]
    for posture in postures(300, 240, 320, 2, change_at=0)[100::40]:
        image = draw(grey, posture, SECOND.look).astype(float)
        red, green, blue = image[..., 0], image[..., 1], image[..., 2]
        # Both are zero for the skin of the ear around the tag.
        for part, weight in ((LEFT, np.clip(green - red, 0, None)), (RIGHT, np.clip(red - blue - 60, 0, None))):
            px, py = posture.keypoints[part]
            near = weight * ((x - px) ** 2 + (y - py) ** 2 <= (0.26 * posture.unit) ** 2)
            centre = np.array([(near * x).sum(), (near * y).sum()]) / near.sum()
            assert np.abs(centre - (px, py)).max() < 0.1


def test_a_change_outside_the_video_is_named():
    with pytest.raises(ConfigError, match="change_at is 30"):
        true_keypoints(30, 240, 320, 0, change_at=30)
