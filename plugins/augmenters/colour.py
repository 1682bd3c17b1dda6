"""Operations on grey levels and colours: they move nothing, so keypoints stay exact.

Each is a record of its limits, called with the frames of one sample and a generator. Its parameters are drawn once
and applied to every frame, noise included: what flickers between frames would look like motion to a head with a
window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.data.structures import AugmentedSample
from dlc_core.data.warp import Images

Operation = Callable[[Images, np.random.Generator], Images]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G and B in the grey level (ITU-R BT.601)."""


def colour_sample(
    sample: AugmentedSample, operations: Sequence[tuple[float, Operation]], generator: np.random.Generator
) -> AugmentedSample:
    """Return `sample` with each operation applied with its probability, in that order.

    Parameters
    ----------
    sample : AugmentedSample
    operations : sequence of (ratio, operation)
        The share of the samples it is applied to, and the operation.
    generator : numpy.random.Generator
    """
    images = sample.images
    for ratio, operation in operations:
        if generator.random() < ratio:
            images = operation(images, generator)
    return AugmentedSample(images=images, keypoints=sample.keypoints, matrix=sample.matrix, ignore=sample.ignore)


@dataclass(frozen=True)
class Brightness:
    """Add up to `largest` of the full range, either way."""

    largest: float

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        added = 255 * generator.uniform(-self.largest, self.largest)
        return _looked_up(images, np.arange(256) + added)


@dataclass(frozen=True)
class Contrast:
    """Multiply the distance from the mean grey level by `low` to `high`, drawn on a logarithmic scale."""

    low: float
    high: float

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        factor = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
        mean = float(np.mean([cv2.mean(image)[:3] for image in images]))
        return _looked_up(images, (np.arange(256) - mean) * factor + mean)


@dataclass(frozen=True)
class Saturation:
    """Multiply the distance from grey by 1 plus or minus up to `largest`."""

    largest: float

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8; grey images do not change."""
        factor = 1 + generator.uniform(-self.largest, self.largest)
        mixing = (factor * np.eye(3) + (1 - factor) * np.tile(LUMA, (3, 1))).astype(np.float32)
        return _each(images, lambda image: cv2.transform(image, mixing))


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise with a standard deviation of up to `largest` of the full range."""

    largest: float

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        sigma = 255 * generator.uniform(0, self.largest)
        noise = generator.standard_normal(images.shape[1:], dtype=np.float32) * np.float32(sigma)
        return _rounded(images.astype(np.float32) + noise)


@dataclass(frozen=True)
class MotionBlur:
    """Blur along a line of random direction, up to `longest` pixels long, by a kernel symmetric about its centre."""

    longest: int

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        kernel = line_kernel(generator.uniform(1, self.longest), generator.uniform(0, 180))
        return _each(images, lambda image: cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE))


@dataclass(frozen=True)
class GaussianBlur:
    """Blur with a Gaussian that spans up to `widest` pixels (3 standard deviations either side)."""

    widest: int

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        sigma = max(generator.uniform(0, self.widest) / 6, 1e-3)
        return _each(images, lambda image: cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))


@dataclass(frozen=True)
class Clahe:
    """Equalise the contrast of tiles of the image (contrast-limited adaptive histogram equalisation)."""

    highest_limit: float = 4.0

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        clahe = cv2.createCLAHE(generator.uniform(1, self.highest_limit), (8, 8))
        return _each(images, lambda image: _on_luma(image, clahe.apply))


@dataclass(frozen=True)
class HistogramEqualisation:
    """Equalise the histogram of the whole image."""

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:  # noqa: ARG002 - nothing to draw
        """Return (T, H, W, 3) uint8."""
        return _each(images, lambda image: _on_luma(image, cv2.equalizeHist))


@dataclass(frozen=True)
class Jpeg:
    """Compress with a quality between `lowest` and 95 and read again."""

    lowest: int

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(self.lowest, 96))]

        def compressed(image: Images) -> Images:
            _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
            return _colours(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]

        return _each(images, compressed)


@dataclass(frozen=True)
class Cover:
    """Hide a rectangle, whose sides are up to `largest` of the image's, under one random colour; labels stay."""

    largest: float

    def __call__(self, images: Images, generator: np.random.Generator) -> Images:
        """Return (T, H, W, 3) uint8."""
        extent = np.array(images.shape[1:3])
        sides = np.maximum(1, extent * generator.uniform(0, self.largest, 2)).astype(int)
        top, left = (generator.random(2) * (extent - sides + 1)).astype(int)
        covered = images.copy()
        covered[:, top : top + sides[0], left : left + sides[1]] = generator.integers(0, 256, 3)
        return covered


def line_kernel(length: float, degrees: float) -> NDArray[np.float32]:
    """Return the weights of a motion blur along a line through the centre.

    Parameters
    ----------
    length : float
        Pixels, at least 1; 1 blurs nothing.
    degrees : float
        Direction of the line, clockwise on screen from the x axis.

    Returns
    -------
    (n, n) float32
        n odd; the sum is 1 and the weights are symmetric about the centre, so that the centre of gravity of nothing
        moves.
    """
    half = (length - 1) / 2
    n = 2 * math.ceil(half) + 1
    kernel = np.zeros((n + 2, n + 2))  # one ring of room for the bilinear shares
    centre = (n + 1) / 2
    for along in np.linspace(-half, half, 8 * n + 1):
        x = centre + along * math.cos(math.radians(degrees))
        y = centre + along * math.sin(math.radians(degrees))
        column, row = int(x), int(y)
        right, below = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - below, below], [1 - right, right])
    kernel = (kernel + kernel[::-1, ::-1])[1:-1, 1:-1]
    return np.asarray(kernel / kernel.sum(), np.float32)


def _looked_up(images: Images, table: NDArray[np.floating]) -> Images:
    return _colours(cv2.LUT(images.reshape(-1, 1), _rounded(table)).reshape(images.shape))


def _on_luma(image: Images, operation: Callable[[Images], object]) -> Images:
    ycrcb = _colours(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    ycrcb[..., 0] = _colours(operation(np.ascontiguousarray(ycrcb[..., 0])))
    return _colours(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB))


def _each(images: Images, operation: Callable[[Images], object]) -> Images:
    return np.stack([_colours(operation(image)) for image in images])


def _rounded(values: NDArray[np.floating]) -> Images:
    return _colours(np.clip(np.rint(values), 0, 255))


def _colours(image: object) -> Images:
    array: Images = np.asarray(image, np.uint8)
    return array
