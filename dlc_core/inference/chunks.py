"""The chunk files of a pose store: whether they are all there, and reading them so that a damaged one has a name.

zarr takes a chunk that is not there for one of NaN, so a store that was copied in part would read as a video without
poses. Every chunk below ``frames_done`` has its files, therefore, also one without a single pose: the stores say so
with the attribute `MARK`. In older ones the keypoints of a chunk without poses have no file; its likelihood tells.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlc_core.errors import DataError, DiskError

MARK = "every_chunk_has_files"

_HEADER_BYTES, _LENGTH = 16, slice(12, 16)  # of Blosc: where it keeps the length of what it wrote


def writable(group: Any) -> tuple[Any, Any]:
    """Return the arrays ``keypoints`` and ``likelihood`` of a zarr group, such that chunks of NaN are written too."""
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):  # arrays remember what holds when they are opened
        return group["keypoints"], group["likelihood"]


def check_chunks(path: Path, attributes: Mapping[str, Any], keypoints: Any, likelihood: Any) -> None:
    """Check that every chunk of the frames that count is there in its full length.

    Parameters
    ----------
    path : Path
        The store.
    attributes : mapping
        Of its group.
    keypoints, likelihood : zarr.Array

    Raises
    ------
    DataError
        A chunk is missing or cut off.
    DiskError
        The folder cannot be read.
    """
    done, length = int(attributes["frames_done"]), int(keypoints.chunks[0])
    for chunk in range(math.ceil(done / length)):
        frames = slice(chunk * length, min((chunk + 1) * length, done))
        for name, array in (("likelihood", likelihood), ("keypoints", keypoints)):
            file = path.joinpath(name, "c", str(chunk), *["0"] * (array.ndim - 1))
            with reading(path, name, array):
                if file.is_file():
                    if not _is_whole(file):
                        raise _damage(path, name, frames)
                    continue
                if name == "keypoints" and not attributes.get(MARK) and not (likelihood[frames] > 0).any():
                    continue
            raise DataError(
                f"{path} is incomplete: {file.relative_to(path)} is missing ({_range(frames)}). "
                "Copy the store again, or analyze with overwrite=true."
            )


@contextmanager
def reading(path: Path, name: str, array: Any) -> Iterator[None]:
    """Turn what zarr raises while it reads the array `name` of the store at `path` into one line.

    Raises
    ------
    DataError
        A chunk is damaged; the message says which frames are lost.
    DiskError
        The file system refused.
    """
    try:
        yield
    except OSError as exc:
        raise DiskError(f"cannot read {path}: {exc.strerror or exc}. Check its permissions and the disk.") from exc
    except (RuntimeError, ValueError) as exc:  # of the codecs
        if isinstance(exc, DataError) or (frames := _damaged(array)) is None:
            raise
        raise _damage(path, name, frames) from exc


def _is_whole(file: Path) -> bool:
    """Tell whether a chunk is as long as its header says; of a shorter one, what decodes it would read beyond it."""
    with file.open("rb") as chunk:
        header = chunk.read(_HEADER_BYTES)
        length = int.from_bytes(header[_LENGTH], "little")
        return len(header) == _HEADER_BYTES and length == chunk.seek(0, os.SEEK_END)


def _damage(path: Path, name: str, frames: slice) -> DataError:
    return DataError(
        f"{path} is damaged ({name}, {_range(frames)}). Copy the store again, or analyze with overwrite=true."
    )


def _damaged(array: Any) -> slice | None:
    """Return the frames of the first chunk that cannot be decoded."""
    frames, length = int(array.shape[0]), int(array.chunks[0])
    for start in range(0, frames, length):
        chunk = slice(start, min(start + length, frames))
        try:
            array[chunk]
        except (RuntimeError, ValueError) as exc:
            return None if "start new thread" in str(exc) else chunk  # a limit of this process, not of the file
    return None


def _range(frames: slice) -> str:
    return f"frames {frames.start}-{frames.stop - 1}"
