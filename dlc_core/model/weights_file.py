"""Read a file of weights, whoever wrote it, and say what is wrong with one that cannot be read."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

# PyTorch's unpickler fails wherever the bytes of a file that holds no weights lead it.
UNREADABLE = (
    *(OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, SafetensorError),
)


def load_weights_only(path: Path) -> Any:
    """Return what PyTorch finds in a file, on the CPU, without running any code of the file's; raises `UNREADABLE`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pickles of other kinds, which end in an error of ours
        return torch.load(path, map_location="cpu", weights_only=True)


def why_unreadable(path: Path, exc: BaseException) -> str:
    """Return what is wrong with a file of which reading raised `exc`.

    PyTorch's own text is left to the traceback: it advises to run whatever code the file holds.
    """
    if isinstance(exc, OSError) and exc.filename is not None and exc.strerror:  # it could not even be opened
        return exc.strerror
    return f"it is damaged, or of another kind ({path.stat().st_size:,} bytes)"


def reason(exc: BaseException) -> str:
    """Return the first line of what was wrong, without a full stop."""
    return (str(exc).splitlines() or [type(exc).__name__])[0].rstrip(".")
