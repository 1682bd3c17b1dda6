"""Operations on colour change what they say and move nothing."""

from __future__ import annotations

import numpy as np
import pytest
from dlc_plugins.augmenters import colour

from dlc_core.errors import ConfigError

RAMP = np.repeat(np.arange(256, dtype=np.uint8)[None, None, :, None], 3, axis=-1)  # (1, 1, 256, 3)


class Fixed:
    """A generator that returns the value it was given, so that an operation can be compared with arithmetic."""

    def __init__(self, value: float) -> None:
        self.value = value

    def uniform(self, low: float, high: float) -> float:
        assert low <= self.value <= high
        return self.value


def test_brightness_adds_a_share_of_the_full_range_and_clips() -> None:
    brighter = colour.Brightness(0.5)(RAMP, Fixed(0.2))
    assert np.array_equal(brighter[0, 0, :, 0], np.minimum(np.arange(256) + 51, 255))


def test_contrast_pivots_about_the_mean_grey_level() -> None:
    stronger = colour.Contrast(0.5, 2.0)(RAMP, Fixed(np.log(1.5)))[0, 0, :, 1].astype(float)
    assert np.abs(stronger - np.clip((np.arange(256) - 127.5) * 1.5 + 127.5, 0, 255)).max() <= 0.5


def test_saturation_leaves_grey_alone_and_stretches_colours_about_their_luma() -> None:
    assert np.abs(colour.Saturation(0.5)(RAMP, Fixed(0.5)).astype(int) - RAMP).max() <= 1
    pixel = np.array([[[[200, 100, 50]]]], np.uint8)
    luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    expected = np.rint(luma + 1.4 * (pixel.astype(float) - luma))
    assert np.abs(colour.Saturation(0.5)(pixel, Fixed(0.4)) - expected).max() <= 1


def test_noise_has_the_standard_deviation_it_says() -> None:
    grey = np.full((1, 200, 200, 3), 128, np.uint8)

    class HalfNoise:
        def uniform(self, low: float, high: float) -> float:
            return (low + high) / 2

        def standard_normal(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
            return np.random.default_rng(0).standard_normal(shape, dtype)

    noisy = colour.Noise(0.1)(grey, HalfNoise())
    assert abs(float(noisy.std()) - 0.05 * 255) < 0.1  # 120,000 draws: standard error 0.03


@pytest.mark.parametrize("length", [1.0, 2.4, 7.0, 12.9])
@pytest.mark.parametrize("degrees", [0.0, 33.0, 90.0, 171.5])
def test_a_motion_blur_has_its_centre_of_gravity_in_the_middle_and_lies_along_its_line(length, degrees) -> None:
    kernel = colour.line_kernel(length, degrees).astype(float)
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    assert abs(kernel.sum() - 1) < 1e-6
    assert abs((kernel * x).sum()) < 1e-6
    assert abs((kernel * y).sum()) < 1e-6
    across = -x * np.sin(np.radians(degrees)) + y * np.cos(np.radians(degrees))
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    # a uniform line of n pixels has variance (n - 1)^2 / 12; bilinear shares add up to 1/4 an axis
    assert (kernel * across**2).sum() <= 0.26
    assert -1e-6 <= (kernel * along**2).sum() - (length - 1) ** 2 / 12 <= 0.26 + 0.05 * length


@pytest.mark.parametrize("operation", [colour.MotionBlur(9), colour.GaussianBlur(11), colour.Jpeg(60)])
def test_blur_and_compression_leave_a_blob_where_it_is(operation, blobs) -> None:
    image = blobs.blob(160, 170, 80.3, 71.7)
    has_changed = 0
    for seed in range(8):  # some seeds draw a blur too small to show
        changed = operation(image, np.random.default_rng(seed))
        has_changed += not np.array_equal(changed, image)
        assert np.abs(blobs.centre(changed[0]) - (80.3, 71.7)).max() < (0.05 if operation == colour.Jpeg(60) else 0.01)
    assert has_changed >= 4


def test_equalising_a_narrow_histogram_spreads_it() -> None:
    image = np.random.default_rng(0).integers(100, 120, (1, 64, 64, 1), dtype=np.uint8).repeat(3, -1)
    for operation in (colour.HistogramEqualisation(), colour.Clahe()):
        assert operation(image, np.random.default_rng(0)).std() > 1.5 * image.std()


def test_a_cover_is_one_rectangle_of_limited_size() -> None:
    image = np.zeros((2, 100, 200, 3), np.uint8)
    for seed in range(10):
        covered = colour.Cover(0.3)(image, np.random.default_rng(seed))
        rows, columns = np.nonzero(covered[0].any(-1))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width
        assert height <= 30
        assert width <= 60
        assert np.array_equal(covered[0], covered[1])


@pytest.mark.parametrize(
    ("name", "option", "value", "said"),
    [
        ("imgaug", "rotratio", 1.5, "rotratio is 1.5"),
        ("imgaug", "scale_jitter_lo", 2.0, "smaller one first"),
        ("imgaug", "crop_size", 0, "crop_size is 0"),
        ("imgaug", "jpeg_quality_lo", 0, "jpeg_quality_lo is 0"),
        ("imgaug", "motion_blur_length", 0, "at least 1"),
        ("scalecrop", "minsize", -1, "minsize is -1"),
        ("scalecrop", "cropratio", -0.1, "cropratio is -0.1"),
        ("tensorpack", "noiseratio", 2.0, "noiseratio is 2.0"),
        ("kornia", "motion_blur_length", 4, "odd number"),
        ("imgaug", "rotation", -25.0, "rotation is -25"),
        ("tensorpack", "rotation", -1.0, "rotation is -1"),
        ("kornia", "rotation", -1.0, "rotation is -1"),
    ],
)
def test_an_impossible_option_is_refused_by_name(name, option, value, said, blobs) -> None:
    if name == "kornia":
        pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    with pytest.raises(ConfigError, match=said):
        blobs.build(name, **{option: value})
