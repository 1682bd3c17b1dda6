"""Labelled frames decoded once into zarr, so that training reads pixels and not PNG files.

A pack is a zarr group with one uint8 array per frame size, ``<height>x<width>`` of shape (frames, height, width, 3),
one chunk a frame, whose attribute ``images`` names the frames. It is named by the hash of its frames, is never
changed once it is in place, and is shared by all shuffles made from the same images.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zarr.errors
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from dlc_core.aside import aside
from dlc_core.console import progress
from dlc_core.errors import DataError
from dlc_core.files import disk_errors
from dlc_core.image_files import FULL_DEPTH, decode_image, folder_of, read_content

_FORMAT = "dlc-core frames 1"
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_HEADER_BYTES = len(_PNG_START) + 8  # then width and height, big-endian


class PackedFrames:
    """Frames by name, from a pack.

    Parameters
    ----------
    path : Path
        Folder of the pack.

    Raises
    ------
    DataError
        There is no pack at `path`, or it is not complete.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        try:
            self._group = zarr.open_group(self.path, mode="r")
        except (FileNotFoundError, zarr.errors.GroupNotFoundError, zarr.errors.ContainsArrayError) as exc:
            raise DataError(
                f"the packed frames {self.path} are missing. Make them again: dlc create-dataset overwrite=true "
                "(the same seed and labels give the same split)."
            ) from exc
        if self._group.attrs.get("format") != _FORMAT:
            raise DataError(
                f"{self.path} is no pack of frames ({_FORMAT!r} expected). Move it away and create it again."
            )
        self._arrays: dict[str, Any] = dict(self._group.arrays())
        self._where: dict[str, tuple[str, int]] = {}
        for key, array in self._arrays.items():
            images = array.attrs["images"]
            assert isinstance(images, list)
            self._where.update({str(name): (key, index) for index, name in enumerate(images)})

    @classmethod
    def create(
        cls, path: Path, images: Sequence[str], root: Path, depths: Mapping[str, int] | None = None
    ) -> PackedFrames:
        """Decode images into a new pack; an existing pack at `path` is kept and opened.

        Parameters
        ----------
        path : Path
            Where the pack goes; name it by `content_hash`.
        images : sequence of str
            Names of images relative to `root`.
        root : Path
            The project's folder.
        depths : mapping of str to int or None
            How many bits the 16-bit images of a folder use, from `dlc_core.image_files.bit_depths`; 16 where it says
            nothing.

        Raises
        ------
        DataError
            An image is missing or no image.
        DiskError
            The disk is full or read-only.
        """
        if path.is_dir():
            return cls(path)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside(path) as temporary:
                _write(temporary, images, root, depths or {})
                try:
                    temporary.rename(path)
                except OSError:
                    if not path.is_dir():  # otherwise another process was faster with the same frames
                        raise
        return cls(path)

    @property
    def images(self) -> tuple[str, ...]:
        """Names of all frames of the pack."""
        return tuple(self._where)

    def image(self, name: str) -> NDArray[np.uint8]:
        """Return a frame as (height, width, 3) uint8 RGB.

        Raises
        ------
        DataError
            The pack has no such frame.
        """
        key, index = self._find(name)
        return np.asarray(self._arrays[key][index], np.uint8)

    def size(self, name: str) -> tuple[int, int]:
        """Return (height, width) of a frame in pixels, without reading it."""
        key, _ = self._find(name)
        height, width = self._arrays[key].shape[1:3]
        return int(height), int(width)

    def _find(self, name: str) -> tuple[str, int]:
        if name not in self._where:
            raise DataError(
                f"the packed frames {self.path} hold no {name!r}. Make them again: dlc create-dataset overwrite=true"
            )
        return self._where[name]


def content_hash(images: Sequence[str], root: Path, depths: Mapping[str, int] | None = None) -> str:
    """Return 8 hex digits that change when an image's name or content does, or what its values mean.

    Parameters
    ----------
    images, root, depths
        As for `PackedFrames.create`.

    Raises
    ------
    DataError
        Images are missing; the line counts them.
    """
    require_images(images, root)
    digest = hashlib.sha256(_FORMAT.encode())
    for name in images:
        content = read_content(root / name)
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    for folder, bits in sorted((depths or {}).items()):
        if bits != FULL_DEPTH:
            digest.update(f"{folder}\0{bits} bits\0".encode())
    return digest.hexdigest()[:8]


def image_sizes(images: Sequence[str], root: Path) -> dict[str, tuple[int, int]]:
    """Return (height, width) of each image in pixels.

    Raises
    ------
    DataError
        An image is missing or no image.
    """
    require_images(images, root)
    return {name: _image_size(root / name, name) for name in images}


def require_images(images: Sequence[str], root: Path) -> None:
    """Check that every image is there.

    Raises
    ------
    DataError
        With how many are missing in which folder.
    """
    missing = [name for name in images if not (root / name).is_file()]
    if not missing:
        return
    folders: dict[str, int] = {}
    for name in missing:
        folder = name.rpartition("/")[0]
        folders[folder] = folders.get(folder, 0) + 1
    where = ", ".join(f"{count} in {folder}" for folder, count in folders.items())
    raise DataError(
        f"{len(missing)} of {len(images)} labelled images are missing below {root}: {where}; the first is "
        f"{missing[0]}. "
        "Put the images back, or delete their rows from the label table."
    )


def _image_size(file: Path, name: str) -> tuple[int, int]:
    """Return (height, width) by the header of a PNG, else by decoding the file."""
    start = _start(file)
    if len(start) == _PNG_HEADER_BYTES and start.startswith(_PNG_START):
        width, height = struct.unpack(">II", start[len(_PNG_START) :])
        return height, width
    height, width = decode_image(read_content(file), name).shape[:2]
    return height, width


def _start(file: Path) -> bytes:
    """Return as many bytes as the header of a PNG has."""
    try:
        with file.open("rb") as opened:
            return opened.read(_PNG_HEADER_BYTES)
    except OSError:
        return read_content(file)  # says what is wrong


def _write(path: Path, images: Sequence[str], root: Path, depths: Mapping[str, int]) -> None:
    require_images(images, root)
    group = zarr.create_group(path)
    arrays: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    with progress("Packing labelled frames", len(images), "frames") as advance:
        for name in images:
            pixels = decode_image(read_content(root / name), name, depths.get(folder_of(name), FULL_DEPTH))
            key = f"{pixels.shape[0]}x{pixels.shape[1]}"
            if key not in arrays:
                arrays[key] = group.create_array(
                    key,
                    shape=(len(images), *pixels.shape),  # cut below: chunks never written take no space
                    chunks=(1, *pixels.shape),
                    dtype="uint8",
                    compressors=BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"),
                    dimension_names=("frame", "y", "x", "rgb"),
                )
                names[key] = []
            arrays[key][len(names[key])] = pixels
            names[key].append(name)
            advance(1)
    for key, array in arrays.items():
        array.resize((len(names[key]), *array.shape[1:]))
        array.attrs["images"] = names[key]
    group.attrs["format"] = _FORMAT  # last: a pack without it is not complete
