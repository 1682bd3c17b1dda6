"""The one warp of an image and its keypoints: what preprocessing and every augmenter end in.

A chain of resizes, rotations, mirrors and crops is multiplied into one matrix and applied here once, so the image
is interpolated once and image and keypoints cannot drift apart.

Making an image smaller with bilinear interpolation skips pixels: below half size, fur and noise turn into false
patterns. So an image that shrinks by k or more (k a whole number) is first averaged over blocks of k x k whole
pixels, which is not an interpolation and whose matrix, ``scaling(1 / k)``, is known exactly; the one bilinear warp
then does the rest, a factor between 1/2 and 1. At exactly 1/k the result is the area average and nothing else.
Between 1/2 and 1 bilinear interpolation already looks at two pixels an axis, as wide as the new pixel. The
averaging is the fast path as well: the warp then reads a small image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.geometry import Matrix, Preprocessing, outside, scaling, transform_points

Images = NDArray[np.uint8]

FILL = 0
"""Grey level of what lies outside the image: black, as the padding of batches and of the network's input."""


def warp_images(images: Images, matrix: Matrix, size: tuple[int, int]) -> Images:
    """Return `images` moved by one affine matrix.

    Parameters
    ----------
    images : (T, H, W, 3) uint8
        The same matrix is applied to all.
    matrix : (3, 3) float64
        Old pixels to new pixels, centres at integer coordinates.
    size : (height, width)
        Of the new images.

    Returns
    -------
    (T, height, width, 3) uint8
        `FILL` where the old image does not reach. An image that fills the new one has its edge pixels continued
        instead, so that enlarging it leaves no dark rim.
    """
    height, width = size
    if (height, width) == images.shape[1:3] and np.array_equal(matrix, np.eye(3)):
        return images.copy()
    covered = _is_covered(matrix, images.shape[1:3], size)
    border = cv2.BORDER_REPLICATE if covered else cv2.BORDER_CONSTANT
    k = max(1, int(1 / np.linalg.norm(matrix[:2, :2], 2) + 1e-6))
    remaining = matrix @ scaling(k)
    new = np.empty((len(images), height, width, 3), np.uint8)
    for old, target in zip(images, new, strict=True):
        small = _block_means(old, k)
        if small.shape == target.shape and np.allclose(remaining, np.eye(3), rtol=0, atol=1e-9):
            target[:] = small
            continue
        cv2.warpAffine(
            small,
            remaining[:2],
            (width, height),
            dst=target,
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=(FILL, FILL, FILL),
        )
    return new


def move_keypoints(
    keypoints: NDArray[np.float32], matrix: Matrix, old_size: tuple[int, int], new_size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return keypoints moved by `matrix`, NaN where they were absent or lie outside the old or the new image.

    Parameters
    ----------
    keypoints : (..., 2) float32
    matrix : (3, 3) float64
    old_size, new_size : (height, width)

    Returns
    -------
    (..., 2) float32
    """
    moved = transform_points(matrix, keypoints).astype(np.float32)
    gone = outside(keypoints, *old_size) | outside(moved, *new_size) | ~np.isfinite(moved).all(-1)
    moved[gone] = np.nan
    return moved


def preprocess(images: Images, keypoints: NDArray[np.float32], preprocessing: Preprocessing) -> AugmentedSample:
    """Return a sample after the plain preprocessing warp, nothing random.

    Parameters
    ----------
    images : (T, H, W, 3) uint8
    keypoints : (I, K, 2) float32
        Pixels of `images`, NaN where absent.
    preprocessing : Preprocessing
    """
    old_size = images.shape[1], images.shape[2]
    new_size = preprocessing.output_size(*old_size)
    matrix = preprocessing.matrix()
    return AugmentedSample(
        images=warp_images(images, matrix, new_size),
        keypoints=move_keypoints(keypoints, matrix, old_size, new_size),
        matrix=matrix,
    )


def _is_covered(matrix: Matrix, old_size: tuple[int, ...], new_size: tuple[int, int]) -> bool:
    """Tell whether the centre of every new pixel lies in the area of the old image."""
    bottom, right = new_size[0] - 1, new_size[1] - 1
    corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float64)
    x, y = transform_points(np.asarray(np.linalg.inv(matrix), np.float64), corners).T
    slack = 1e-6  # the last column of a resize may touch the edge exactly
    inside_x = (x >= -0.5 - slack) & (x <= old_size[1] - 0.5 + slack)
    inside_y = (y >= -0.5 - slack) & (y <= old_size[0] - 0.5 + slack)
    return bool((inside_x & inside_y).all())


def _block_means(image: Images, k: int) -> Images:
    """Return the means of k x k pixels; the last row and column are repeated to fill the last blocks."""
    if k == 1:
        return image
    height, width = image.shape[:2]
    rows, columns = -(-height // k), -(-width // k)
    below, beside = rows * k - height, columns * k - width
    if below or beside:
        image = np.pad(image, ((0, below), (0, beside), (0, 0)), mode="edge")
    return np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
