"""Image files of every kind become the same pixels for every reader."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.image_files import bit_depths, bits_in_use, decode_image, odd_sizes, partly_used, read_content


def encoded(pixels: np.ndarray, ending: str = ".png") -> bytes:
    return cv2.imencode(ending, pixels)[1].tobytes()


@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 1), (np.uint16, 1), (np.uint8, 3), (np.uint8, 4)])
def test_images_of_every_kind_are_read_as_rgb(dtype: type, channels: int) -> None:
    pixels = np.full((5, 7, channels), np.iinfo(dtype).max, dtype)
    pixels[0] = 0
    image = decode_image(encoded(pixels), "a.png")
    assert image.shape == (5, 7, 3) and image.dtype == np.uint8
    assert image[0].max() == 0 and image[1:].min() == 255


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_the_bits_in_use_become_8_bits(bits: int, ending: str) -> None:
    values = np.linspace(0, 2**bits - 1, 60).round().astype(np.uint16).reshape(6, 10)
    content = encoded(values, ending)
    assert bit_depths(["f/a"], lambda _: content) == {"f": bits}
    expected = np.round(values / (2**bits - 1) * 255)
    np.testing.assert_array_equal(decode_image(content, "a", bits)[..., 1], expected)


def test_a_dark_image_is_scaled_as_the_bright_ones_of_its_folder() -> None:
    contents = {
        "f/dark.png": encoded(np.full((2, 2), 90, np.uint16)),
        "f/bright.png": encoded(np.full((2, 2), 4000, np.uint16)),
        "g/plain.png": encoded(np.full((2, 2), 90, np.uint8)),
        "g/plain.jpg": encoded(np.full((2, 2), 90, np.uint8), ".jpg"),
        "h/full.png": encoded(np.full((2, 2), 65535, np.uint16)),
    }
    depths = bit_depths(contents, contents.__getitem__)
    assert depths == {"f": 12, "h": 16}
    assert list(partly_used(depths)) == ["f"] and "12 bits only, so 4095 counts as white" in partly_used(depths)["f"]


def test_bits_are_those_that_cameras_have() -> None:
    assert [bits_in_use(value) for value in (0, 255, 256, 1023, 4080, 4096, 16383, 16384, 65535)] == [
        *(8, 8, 10, 10, 12, 14, 14, 16, 16)
    ]


def test_images_that_are_not_as_large_as_most_of_their_folder_are_named() -> None:
    sizes = {f"labeled-data/v/img{index}.png": (96, 128) for index in range(9)}
    sizes["labeled-data/v/odd.png"] = (480, 640)
    sizes["labeled-data/w/img0.png"] = (480, 640)
    assert odd_sizes(sizes) == {
        "labeled-data/v/odd.png": "has 640 x 480 pixels, 9 of the 10 frames of the folder have 128 x 96"
    }
    assert odd_sizes({}) == {}


@pytest.mark.parametrize("content", [b"", b"text", encoded(np.zeros((50, 50, 3), np.uint8))[:80]])
def test_a_file_that_is_no_image_is_named_by_us_alone(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match=rf"x\.png is not a readable image \({len(content)} bytes\)"):
        decode_image(content, "x.png")
    assert capfd.readouterr() == ("", ""), "OpenCV prints nothing of its own"


def test_a_png_with_a_damaged_header_keeps_opencv_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(np.zeros((50, 50, 3), np.uint8), ".jpg"))
    with pytest.raises(DataError):
        decode_image(bytes(content[:200]), "x.jpg")
    assert capfd.readouterr().err == ""


def test_floating_point_images_are_refused() -> None:
    with pytest.raises(DataError, match="float32 values; 8 or 16 bit"):
        decode_image(encoded(np.zeros((4, 4), np.float32), ".tiff"), "f.tiff")


def test_an_image_that_may_not_be_read_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read: Is a directory"):  # opening it fails for the administrator
        read_content(tmp_path)
    file = tmp_path / "Bild ü=1.png"
    file.write_bytes(b"1")
    assert read_content(file) == b"1"
