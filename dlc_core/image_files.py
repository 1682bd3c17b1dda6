"""Images in files, as pixels: one way to read them for packing, training, evaluation and pictures of labels.

An image of 16 bits a value rarely uses all of them: cameras deliver 10, 12 or 14, and a tool writes these as they are.
Divided as if there were 16 bits, such an image is nearly black. So the bits that are in use are found out, from all
images of a folder together (`bit_depths`), because one camera filmed them and one image may be dark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError

Stored = NDArray[np.uint8] | NDArray[np.uint16]

FULL_DEPTH = 16
_DEPTHS = (8, 10, 12, 14, FULL_DEPTH)
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
_PNG_DEPTH_AT = 24  # after signature, length and name of IHDR, width, height
_ALWAYS_8_BIT = (b"\xff\xd8\xff", b"BM")  # JPEG, BMP


def stored_image(content: bytes, name: str) -> Stored:
    """Return an image file's values as they are stored: (H, W, 3) uint8 or uint16, RGB.

    Grey images get three equal channels, transparency is dropped, and the orientation that a camera notes is ignored,
    because labels count pixels as they are stored.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For the message.

    Raises
    ------
    DataError
        It is no image, or its values are neither 8 nor 16 bit integers.
    """
    cut_off = content.startswith(_PNG) and _PNG_END not in content  # libpng itself would print an error
    found: Any = None
    if content and not cut_off:
        with _quiet_opencv():
            found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:
        raise DataError(
            f"{name} is not a readable image ({len(content)} bytes). Extract the frame again or delete its label row."
        )
    if found.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{name} holds {found.dtype} values; 8 or 16 bit images are expected. Convert it to PNG.")
    if found.ndim == 2 or found.shape[2] <= 2:  # grey, perhaps with transparency
        grey = found if found.ndim == 2 else found[..., 0]
        return np.repeat(grey[..., None], 3, axis=2)
    rgb: Stored = np.ascontiguousarray(found[..., 2::-1])
    return rgb


def decode_image(content: bytes, name: str, bits: int = FULL_DEPTH) -> NDArray[np.uint8]:
    """Return an image file's pixels as (H, W, 3) uint8 RGB.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        For the message.
    bits : int
        How many bits of a 16-bit image are in use, from `bit_depths`; all of them set become 255. Without meaning for
        an image of 8 bits.

    Raises
    ------
    DataError
        It is no image, or its values are neither 8 nor 16 bit integers.
    """
    return to_8_bits(stored_image(content, name), bits)


def to_8_bits(pixels: Stored, bits: int) -> NDArray[np.uint8]:
    """Return values of `bits` bits scaled and rounded to 0 ... 255; uint8 values stay as they are."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    white = (1 << bits) - 1
    scaled = (pixels.astype(np.uint32) * 255 + white // 2) // white
    return np.minimum(scaled, 255).astype(np.uint8)


def bits_in_use(highest: int) -> int:
    """Return the bits of the camera whose images hold `highest` as their highest value: 8, 10, 12, 14 or 16."""
    return next(bits for bits in _DEPTHS if highest < 1 << bits)


def bit_depths(names: Iterable[str], read: Callable[[str], bytes]) -> dict[str, int]:
    """Return how many bits the 16-bit images of each folder use; folders of 8-bit images are not in it.

    Parameters
    ----------
    names : iterable of str
        Names of images, ``labeled-data/<folder>/<file>``.
    read : callable
        Returns the content of an image by its name.

    Raises
    ------
    DataError
        An image cannot be read.
    """
    highest: dict[str, int] = {}
    for name in names:
        content = read(name)
        if _is_8_bit(content):
            continue
        pixels = stored_image(content, name)
        if pixels.dtype == np.uint16:
            folder = folder_of(name)
            highest[folder] = max(highest.get(folder, 0), int(pixels.max()))
    return {folder: bits_in_use(value) for folder, value in highest.items()}


def partly_used(depths: Mapping[str, int]) -> dict[str, str]:
    """Return what to say about each folder whose 16-bit images use fewer bits, by folder."""
    return {
        folder: f"its 16-bit images hold values of {bits} bits only, so {(1 << bits) - 1} counts as white"
        for folder, bits in depths.items()
        if bits < FULL_DEPTH
    }


def odd_sizes(sizes: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Return what to say about each image that is not as large as most images of its folder, by image.

    Parameters
    ----------
    sizes : mapping of str to (height, width)
        Of images, by name.
    """
    folders: dict[str, list[tuple[int, int]]] = {}
    for name, size in sizes.items():
        folders.setdefault(folder_of(name), []).append(size)
    usual = {folder: Counter(found).most_common(1)[0] for folder, found in folders.items()}
    said = {}
    for name, (height, width) in sizes.items():
        (usual_height, usual_width), count = usual[folder_of(name)]
        if (height, width) != (usual_height, usual_width):
            said[name] = (
                f"has {width} x {height} pixels, {count} of the {len(folders[folder_of(name)])} frames of the folder "
                f"have {usual_width} x {usual_height}"
            )
    return said


def folder_of(name: str) -> str:
    """Return the folder in an image's name: ``labeled-data/mouse`` of ``labeled-data/mouse/img042.png``."""
    return name.rpartition("/")[0]


def read_content(file: Path) -> bytes:
    """Return the bytes of an image file.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as exc:
        raise DataError(
            f"{file} cannot be read: {exc.strerror}. Make the image readable or delete its label row."
        ) from exc


def _is_8_bit(content: bytes) -> bool:
    """Tell without decoding whether values have at most 8 bits; False if that is not known."""
    if content.startswith(_PNG):
        return len(content) > _PNG_DEPTH_AT and content[_PNG_DEPTH_AT] <= 8
    return content.startswith(_ALWAYS_8_BIT)


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from printing lines of its own; what it cannot read is said by us."""
    log: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging  # OpenCV 4, OpenCV 5
    before = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(before)
