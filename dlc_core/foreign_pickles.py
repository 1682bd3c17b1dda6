"""Read pickles that other programs wrote, without running any code they may carry."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from dlc_core.errors import DataError

_BUILTINS = frozenset(
    {
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "set",
        "slice",
        "str",
        "tuple",
    }
)
_NUMPY = frozenset({"_reconstruct", "dtype", "ndarray", "scalar", "_frombuffer"})
_FROZEN_LIST = frozenset({"pandas.core.indexes.frozen", "pandas.indexes.frozen", "pandas.core.base"})  # new to old
_ONE_FILE_AT_A_TIME = Lock()


class _BuiltinsAndNumpy(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a class of builtins or NumPy's arrays and scalars; refuse everything else."""
        if (module, name) == ("_codecs", "encode"):  # how old protocols write bytes
            return _latin1
        numpy_module = module == "numpy" or module.startswith(("numpy.core.", "numpy._core."))
        if (module in ("builtins", "__builtin__") and name in _BUILTINS) or (numpy_module and name in _NUMPY):
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


class _Tables(_BuiltinsAndNumpy):
    def find_class(self, module: str, name: str) -> Any:
        """Return also what pandas writes into the attributes of an HDF5 file: the names of a table's column levels."""
        if name == "FrozenList" and module in _FROZEN_LIST:
            return list
        return super().find_class(module, name)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds text in {encoding}")
    return text.encode("latin1")


class _Inert:
    """Stands for any object of a foreign class: takes whatever the pickle gives it and does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass

    def __setitem__(self, _: object, __: object) -> None:
        pass

    def append(self, _: object) -> None:
        """Ignore an item."""

    def extend(self, _: object) -> None:
        """Ignore items."""


class _WithoutForeign(_BuiltinsAndNumpy):
    def find_class(self, module: str, name: str) -> Any:
        """Return a class of builtins or NumPy's arrays and scalars; anything else becomes an `_Inert`."""
        try:
            return super().find_class(module, name)
        except (pickle.UnpicklingError, AttributeError, ImportError):
            return _Inert


def read_pickle(path: Path, skip_foreign: bool = False) -> Any:
    """Return what a pickle of builtins and NumPy arrays holds.

    Parameters
    ----------
    path : Path
    skip_foreign : bool
        Whether objects of other classes become empty stand-ins, so that what lies beside them can be read; they are
        refused otherwise.

    Raises
    ------
    DataError
        It cannot be read, or holds anything else without `skip_foreign`; nothing of it has been executed.
    """
    try:
        unpickler = _WithoutForeign if skip_foreign else _BuiltinsAndNumpy
        return unpickler(io.BytesIO(path.read_bytes())).load()
    except (
        pickle.UnpicklingError,
        EOFError,
        OSError,
        TypeError,
        ValueError,
        AttributeError,
        ImportError,
        IndexError,
    ) as exc:
        raise DataError(
            f"{path} cannot be read as data ({exc}). Expected a pickle of plain values and NumPy arrays."
        ) from exc


@contextmanager
def foreign_hdf5(path: Path) -> Iterator[None]:
    """Let PyTables, and pandas above it, read a file without running any code that its attributes carry.

    PyTables unpickles attributes and object arrays as they are, and takes a failure for a plain string. Within the
    block it is given our unpickler; a refusal ends the block with an error.

    Parameters
    ----------
    path : Path
        For the message.

    Raises
    ------
    DataError
        The file holds objects of classes that no table needs; nothing of them has been executed.
    """
    from tables import atom, attributeset, silence_hdf5_messages

    silence_hdf5_messages(True)  # of this thread: HDF5 keeps that for each, and PyTables sets it in the first alone
    refused: list[str] = []

    def loads(data: bytes, **_: Any) -> Any:
        try:
            return _Tables(io.BytesIO(data)).load()
        except pickle.UnpicklingError as exc:
            if str(exc).startswith("it holds "):
                refused.append(str(exc))
            raise

    guard = SimpleNamespace(**{**vars(pickle), "loads": loads})
    with _ONE_FILE_AT_A_TIME:
        before = [(module, module.pickle) for module in (atom, attributeset)]
        try:
            for module, _ in before:
                module.pickle = guard
            yield
        finally:
            for module, original in before:
                module.pickle = original
            if refused:  # whatever PyTables and pandas made of the gap
                raise _foreign(path, refused[0])


def _foreign(path: Path, found: str) -> DataError:
    return DataError(
        f"{path} cannot be read: {found.removeprefix('it holds ')} is stored in it, which could run code of whoever "
        "wrote the file. Expected a table of plain values. Use its csv, or ask for the file again."
    )
