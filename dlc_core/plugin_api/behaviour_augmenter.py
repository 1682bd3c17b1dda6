"""What an augmenter must do: image, keypoints and matrix tell the same story, whatever its generator draws.

What happened to an image is measured, not believed: a bright blob is drawn where one keypoint is, on dark ground, and
looked for in the result, where the returned matrix must have moved it. One blob may be hidden by a cover or drowned in
noise, so three are tried with each generator and their median counts, and a few generators may fail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.geometry import Preprocessing, outside, transform_points
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "left_ear", "right_ear", "tail"), symmetric=(("left_ear", "right_ear"),))
KEYPOINTS = np.array([[[70.0, 60.0], [185.5, 75.25], [120.0, 140.0], [np.nan, np.nan]]], np.float32)
SIZE = (192, 256)
SD = 6.0
"""Standard deviation of a blob in pixels: wide enough to be found at a quarter of the size and under noise."""
GENERATORS = 24
NEAR = 1.5
"""Pixels: beyond what blur, noise, compression and local equalisation move a blob by (built-ins: at most 0.4)."""
RIGHT_SHARE = 0.85
"""Of the generators; what covers the image or equalises it out of shape may spoil a few."""
TYPICAL = 0.2
"""Pixels, for the median (built-ins: below 0.01): a resize that confuses pixel centres and edges is off by 0.25."""
SURVIVING_SHARE = 0.5
"""Of the keypoints that stay in the image; some augmenters drop those that they hide."""


@dataclass(frozen=True)
class _Seen:
    """One augmented image: (h, w, 3) uint8 of the last frame, (K, 2) float32 keypoints, (3, 3) matrix."""

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    matrix: NDArray[np.float64]

    @property
    def scale(self) -> float:
        return math.sqrt(abs(np.linalg.det(self.matrix[:2, :2])))


def check_augmenter(name: str, options: dict[str, Any]) -> None:
    """Check that blobs and keypoints follow the matrix, points survive, scale is kept, and nothing else is random."""
    augmenter, unscaled = (_build(name, options, scale) for scale in (0.5, 1.0))
    if augmenter.stage not in ("sample", "batch"):
        raise AssertionError(f"{name}.stage is {augmenter.stage!r}, expected 'sample' or 'batch'")
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    seen = _augment(name, augmenter, noise)
    _check_determinism(name, augmenter, noise, seen)
    for one in seen:
        _check_keypoints(name, one)
    _check_survival(name, seen)
    _check_blobs(name, [_augment(name, augmenter, _blob(*point)) for point in KEYPOINTS[0, :3]])
    ratio = np.median([one.scale for one in seen]) / np.median([o.scale for o in _augment(name, unscaled, noise)])
    expected = 0.5 if augmenter.stage == "sample" else 1.0
    reason = "it includes global_scale" if augmenter.stage == "sample" else "images of a batch are scaled already"
    assert abs(math.log2(ratio / expected)) < 0.5, (
        f"{name}: with preprocessing.global_scale=0.5 its matrices scale by {ratio:.2f} of what they scale by with 1, "
        f"expected {expected} ({reason})"
    )


def _build(name: str, options: dict[str, Any], scale: float) -> Any:
    registry = load_plugins().registry("augmenter")
    return registry.build({"name": name, **options}, skeleton=SKELETON, preprocessing=Preprocessing(scale))


def _blob(x: float, y: float) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    values = np.rint(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SD**2)))
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=-1)


def _augment(name: str, augmenter: Any, image: NDArray[np.uint8], order: int = 1) -> list[_Seen]:
    """Return `image` as each of `GENERATORS` generators changes it; with `order` -1 the last one first."""
    seeds = range(GENERATORS)[::order]
    if augmenter.stage == "batch":
        return _augment_batch(name, augmenter, image, seeds)[::order]
    return [_augment_sample(name, augmenter, image, seed) for seed in seeds][::order]


def _augment_sample(name: str, augmenter: Any, image: NDArray[np.uint8], seed: int) -> _Seen:
    images, keypoints = np.stack([image, image]), KEYPOINTS.copy()
    sample = augmenter(images, keypoints, np.random.default_rng(seed))
    assert (images == image).all(), f"{name} changes its input images"
    assert np.array_equal(keypoints, KEYPOINTS, equal_nan=True), f"{name} changes its input keypoints"
    assert sample.images.dtype == np.uint8, f"{name}: images are {sample.images.dtype}, expected uint8"
    shape = sample.images.shape
    assert len(shape) == 4 and (shape[0], shape[3]) == (2, 3), f"{name}: two frames became images of shape {shape}"
    assert sample.keypoints.shape == KEYPOINTS.shape, f"{name}: keypoints have shape {sample.keypoints.shape}"
    if sample.ignore is not None:
        assert sample.ignore.shape == shape[1:3], f"{name}: ignore has shape {sample.ignore.shape}, images {shape}"
    return _Seen(sample.images[-1], sample.keypoints[0], np.asarray(sample.matrix, np.float64))


def _augment_batch(name: str, augmenter: Any, image: NDArray[np.uint8], seeds: range) -> list[_Seen]:
    import torch

    count = len(seeds)
    before = torch.from_numpy(image).permute(2, 0, 1).expand(count, -1, -1, -1)
    images, points = before.clone(), torch.from_numpy(KEYPOINTS).expand(count, -1, -1, -1).clone()
    new, keypoints, matrices = augmenter(images, points, [np.random.default_rng(seed) for seed in seeds])
    assert torch.equal(images, before), f"{name} changes its input images"
    assert new.dtype == torch.uint8, f"{name}: images are {new.dtype}, expected uint8"
    assert tuple(new.shape[:2]) == (count, 3), f"{name}: {count} images became a batch of shape {tuple(new.shape)}"
    assert keypoints.shape == points.shape, f"{name}: keypoints have shape {tuple(keypoints.shape)}"
    expected = (count, 3, 3)
    assert tuple(matrices.shape) == expected, f"{name}: matrices of shape {tuple(matrices.shape)}, expected {expected}"
    pixels = new.permute(0, 2, 3, 1).numpy()
    return [_Seen(*one) for one in zip(pixels, keypoints[:, 0].numpy(), matrices.double().numpy(), strict=True)]


def _check_determinism(name: str, augmenter: Any, image: NDArray[np.uint8], seen: list[_Seen]) -> None:
    for first, again in zip(seen, _augment(name, augmenter, image), strict=True):
        assert np.array_equal(first.image, again.image), f"{name}: one generator, two images"
        assert np.array_equal(first.keypoints, again.keypoints, equal_nan=True), f"{name}: one generator, two poses"
    for first, again in zip(seen, _augment(name, augmenter, image, order=-1), strict=True):
        same = np.allclose(first.matrix, again.matrix, rtol=0, atol=1e-4)
        assert same, f"{name}: what becomes of a sample depends on what was augmented before it or beside it"


def _check_keypoints(name: str, seen: _Seen) -> None:
    is_mirrored = np.linalg.det(seen.matrix[:2, :2]) < 0
    order = SKELETON.mirrored_order() if is_mirrored else np.arange(len(SKELETON.keypoints))
    expected = transform_points(seen.matrix, KEYPOINTS[0][order].astype(np.float64))
    present = ~np.isnan(seen.keypoints).any(-1)
    assert not (present & np.isnan(expected).any(-1)).any(), f"{name}: an absent keypoint came to be present"
    error = np.abs(seen.keypoints - expected)[present].max(initial=0)
    assert error < 0.01, f"{name}: keypoints are {error:.3f} px off the matrix"
    gone = outside(seen.keypoints, *seen.image.shape[:2])
    assert not gone.any(), f"{name}: a keypoint that left the image is {seen.keypoints[gone][0]}, expected NaN"


def _check_survival(name: str, seen: list[_Seen]) -> None:
    inside = survived = 0
    for one in seen:
        moved = transform_points(one.matrix, KEYPOINTS[0, :3].astype(np.float64))
        inside += int((~outside(moved, *one.image.shape[:2])).sum())
        survived += int((~np.isnan(one.keypoints).any(-1)).sum())
    points = 3 * len(seen)
    assert inside > 0.25 * points, f"{name}: of {points} keypoints its matrices leave {inside} in the image"
    assert survived >= SURVIVING_SHARE * inside, f"{name}: of {inside} keypoints in the image {survived} are returned"


def _check_blobs(name: str, by_keypoint: list[list[_Seen]]) -> None:
    """Compare where blobs are with where the matrix says; `by_keypoint[k][g]` shows blob k as generator g moved it."""
    errors = []
    for samples in zip(*by_keypoint, strict=True):
        pairs = zip(samples, KEYPOINTS[0], strict=False)
        found = [error for sample, point in pairs if (error := _blob_error(sample, point)) is not None]
        if found:
            errors.append(float(np.median(found)))
    assert len(errors) >= GENERATORS / 3, f"{name}: {len(errors)} of {GENERATORS} results show a blob that can be found"
    typical = float(np.median(errors))
    right = float(np.mean(np.array(errors) < NEAR))
    assert right >= RIGHT_SHARE, (
        f"{name}: a blob drawn at a keypoint lies within {NEAR} px of where the matrix moves it for {right:.0%} of the "
        f"generators, expected {RIGHT_SHARE:.0%}; the median distance is {typical:.1f} px"
    )
    assert typical < TYPICAL, (
        f"{name}: blobs lie {typical:.2f} px (median) from where the matrix moves them, expected less than {TYPICAL}; "
        "is a resize by s written x' = s (x + 1/2) - 1/2?"
    )


def _blob_error(seen: _Seen, point: NDArray[np.float32]) -> float | None:
    """Return how many pixels a blob lies from where it is expected, None if that is too near the edge to tell."""
    expected = transform_points(seen.matrix, point.astype(np.float64))
    height, width = seen.image.shape[:2]
    margin = 2 * SD * seen.scale + 2
    if not (margin <= expected[0] < width - margin and margin <= expected[1] < height - margin):
        return None
    return float(np.hypot(*(_find_blob(seen.image, SD * seen.scale) - expected)))


def _find_blob(image: NDArray[np.uint8], sd: float) -> NDArray[np.float64]:
    """Return x, y of the brightest spot as wide as the blob: the centroid of the squared grey level around it."""
    import cv2

    grey = image.astype(np.float32).mean(-1)
    smooth = cv2.GaussianBlur(grey, (0, 0), max(sd, 0.5), borderType=cv2.BORDER_CONSTANT)
    y, x = (float(value) for value in np.unravel_index(int(smooth.argmax()), smooth.shape))
    weights = np.clip(smooth - np.median(smooth), 0, None).astype(np.float64) ** 2
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    for _ in range(4):  # the window follows the centroid: a blob too bright for 8 bit has a flat top
        near = weights * (np.hypot(columns - x, rows - y) <= 4 * sd + 1)
        total = near.sum() or 1.0
        x, y = float((near * columns).sum() / total), float((near * rows).sum() / total)
    return np.array([x, y])
