"""The pose store: a zarr v3 group that poses stream into while a video is analysed, and that survives a kill.

Layout of ``<video stem><scorer>.zarr`` (`xarray.open_zarr` opens it): ``keypoints`` (frame, individual, keypoint, xy)
float32 in full-frame pixels, ``likelihood`` (frame, individual, keypoint) float32, and the coordinates
``individual``, ``keypoint`` and ``xy`` with their names. Everything else that is known of the analysis is an
attribute of the group.

Poses are written in whole chunks, and the attribute ``frames_done`` is moved into place after the system has put its
chunk on the disk (fsync), and reaches the disk itself before the next chunk. So after a kill or a power failure the
frames before ``frames_done`` are good and those after it do not count: an analysis goes on from there. A chunk is a
multiple of the batch, so that a resumed analysis forms the same batches as an uninterrupted one and its poses are
bit-equal to it.
"""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, DataError
from dlc_core.files import check_name, disk_errors, replacing
from dlc_core.inference.chunks import check_chunks, writable
from dlc_core.inference.store_files import (
    ELSEWHERE,
    SUFFIX,
    chunks_to_disk,
    creation_path,
    put_in_place,
    recorded_exports,
    store_to_disk,
)
from dlc_core.inference.store_header import Header

LONGEST_SUFFIX = "_meta.pickle"
"""The longest ending of any file that is named like the store."""

_SMALLEST_CHUNK, _MOST_CHUNKS = 64, 1024


def store_path(video: Path, scorer: str, destfolder: Path | None = None) -> Path:
    """Return where the poses of `video` by `scorer` are kept: beside the video, or in `destfolder`.

    Raises
    ------
    DiskError
        The name, or that of a file that will be exported from it, is longer than 255 bytes.
    """
    folder = video.parent if destfolder is None else destfolder
    stem = f"{video.stem}{scorer}"
    check_name(folder / (stem + LONGEST_SUFFIX), "Shorten the video's name or the run's (`dlc train run=NAME`)")
    return folder / (stem + SUFFIX)


def chunk_length(frame_count: int, batch_size: int) -> int:
    """Return how many frames a chunk holds: a multiple of the batch, at least 64, and at most 1024 chunks a video."""
    wanted = max(_SMALLEST_CHUNK, math.ceil(frame_count / _MOST_CHUNKS))
    return math.ceil(wanted / batch_size) * batch_size


class PoseStore:
    """A pose store that is being written. Make it with `create`, or open an existing one with `open`.

    Hold its lock (`dlc_core.inference.lock.locked`) while writing.
    """

    def __init__(self, path: Path, group: Any) -> None:
        self.path = path
        self.attributes: dict[str, Any] = dict(group.attrs)
        self._keypoints, self._likelihood = writable(group)
        self._pending: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    @classmethod
    def create(cls, path: Path, header: Header, chunk: int | None = None) -> Self:
        """Make an empty store, aside and then into place; one that is there already is replaced (`replace` keeps it).

        What the old one had exported stays on record, so that its files are known to be ours.

        Parameters
        ----------
        path : Path
        header : Header
            A `dlc_core.inference.store_header.StoreHeader` for an analysis.
        chunk : int or None
            Frames in a chunk, a multiple of the batch; None chooses (`chunk_length`).

        Raises
        ------
        ConfigError
            The chunk is no multiple of the batch: what is resumed would form other batches.
        DiskError
            The folder cannot be written.
        """
        chunk = chunk_length(header.frame_count, header.batch_size) if chunk is None else chunk
        if chunk < 1 or chunk % header.batch_size:
            raise ConfigError(
                f"a chunk of {chunk} frames is no multiple of the batch of {header.batch_size}; with such chunks a "
                "resumed analysis would differ from an uninterrupted one. Choose a multiple, or none."
            )
        temporary = creation_path(path)
        try:
            with disk_errors(path, ELSEWHERE):
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(temporary, ignore_errors=True)
                _make_group(temporary, header, chunk, recorded_exports(path))
                store_to_disk(temporary)
                put_in_place(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return cls.open(path)

    def replace(self, path: Path) -> Self:
        """Return this store moved to `path`, in place of the one that is there; the record of its exports stays.

        Raises
        ------
        DiskError
            The file system refused.
        """
        self.update(exports=recorded_exports(path))
        with disk_errors(path, ELSEWHERE):
            put_in_place(self.path, path)
        return self.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a store for writing.

        Raises
        ------
        DataError
            There is none, or it is damaged, or a chunk of what was stored is missing.
        """
        import zarr

        try:
            store = cls(path, zarr.open_group(str(path), mode="r+"))
        except (FileNotFoundError, FileExistsError, NotADirectoryError, KeyError, ValueError) as exc:
            raise DataError(
                f"{path} is no pose store, or a damaged one. Move it away, or analyze with overwrite=true."
            ) from exc
        check_chunks(path, store.attributes, store._keypoints, store._likelihood)
        return store

    @property
    def frame_count(self) -> int:
        """Frames of the video."""
        return int(self._keypoints.shape[0])

    @property
    def frames_done(self) -> int:
        """Frames that are safely on disk."""
        return int(self.attributes["frames_done"])

    @property
    def is_complete(self) -> bool:
        """Whether every frame is on disk."""
        return self.frames_done == self.frame_count

    def append(self, keypoints: NDArray[np.float32], likelihood: NDArray[np.float32]) -> None:
        """Add the poses of the next frames; they reach the disk when a chunk is full, or the video complete.

        Parameters
        ----------
        keypoints : (n, individuals, keypoints, 2) float32
        likelihood : (n, individuals, keypoints) float32

        Raises
        ------
        DiskError
            The disk is full or read-only. What `frames_done` counts is safe.
        """
        self._pending.append((keypoints, likelihood))
        chunk = int(self._keypoints.chunks[0])
        waiting = sum(len(item[1]) for item in self._pending)
        if waiting < chunk and self.frames_done + waiting < self.frame_count:
            return
        points = np.concatenate([item[0] for item in self._pending])
        scores = np.concatenate([item[1] for item in self._pending])
        start, last = self.frames_done, self.frames_done + waiting == self.frame_count
        whole = waiting if last else waiting - waiting % chunk
        with disk_errors(self.path, ELSEWHERE):
            self._keypoints[start : start + whole] = points[:whole]
            self._likelihood[start : start + whole] = scores[:whole]
            for array in ("keypoints", "likelihood"):
                chunks_to_disk(self.path / array, start // chunk, math.ceil((start + whole) / chunk))
        self.update(frames_done=start + whole)
        self._pending = [(points[whole:], scores[whole:])] if whole < waiting else []

    def update(self, elsewhere: str = ELSEWHERE, /, **attributes: Any) -> None:
        """Set attributes of the group: the old file or the new one is there at any moment, even without power.

        Raises
        ------
        DiskError
            The disk is full or read-only; `elsewhere` says how to write to another place (`dlc_core.files.disk_error`).
        """
        record = self.path / "zarr.json"
        with disk_errors(self.path, elsewhere):
            content = json.loads(record.read_text(encoding="utf-8"))
            content["attributes"].update(attributes)
            with replacing(record, elsewhere, durable=True) as temporary:
                temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        self.attributes = content["attributes"]


def _make_group(path: Path, header: Header, chunk: int, exports: Mapping[str, Any]) -> None:
    import zarr
    from zarr.codecs import BloscCodec

    individuals, keypoints = header.skeleton.individuals, header.skeleton.keypoints
    frames, shape = header.frame_count, (len(individuals), len(keypoints))
    group = zarr.create_group(str(path), attributes={**header.as_attributes(), "exports": exports})
    names = ("frame", "individual", "keypoint", "xy")
    for array, tail in (("keypoints", (*shape, 2)), ("likelihood", shape)):
        group.create_array(
            array,
            shape=(frames, *tail),
            chunks=(min(chunk, max(frames, 1)), *tail),
            dtype="float32",
            fill_value=math.nan,
            compressors=BloscCodec(cname="lz4", shuffle="bitshuffle"),
            dimension_names=names[: len(tail) + 1],
        )
    for name, values in (("individual", individuals), ("keypoint", keypoints), ("xy", ("x", "y"))):
        coordinate = group.create_array(name, shape=(len(values),), dtype=str, dimension_names=(name,))
        coordinate[:] = np.array(values, dtype=object)
    with warnings.catch_warnings():
        # zarr says that consolidated metadata may change before it enters the standard; xarray asks for it.
        warnings.simplefilter("ignore", UserWarning)
        zarr.consolidate_metadata(str(path))
