"""Plane geometry of images and keypoints: 3x3 matrices over pixel coordinates whose pixel centres are integers.

Every warp of this project is one matrix, applied once to the image and once to the keypoints, so the two cannot
drift. A resize by s is x' = s (x + 1/2) - 1/2 and not x' = s x: the edges of the image coincide, not the centres of
its first pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Preprocessing:
    """The warp that every image of a run goes through, in training and afterwards.

    Parameters
    ----------
    global_scale : float
        Factor by which images are scaled before the network sees them.
    max_input_size, min_input_size : int
        An image whose scaled area lies above ``max_input_size ** 2`` or below ``min_input_size ** 2`` pixels is not
        trained on.
        The limits come from DeepLabCut's ``pose_cfg.yaml``.
    """

    global_scale: float = 1.0
    max_input_size: int = 1500
    min_input_size: int = 64

    def __post_init__(self) -> None:
        if self.max_input_size < 1:  # first, because an automatic scale follows from it
            raise ConfigError(
                f"preprocessing.max_input_size is {self.max_input_size}; a side in pixels, 1 or more, is needed."
            )
        if not 0 < self.global_scale <= 10:
            raise ConfigError(
                f"preprocessing.global_scale is {self.global_scale}; a factor above 0 and up to 10 is needed."
            )
        if self.min_input_size > self.max_input_size:
            raise ConfigError(
                f"preprocessing.min_input_size is {self.min_input_size}, which is more than "
                f"preprocessing.max_input_size, {self.max_input_size}; no image could be trained on. Change one."
            )

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of an image of that size after scaling, at least 1 x 1."""
        return max(1, round(height * self.global_scale)), max(1, round(width * self.global_scale))

    def matrix(self) -> Matrix:
        """Return the (3, 3) float64 matrix from image pixels to network-input pixels."""
        return scaling(self.global_scale)

    def accepts(self, height: int, width: int) -> bool:
        """Tell whether an image of that size is trained on."""
        area = height * width * self.global_scale**2
        return self.min_input_size**2 <= area <= self.max_input_size**2


def translation(x: float, y: float) -> Matrix:
    """Return the (3, 3) float64 matrix that moves points by (x, y) pixels."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def scaling(sx: float, sy: float | None = None) -> Matrix:
    """Return the (3, 3) float64 matrix of a resize: x' = s (x + 1/2) - 1/2."""
    sy = sx if sy is None else sy
    return np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]], np.float64)


def rotation(degrees: float, centre: tuple[float, float]) -> Matrix:
    """Return the (3, 3) float64 matrix of a rotation about `centre`, clockwise on screen (y points down)."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    about_origin = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float64)
    return translation(*centre) @ about_origin @ translation(-centre[0], -centre[1])


def mirroring(width: int) -> Matrix:
    """Return the (3, 3) float64 matrix that mirrors an image of `width` pixels left to right."""
    return np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)


def transform_points(matrix: Matrix, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return `points` moved by an affine `matrix`.

    Parameters
    ----------
    matrix : (3, 3) float
        Its last row is (0, 0, 1).
    points : (..., 2) float
        Pixels x, y; NaN stays NaN.

    Returns
    -------
    (..., 2) of the dtype of `points`
    """
    moved = points @ matrix[:2, :2].T + matrix[:2, 2]
    return moved.astype(points.dtype, copy=False)


def outside(points: NDArray[np.floating], height: int, width: int) -> NDArray[np.bool_]:
    """Tell which points lie outside an image, whose area reaches from -1/2 to width - 1/2.

    Returns
    -------
    (...) bool
        False for NaN points.
    """
    x, y = points[..., 0], points[..., 1]
    with np.errstate(invalid="ignore"):
        return (x < -0.5) | (y < -0.5) | (x >= width - 0.5) | (y >= height - 0.5)
