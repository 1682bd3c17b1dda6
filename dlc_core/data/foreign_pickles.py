"""Read pickles that other programs wrote, without running any code they may carry."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
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


class _BuiltinsAndNumpy(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a class of builtins or NumPy's arrays and scalars; refuse everything else."""
        if (module, name) == ("_codecs", "encode"):  # how old protocols write bytes
            return _latin1
        numpy_module = module == "numpy" or module.startswith(("numpy.core.", "numpy._core."))
        if (module in ("builtins", "__builtin__") and name in _BUILTINS) or (numpy_module and name in _NUMPY):
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


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
