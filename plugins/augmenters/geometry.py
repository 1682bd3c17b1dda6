"""What sample augmenters share: drawing a joint, a factor, an angle, and the one warp at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images, move_keypoints, warp_images
from dlc_core.errors import ConfigError
from dlc_core.geometry import Matrix, mirroring, outside, rotation, translation
from dlc_core.skeleton import Skeleton

MIRROR_SHARE = 0.5
"""Share of the samples that are mirrored when mirroring is on."""


def draw_joint(
    keypoints: NDArray[np.float32], size: tuple[int, int], generator: np.random.Generator
) -> tuple[float, float]:
    """Return x, y of a random labelled keypoint inside the image, or the centre of the image if there is none.

    Parameters
    ----------
    keypoints : (I, K, 2) float32
        NaN where absent.
    size : (height, width)
        Of the image.
    generator : numpy.random.Generator
        One number is drawn, whatever the labels are.
    """
    draw = generator.random()
    points = keypoints.reshape(-1, 2)
    points = points[np.isfinite(points).all(-1) & ~outside(points, *size)]
    if not len(points):
        return (size[1] - 1) / 2, (size[0] - 1) / 2
    x, y = points[int(draw * len(points))]
    return float(x), float(y)


def mirror_share(mirror: bool, skeleton: Skeleton) -> float:
    """Return the share of the samples to mirror; say so if left and right would keep their names."""
    sided = [name for name in skeleton.keypoints if "left" in name.lower() or "right" in name.lower()]
    if mirror and sided and not skeleton.symmetric:
        warn(
            f"augmenter.mirror=true, but config.yaml pairs no body parts: {', '.join(sided)} keep their names in "
            "mirrored images. Add symmetric_bodyparts: [[left one, right one], ...]."
        )
    return MIRROR_SHARE if mirror else 0.0


def draw_zoom(
    centre: tuple[float, float],
    factors: tuple[float, float],
    rotation_degrees: float,
    rotratio: float,
    generator: np.random.Generator,
) -> Matrix:
    """Return a scaling by a random factor and, in a share of `rotratio`, a rotation, both about `centre`."""
    factor = generator.uniform(*factors)
    angle = generator.uniform(-rotation_degrees, rotation_degrees)
    is_rotated = generator.random() < rotratio
    about_origin = np.diag([factor, factor, 1.0])
    zoom = translation(*centre) @ about_origin @ translation(-centre[0], -centre[1])
    return rotation(angle, centre) @ zoom if is_rotated else zoom


def warp_sample(
    images: Images,
    keypoints: NDArray[np.float32],
    matrix: Matrix,
    size: tuple[int, int],
    mirrored_as: Skeleton | None = None,
) -> AugmentedSample:
    """Return the sample moved by one matrix, and mirrored if `mirrored_as` names the symmetric pairs.

    Parameters
    ----------
    images : (T, H, W, 3) uint8
    keypoints : (I, K, 2) float32
    matrix : (3, 3) float64
        Old pixels to new pixels, without the mirror.
    size : (height, width)
        Of the new images.
    mirrored_as : Skeleton or None
        Mirror left to right after `matrix`, in the same warp, and swap the symmetric pairs of this skeleton.
    """
    if mirrored_as is not None:
        matrix = mirroring(size[1]) @ matrix
    moved = move_keypoints(keypoints, matrix, (images.shape[1], images.shape[2]), size)
    if mirrored_as is not None:
        moved = moved[..., mirrored_as.mirrored_order(), :]
    return AugmentedSample(images=warp_images(images, matrix, size), keypoints=moved, matrix=matrix)


def check_ratios(**ratios: float) -> None:
    """Refuse a share of samples outside [0, 1].

    Raises
    ------
    ConfigError
        Naming the option ``augmenter.<name>``.
    """
    for name, value in ratios.items():
        if not 0 <= value <= 1:
            raise ConfigError(
                f"augmenter.{name} is {value}; a share of the samples between 0 and 1 is needed, 0 to switch it off."
            )


def check_rotation(rotation: float) -> float:
    """Return the largest angle in degrees.

    Raises
    ------
    ConfigError
        It is negative.
    """
    if not rotation >= 0:
        raise ConfigError(f"augmenter.rotation is {rotation}; degrees to either side, 0 or more, are needed.")
    return rotation


def check_range(low_name: str, low: float, high_name: str, high: float) -> tuple[float, float]:
    """Return (low, high) of positive factors.

    Raises
    ------
    ConfigError
        They are not positive or in the wrong order.
    """
    if not 0 < low <= high:
        raise ConfigError(
            f"augmenter.{low_name} is {low} and augmenter.{high_name} is {high}; "
            "two factors above 0 are needed, the smaller one first."
        )
    return low, high
