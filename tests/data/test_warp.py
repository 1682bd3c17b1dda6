"""The one warp, against OpenCV's area resize, SciPy and arithmetic."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from dlc_core.data.warp import move_keypoints, preprocess, warp_images
from dlc_core.geometry import Preprocessing, rotation, scaling, translation


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def test_without_scaling_nothing_changes_and_nothing_is_shared(image) -> None:
    keypoints = np.array([[[3.25, 4.5], [np.nan, np.nan]]], np.float32)
    sample = preprocess(image[None], keypoints, Preprocessing())
    assert np.array_equal(sample.images[0], image)
    assert not np.shares_memory(sample.images, image)
    assert np.array_equal(sample.keypoints, keypoints, equal_nan=True)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_shrinking_by_a_whole_number_is_the_mean_over_blocks(image, k) -> None:
    new = warp_images(image[None], scaling(1 / k), (60 // k, 90 // k))[0]
    means = image.reshape(60 // k, k, 90 // k, k, 3).astype(float).mean((1, 3))
    assert np.abs(new - means).max() <= 0.5 + 1e-6


def test_a_size_that_does_not_divide_keeps_its_last_pixels() -> None:
    image = np.zeros((1, 5, 5, 3), np.uint8)
    image[:, :, 4] = 200
    new = warp_images(image, scaling(0.5), (3, 3))
    assert (new[0, :, 2] == 200).all()
    assert (new[0, :, :2] == 0).all()


def test_shrinking_makes_no_false_pattern_of_fine_stripes() -> None:
    stripes = np.zeros((1, 120, 120, 3), np.uint8)
    stripes[:, :, ::2] = 255  # a period of 2 px cannot be shown at a quarter of the size: the result must be plain grey
    new = warp_images(stripes, scaling(0.23), (28, 28))
    assert np.abs(new[0, 2:-2, 2:-2].astype(int) - 127.5).max() < 40
    assert np.abs(cv2.warpAffine(stripes[0], scaling(0.23)[:2], (28, 28))[2:-2, 2:-2].astype(int) - 127.5).max() > 100


def test_a_rotation_agrees_with_an_interpolation_in_float64(image) -> None:
    smooth = ndimage.gaussian_filter(image.astype(float), (3, 3, 0))
    smooth = np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    matrix = translation(2.3, -1.7) @ rotation(31, (44, 29)) @ scaling(1.2)
    new = warp_images(smooth[None], matrix, (50, 80))[0]
    rows, columns = np.mgrid[:50, :80]
    old = np.einsum("ij,jhw->ihw", np.linalg.inv(matrix), np.stack([columns, rows, np.ones((50, 80))]))
    expected = ndimage.map_coordinates(smooth[..., 1].astype(float), [old[1], old[0]], order=1, cval=0.0)
    inside = (old[0] >= 0) & (old[0] <= 89) & (old[1] >= 0) & (old[1] <= 59)
    # older OpenCV rounds positions to 1/32 px, worth up to 0.6 grey levels here; the newest differs by rounding only
    assert np.abs(new[..., 1] - expected)[inside].max() < 1.5
    far = (old[0] < -1) | (old[0] > 90) | (old[1] < -1) | (old[1] > 60)
    assert (new[far] == 0).all()


def test_enlarging_leaves_no_dark_rim() -> None:
    grey = np.full((1, 20, 30, 3), 180, np.uint8)
    for scale in (1.3, 2.0, 0.7):
        preprocessing = Preprocessing(scale)
        assert (warp_images(grey, preprocessing.matrix(), preprocessing.output_size(20, 30)) == 180).all()


def test_every_frame_of_a_window_is_warped(image) -> None:
    frames = np.stack([image, 255 - image])
    both = warp_images(frames, scaling(0.6), (36, 54))
    for frame, new in zip(frames, both, strict=True):
        assert np.array_equal(warp_images(frame[None], scaling(0.6), (36, 54))[0], new)


def test_a_point_is_lost_when_it_leaves_the_old_or_the_new_image() -> None:
    points = np.array([[-0.5, 0], [9.4, 9.4], [9.5, 3], [-0.6, 3], [5, 5], [np.nan, 2]], np.float32)
    moved = move_keypoints(points, translation(-5, 0), (10, 10), (10, 20))
    assert np.array_equal(np.isfinite(moved).all(-1), [False, True, False, False, True, False])
    assert np.array_equal(moved[4], [0, 5])
