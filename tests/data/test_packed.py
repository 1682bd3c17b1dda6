"""Packs: the pixels of the files, whatever their size, depth and channels, and never half a pack."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.data.packed import PackedFrames, content_hash, image_sizes
from dlc_core.errors import DataError


def write(root: Path, name: str, pixels: np.ndarray) -> str:
    path = root / "labeled-data" / "v" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return f"labeled-data/v/{name}"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_frames_of_mixed_sizes_come_back_as_their_pixels(tmp_path, rng):
    sizes = [(20, 30), (24, 16), (20, 30), (7, 9), (24, 16)]
    pixels = [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    names = [write(tmp_path, f"img{number}.png", rgb[..., ::-1]) for number, rgb in enumerate(pixels)]
    pack = PackedFrames.create(tmp_path / "p.zarr", names, tmp_path)
    assert pack.images != () and set(pack.images) == set(names)
    for name, rgb, size in zip(names, pixels, sizes, strict=True):
        np.testing.assert_array_equal(pack.image(name), rgb)
        assert pack.image(name).dtype == np.uint8
        assert pack.size(name) == size


def test_grey_alpha_and_16_bit_images_become_rgb_of_8_bits(tmp_path, rng):
    grey = rng.integers(0, 256, (8, 10), np.uint8)
    with_alpha = rng.integers(0, 256, (8, 10, 4), np.uint8)
    deep = rng.integers(0, 65536, (8, 10), np.uint16)
    deep_colour = rng.integers(0, 65536, (8, 10, 3), np.uint16)
    names = [write(tmp_path, f"{n}.png", image) for n, image in enumerate((grey, with_alpha, deep, deep_colour))]
    pack = PackedFrames.create(tmp_path / "p.zarr", names, tmp_path)
    np.testing.assert_array_equal(pack.image(names[0]), np.stack([grey] * 3, -1))
    np.testing.assert_array_equal(pack.image(names[1]), with_alpha[..., 2::-1])
    for name, image in ((names[2], np.stack([deep] * 3, -1)), (names[3], deep_colour[..., ::-1])):
        np.testing.assert_array_equal(pack.image(name), np.round(image / 257).astype(np.uint8))


def test_real_frames_equal_what_opencv_decodes(data_folder, tmp_path):
    root = data_folder / "Reaching-Mackenzie-2018-08-30"
    names = [f"labeled-data/reachingvideo1/{path.name}" for path in sorted(root.rglob("*.png"))[:3]]
    pack = PackedFrames.create(tmp_path / "p.zarr", names, root)
    for name in names:
        np.testing.assert_array_equal(pack.image(name), cv2.imread(str(root / name))[..., ::-1])


def test_sizes_are_known_without_decoding_png_files(tmp_path, rng):
    sizes = {}
    for number, (ending, size) in enumerate([("png", (20, 30)), ("png", (7, 9)), ("jpg", (24, 16)), ("tif", (9, 300))]):
        name = write(tmp_path, f"img{number}.{ending}", rng.integers(0, 256, (*size, 3), np.uint8))
        sizes[name] = size
    assert image_sizes(list(sizes), tmp_path) == sizes
    damaged = tmp_path / "labeled-data" / "v" / "img0.png"
    damaged.write_bytes(damaged.read_bytes()[:20])
    with pytest.raises(DataError, match=r"img0\.png is not a readable image"):
        image_sizes(list(sizes), tmp_path)


def test_missing_images_are_counted_by_folder(tmp_path, rng):
    there = write(tmp_path, "img0.png", rng.integers(0, 256, (4, 4, 3), np.uint8))
    names = [there, "labeled-data/v/a.png", "labeled-data/w/b.png", "labeled-data/w/c.png"]
    with pytest.raises(
        DataError, match=r"3 of 4 labelled images are missing .*1 in labeled-data/v, 2 in labeled-data/w"
    ):
        PackedFrames.create(tmp_path / "p.zarr", names, tmp_path)
    assert not list(tmp_path.glob("*p.zarr")), "a failed pack leaves nothing behind"


def test_a_file_that_is_no_image_is_named(tmp_path):
    name = "labeled-data/v/bad.png"
    (tmp_path / "labeled-data" / "v").mkdir(parents=True)
    (tmp_path / name).write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"bad\.png is not a readable image \(13 bytes\)"):
        PackedFrames.create(tmp_path / "p.zarr", [name], tmp_path)


def test_a_pack_of_other_bits_has_another_name_and_8_bit_images_keep_theirs(tmp_path, rng):
    deep = write(tmp_path, "deep.png", rng.integers(0, 4096, (4, 4), np.uint16))
    assert content_hash([deep], tmp_path, {"labeled-data/v": 12}) != content_hash([deep], tmp_path)
    assert content_hash([deep], tmp_path, {"labeled-data/v": 16}) == content_hash([deep], tmp_path)
    assert content_hash([deep], tmp_path, {}) == content_hash([deep], tmp_path)


def test_the_hash_follows_name_and_content(tmp_path, rng):
    image = rng.integers(0, 256, (4, 4, 3), np.uint8)
    first, second = write(tmp_path, "a.png", image), write(tmp_path, "b.png", image)
    assert content_hash([first], tmp_path) != content_hash([second], tmp_path)
    before = content_hash([first], tmp_path)
    assert before == content_hash([first], tmp_path)
    write(tmp_path, "a.png", 255 - image)
    assert before != content_hash([first], tmp_path)


def test_an_existing_pack_is_used_again(tmp_path, rng):
    name = write(tmp_path, "a.png", rng.integers(0, 256, (4, 4, 3), np.uint8))
    PackedFrames.create(tmp_path / "p.zarr", [name], tmp_path)
    (tmp_path / name).unlink()
    assert PackedFrames.create(tmp_path / "p.zarr", [name], tmp_path).size(name) == (4, 4)


def test_a_missing_pack_and_a_missing_frame_say_how_to_make_them(tmp_path, rng):
    with pytest.raises(DataError, match=r"missing.*overwrite=true"):
        PackedFrames(tmp_path / "nothing.zarr")
    name = write(tmp_path, "a.png", rng.integers(0, 256, (4, 4, 3), np.uint8))
    pack = PackedFrames.create(tmp_path / "p.zarr", [name], tmp_path)
    with pytest.raises(DataError, match=r"hold no 'other\.png'"):
        pack.image("other.png")


def test_a_folder_that_is_no_complete_pack_is_refused(tmp_path):
    import zarr

    zarr.create_group(tmp_path / "half.zarr")
    with pytest.raises(DataError, match="is no pack of frames"):
        PackedFrames(tmp_path / "half.zarr")
