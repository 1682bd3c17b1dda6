"""Tracks one after the other, in a file that nobody sees: poses come frame by frame, filters want track by track."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dlc_core.files import disk_errors

_IN_MEMORY = 64 << 20
_VALUES = 3  # x, y, likelihood
_FRAME_BYTES = _VALUES * np.dtype(np.float32).itemsize

Values = NDArray[np.float32]


class TrackFile:
    """Holds x, y and likelihood of every track, in memory up to 64 MiB and else in an unnamed file.

    Whatever the length of the video and the number of body parts, memory then holds one track, and the poses are read
    once from front to back.

    Parameters
    ----------
    folder : Path
        On the disk that has room: the one of the poses.
    frames : int
        In each track.
    elsewhere : str
        How to work in another folder, for the message of a full disk.
    """

    def __init__(self, folder: Path, frames: int, elsewhere: str = "") -> None:
        self._folder = folder
        self._frames = frames
        self._elsewhere = elsewhere
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, track: int, start: int, values: Values) -> None:
        """Write consecutive frames of a track, (n, 3) float32, from frame `start` on.

        Raises
        ------
        DiskError
            The disk is full.
        """
        with disk_errors(self._folder / "filtered poses", self._elsewhere):
            self._file.seek((track * self._frames + start) * _FRAME_BYTES)
            self._file.write(np.ascontiguousarray(values, np.float32).tobytes())

    def take(self, track: int, start: int = 0, stop: int | None = None) -> Values:
        """Return the frames `start` to `stop` (excluded) of a track, (n, 3) float32, all of them by default."""
        count = (self._frames if stop is None else min(stop, self._frames)) - start
        with disk_errors(self._folder / "filtered poses", self._elsewhere):
            self._file.seek((track * self._frames + start) * _FRAME_BYTES)
            data = self._file.read(count * _FRAME_BYTES)
        return np.frombuffer(data, np.float32).reshape(count, _VALUES)
