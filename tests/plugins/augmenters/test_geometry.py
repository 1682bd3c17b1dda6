"""Keypoints and image move together to 0.01 px; `conftest` says why that can be measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlc_core.geometry import Preprocessing, transform_points
from dlc_core.skeleton import Skeleton

HEIGHT, WIDTH = 240, 331
NO_SCALE = {"scale_jitter_lo": 1.0, "scale_jitter_up": 1.0}
NO_ROTATION = {"rotratio": 0.0}
SURE_ROTATION = {"rotratio": 1.0, "rotation": 180.0}
CASES = {
    "none at full size": ("none", 1.0, {}),
    "none at half size": ("none", 0.5, {}),
    "none at 0.8": ("none", 0.8, {}),
    "none at 0.37": ("none", 0.37, {}),
    "scalecrop: scale": ("scalecrop", 1.0, {"cropping": False}),
    "scalecrop: mirror": ("scalecrop", 1.0, {"cropping": False, "mirror": True, **NO_SCALE}),
    "scalecrop: window": ("scalecrop", 1.0, {"cropratio": 1.0, "minsize": 60, **NO_SCALE}),
    "scalecrop: all": ("scalecrop", 0.8, {"cropratio": 1.0, "minsize": 60, "mirror": True}),
    "imgaug: scale": ("imgaug", 1.0, NO_ROTATION),
    "imgaug: rotation": ("imgaug", 1.0, {**NO_SCALE, **SURE_ROTATION}),
    "imgaug: mirror": ("imgaug", 1.0, {**NO_SCALE, **NO_ROTATION, "mirror": True}),
    "imgaug: crop": ("imgaug", 1.0, {**NO_SCALE, **NO_ROTATION, "crop_size": 150}),
    "imgaug: all": ("imgaug", 0.7, {**SURE_ROTATION, "mirror": True, "crop_size": 140}),
    "tensorpack: scale": ("tensorpack", 1.0, {**NO_ROTATION, "scaleratio": 1.0}),
    "tensorpack: rotation": ("tensorpack", 1.0, {**NO_SCALE, **SURE_ROTATION}),
    "tensorpack: all": ("tensorpack", 0.6, {**SURE_ROTATION, "scaleratio": 1.0, "mirror": True}),
}


def keypoints_at(x: float, y: float) -> np.ndarray:
    """Return (1, 4, 2) keypoints of which only the left ear is labelled."""
    keypoints = np.full((1, 4, 2), np.nan, np.float32)
    keypoints[0, 1] = x, y
    return keypoints


@pytest.mark.parametrize("case", CASES)
def test_the_blob_is_where_its_keypoint_is_to_a_hundredth_of_a_pixel(case: str, blobs) -> None:
    name, scale, options = CASES[case]
    augmenter = blobs.build(name, Preprocessing(scale), **options)
    positions = np.random.default_rng(5)
    measured = 0
    for seed in range(12):
        x, y = positions.uniform(60, WIDTH - 60), positions.uniform(60, HEIGHT - 60)
        keypoints = keypoints_at(x, y)
        sample = augmenter(blobs.blob(HEIGHT, WIDTH, x, y), keypoints, np.random.default_rng(seed))
        mirrored = np.linalg.det(sample.matrix[:2, :2]) < 0
        found = sample.keypoints[0, 2 if mirrored else 1]
        sd = blobs.SD * np.sqrt(abs(np.linalg.det(sample.matrix[:2, :2])))
        if blobs.is_whole(found, sample.images.shape[1:3], sd):
            error = np.abs(blobs.centre(sample.images[0]) - found)
            assert error.max() < 0.01, f"seed {seed}: {error} px"
            measured += 1
    assert measured >= 4


def test_the_measure_itself_is_good_to_a_hundredth_of_a_pixel(blobs) -> None:
    for x, y, sd in ((70.3, 81.9, 12.0), (60.5, 60.25, 3.0), (90.01, 77.7, 6.0)):
        assert np.abs(blobs.centre(blobs.blob(160, 170, x, y, sd)[0]) - (x, y)).max() < 0.004


@pytest.mark.parametrize("name", ["scalecrop", "imgaug", "tensorpack"])
def test_symmetric_pairs_swap_exactly_when_the_image_is_mirrored(name: str, blobs) -> None:
    augmenter = blobs.build(name, mirror=True)
    keypoints = np.array([[[150, 120], [160, 110], [160, 130], [140, 120]]], np.float32)
    images = blobs.blob(HEIGHT, WIDTH, 150, 120)
    seen = set()
    for seed in range(12):
        sample = augmenter(images, keypoints, np.random.default_rng(seed))
        mirrored = np.linalg.det(sample.matrix[:2, :2]) < 0
        moved = transform_points(sample.matrix, keypoints)[0]
        order = [0, 2, 1, 3] if mirrored else [0, 1, 2, 3]
        inside = np.isfinite(sample.keypoints[0]).all(-1)
        assert np.allclose(sample.keypoints[0][inside], moved[order][inside], atol=1e-3)
        seen.add(bool(mirrored))
    assert seen == {True, False}


def test_mirroring_without_pairs_says_that_left_and_right_keep_their_names(blobs, capsys) -> None:
    blobs.build("imgaug", mirror=True)
    blobs.build("scalecrop", mirror=True, skeleton=Skeleton(("hand", "tip")))
    assert capsys.readouterr().err == ""
    blobs.build("scalecrop", mirror=True, skeleton=Skeleton(("nose", "LeftEar")))
    assert "LeftEar keep their names" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["none", "scalecrop", "imgaug", "tensorpack"])
def test_points_that_leave_the_image_or_were_absent_are_nan_and_no_other(name: str, blobs) -> None:
    augmenter = blobs.build(name)
    generator = np.random.default_rng(1)
    images = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    for seed in range(20):
        keypoints = generator.uniform((0, 0), (WIDTH - 1, HEIGHT - 1), (2, 4, 2)).astype(np.float32)
        keypoints[0, 2] = np.nan
        keypoints[1, 0, 1] = np.nan  # half a point is none
        keypoints[1, 3] = -3, 20  # outside to begin with
        sample = augmenter(images, keypoints, np.random.default_rng(seed))
        height, width = sample.images.shape[1:3]
        moved = transform_points(sample.matrix, keypoints)
        x, y = moved[..., 0], moved[..., 1]
        inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        inside[1, 3] = False
        assert np.array_equal(np.isfinite(sample.keypoints).all(-1), inside)
        assert np.array_equal(np.isnan(sample.keypoints).all(-1), ~inside)


@pytest.mark.parametrize("name", ["none", "scalecrop", "imgaug", "tensorpack"])
def test_every_frame_of_a_window_is_changed_alike(name: str, blobs) -> None:
    options = {"motionblurratio": 1.0, "coverratio": 1.0, "jpegratio": 1.0} if name == "imgaug" else {}
    options |= {"noiseratio": 1.0, "contrastratio": 1.0} if name == "tensorpack" else {}
    augmenter = blobs.build(name, Preprocessing(0.5), **options)
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    keypoints = keypoints_at(100.0, 80.0)
    for seed in range(4):
        three = augmenter(np.stack([frame] * 3), keypoints, np.random.default_rng(seed)).images
        assert np.array_equal(three[0], three[1])
        assert np.array_equal(three[0], three[2])


def test_the_default_zoom_keeps_a_labelled_joint_in_the_image(blobs) -> None:
    augmenter = blobs.build("imgaug", scale_jitter_lo=1.5, scale_jitter_up=1.5, crop_size=100)
    images = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    for corner in ((1, 2), (WIDTH - 2, 1), (3, HEIGHT - 1), (WIDTH - 1, HEIGHT - 1)):
        for seed in range(10):
            sample = augmenter(images, keypoints_at(*corner), np.random.default_rng(seed))
            assert np.isfinite(sample.keypoints[0, 1]).all()
            assert sample.images.shape == (1, 100, 100, 3)


def test_scalecrop_cuts_the_window_of_the_2018_code_around_a_joint(blobs) -> None:
    options = {"minsize": 20, "leftwidth": 30, "rightwidth": 0, "topheight": 10, "bottomheight": 50}
    augmenter = blobs.build("scalecrop", cropratio=1.0, **NO_SCALE, **options)
    images = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    lefts = []
    for seed in range(50):
        sample = augmenter(images, keypoints_at(160.0, 100.0), np.random.default_rng(seed))
        x, y = sample.keypoints[0, 1]
        height, width = sample.images.shape[1:3]
        assert 20 <= x <= 51
        assert width - 1 - x == 20
        assert 20 <= y <= 31
        assert 20 <= height - 1 - y <= 71
        lefts.append(x)
    assert min(lefts) < 25
    assert max(lefts) > 45


def test_scalecrop_keeps_the_result_within_the_size_limits(blobs) -> None:
    limits = Preprocessing(1.0, max_input_size=200, min_input_size=64)
    augmenter = blobs.build("scalecrop", limits, cropping=False, scale_jitter_lo=3.0, scale_jitter_up=3.0)
    sample = augmenter(np.zeros((1, 150, 180, 3), np.uint8), keypoints_at(10, 10), np.random.default_rng(0))
    height, width = sample.images.shape[1:3]
    assert 0.98 * 200**2 < height * width <= 1.01 * 200**2


def batch_of_blobs(blobs, count: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    positions = np.random.default_rng(3).uniform((60, 60), (WIDTH - 60, HEIGHT - 60), (count, 2))
    images = np.stack([blobs.blob(HEIGHT, WIDTH, *position)[0] for position in positions])
    keypoints = np.concatenate([keypoints_at(*position) for position in positions])[:, None]
    return torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(keypoints), positions


@pytest.mark.parametrize(
    "options",
    [
        {**NO_ROTATION},
        {**NO_SCALE, **SURE_ROTATION},
        {**NO_SCALE, **NO_ROTATION, "mirror": True},
        {**SURE_ROTATION, "mirror": True, "motionblurratio": 1.0},
    ],
    ids=["scale", "rotation", "mirror", "all with motion blur"],
)
def test_kornia_moves_image_and_keypoints_together(options: dict[str, object], blobs) -> None:
    pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    augmenter = blobs.build("kornia", **options)
    images, keypoints, _ = batch_of_blobs(blobs, 12)
    new, moved, matrices = augmenter(images, keypoints, [np.random.default_rng(seed) for seed in range(12)])
    measured = 0
    for image, points, matrix in zip(new, moved, matrices, strict=True):
        determinant = float(torch.linalg.det(matrix[:2, :2]))
        found = points[0, 2 if determinant < 0 else 1].numpy()
        if blobs.is_whole(found, (HEIGHT, WIDTH), blobs.SD * abs(determinant) ** 0.5 + 1):
            error = np.abs(blobs.centre(image.permute(1, 2, 0).numpy()) - found)
            assert error.max() < 0.01
            measured += 1
    assert measured >= 4


def test_kornia_gives_a_sample_the_same_result_in_any_batch(blobs) -> None:
    pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    augmenter = blobs.build("kornia", noiseratio=1.0, motionblurratio=0.5, brightness_dif=0.2, contrast_factor_up=2.0)
    images, keypoints, _ = batch_of_blobs(blobs, 4)
    together = augmenter(images, keypoints, [np.random.default_rng(seed) for seed in range(4)])
    for index in (3, 1):
        alone = augmenter(images[[index]], keypoints[[index]], [np.random.default_rng(index)])
        difference = (alone[0][0].int() - together[0][index].int()).abs()
        assert difference.max() <= 1  # float32 sums in another order may round the other way
        assert torch.equal(alone[1][0].nan_to_num(-1), together[1][index].nan_to_num(-1))
