"""What a browser is sent for an image, compared with what training sees."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.gui.frames import FrameImages
from dlc_core.image_files import decode_image

GENERATOR = np.random.default_rng(4)


@pytest.fixture
def images():
    found = FrameImages()
    yield found
    found.close()


def written(path, pixels, *options):
    assert cv2.imwrite(str(path), pixels, list(options))
    return path


def decoded(sent):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(sent.content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40)])
def test_a_png_of_8_bits_is_sent_as_it_is(images, tmp_path, shape):
    file = written(tmp_path / "img0.png", GENERATOR.integers(0, 256, shape, np.uint8))
    sent = images.image(file)
    assert sent.content == file.read_bytes()
    assert sent.media_type == "image/png"


@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40)])
def test_16_bits_are_scaled_as_for_training_by_the_bits_that_the_folder_uses(images, tmp_path, shape):
    bright = written(tmp_path / "img0.png", GENERATOR.integers(0, 4096, shape, np.uint16))
    dark = written(tmp_path / "img1.png", GENERATOR.integers(0, 100, shape, np.uint16))
    for file in (dark, bright):
        sent = decoded(images.image(file, [bright, dark]))
        assert np.array_equal(sent, decode_image(file.read_bytes(), file.name, bits=12))


@pytest.mark.parametrize("name", ["a.tif", "a.bmp"])
def test_formats_that_browsers_do_not_know_are_converted_without_loss(images, tmp_path, name):
    pixels = GENERATOR.integers(0, 256, (9, 7, 3), np.uint8)
    sent = images.image(written(tmp_path / name, pixels))
    assert sent.media_type == "image/png"
    assert np.array_equal(decoded(sent), pixels[..., ::-1])


def test_transparency_is_dropped_as_training_drops_it(images, tmp_path):
    pixels = GENERATOR.integers(0, 256, (9, 7, 4), np.uint8)
    assert np.array_equal(decoded(images.image(written(tmp_path / "a.png", pixels))), pixels[..., 2::-1])


def test_a_photograph_that_is_to_be_turned_is_not_turned(images, tmp_path):
    file = written(tmp_path / "a.jpg", GENERATOR.integers(0, 256, (16, 8, 3), np.uint8))
    plain = file.read_bytes()
    turned = struct.pack(">HHIHHI", 0x0112, 3, 1, 6, 0, 0)  # Orientation, one short: 6, a quarter turn
    note = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + turned
    file.write_bytes(plain[:2] + b"\xff\xe1" + (len(note) + 2).to_bytes(2, "big") + note + plain[2:])
    sent = images.image(file)
    assert sent.media_type == "image/png"
    assert b"Exif" not in sent.content
    assert decoded(sent).shape == (16, 8, 3)


def test_a_large_file_is_sent_as_a_smaller_jpeg_of_the_same_size(images, tmp_path):
    file = written(tmp_path / "a.png", GENERATOR.integers(0, 256, (1200, 1300, 3), np.uint8))
    sent = images.image(file)
    assert sent.media_type == "image/jpeg"
    assert len(sent.content) < file.stat().st_size
    assert decoded(sent).shape == (1200, 1300, 3)


def test_an_image_that_is_replaced_is_sent_anew(images, tmp_path):
    file = written(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    before = images.image(file)
    assert images.image(file) is before
    written(file, np.full((4, 5, 3), 200, np.uint8))
    after = images.image(file)
    assert after.tag != before.tag
    assert decoded(after).shape == (4, 5, 3)


def test_a_damaged_or_missing_image_is_one_line_that_names_it(images, tmp_path):
    damaged = tmp_path / "img1.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    for file in (damaged, tmp_path / "gone.png"):
        with pytest.raises(DataError, match=file.name) as caught:
            images.image(file)
        assert "\n" not in str(caught.value)


def test_the_cache_keeps_to_its_size(tmp_path):
    images = FrameImages(cache_bytes=3000)
    for number in range(6):
        images.image(written(tmp_path / f"{number}.png", GENERATOR.integers(0, 256, (20, 20, 3), np.uint8)))
    assert images.kept_bytes <= 3000
    images.close()
