"""Arrays that are sliced like NumPy arrays and load only what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray


class FrameArray:
    """A read-only array, frames first, that loads only what is asked for.

    Integers, slices and ``...`` behave as in NumPy. One axis may be indexed by a 1-D array of integers or booleans.

    Parameters
    ----------
    source : zarr.Array or numpy.ndarray
        (frames, ...) of any dtype.
    frames : int
        How many leading frames count: those that an unfinished analysis has written.
    reading : callable
        Returns the context in which the source is read: it turns what the source raises into what a user can act on.
    """

    def __init__(
        self, source: Any, frames: int, reading: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self._source: Any = source
        self._reading = reading
        self.shape: tuple[int, ...] = (frames, *source.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = np.dtype(self._source.dtype)
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this array is read lazily: slice it, or call PoseFile.load() to get all of it")

    def __repr__(self) -> str:
        return f"FrameArray(shape={self.shape}, dtype={self.dtype})"

    def __getitem__(self, key: Any) -> NDArray[Any]:
        selection = [_normalised(part, length) for part, length in zip(self._expand(key), self.shape, strict=True)]
        with self._reading():
            return self._read(selection)

    def _read(self, selection: list[Any]) -> NDArray[Any]:
        arrays = [axis for axis, part in enumerate(selection) if isinstance(part, np.ndarray)]
        if len(arrays) > 1:
            raise IndexError("only one axis may be indexed by an array; index the result for the other one")
        if not arrays:
            return np.asarray(self._source[tuple(selection)])
        if isinstance(self._source, np.ndarray):
            indices = selection[arrays[0]]
            selection[arrays[0]] = slice(None)
            axis = sum(isinstance(part, slice) for part in selection[: arrays[0]])
            taken: NDArray[Any] = np.take(self._source[tuple(selection)], indices, axis=axis)
            return taken
        return np.asarray(self._source.oindex[tuple(selection)])

    def _expand(self, key: Any) -> list[Any]:
        parts = list(key) if isinstance(key, tuple) else [key]
        dots = [i for i, part in enumerate(parts) if part is Ellipsis]
        missing = self.ndim - (len(parts) - len(dots))
        if missing < 0 or len(dots) > 1:
            raise IndexError(f"too many indices: {len(parts)} for an array of {self.ndim} axes")
        at = dots[0] if dots else len(parts)
        return parts[:at] + [slice(None)] * missing + parts[at + len(dots) :]


def _normalised(part: Any, length: int) -> Any:
    """Return an index with nothing negative in it: an int, a slice within the axis, or a (n,) int64 array."""
    if isinstance(part, slice):
        start, stop, step = part.indices(length)
        if step < 1:
            raise IndexError("a step below 1 is not supported; reverse the result instead")
        return slice(start, max(start, stop), step)
    if isinstance(part, int | np.integer):
        return _within(int(part), length)
    return _as_indices(part, length)


def _within(index: int, length: int) -> int:
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range for an axis of length {length}")
    return index % length


def _as_indices(part: Any, length: int) -> NDArray[np.int64]:
    array = np.asarray(part)
    if array.ndim != 1 or not (array.dtype == np.bool_ or np.issubdtype(array.dtype, np.integer) or not len(array)):
        raise IndexError(
            f"cannot index by {part!r}: expected integers, slices, or one 1-D array of integers or booleans"
        )
    if array.dtype == np.bool_:
        if len(array) != length:
            raise IndexError(f"the boolean index has length {len(array)}, the axis {length}")
        return np.flatnonzero(array).astype(np.int64)
    indices = array.astype(np.int64)
    if len(indices) and (indices.min() < -length or indices.max() >= length):
        raise IndexError(f"an index is out of range for an axis of length {length}")
    return np.where(indices < 0, indices + length, indices)
