"""What reading a file of weights may raise, whoever wrote it."""

from __future__ import annotations

import pickle
import zipfile

from safetensors import SafetensorError

# PyTorch's unpickler fails wherever the bytes of a file that holds no weights lead it.
UNREADABLE = (
    *(OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, SafetensorError),
)


def reason(exc: BaseException) -> str:
    """Return the first line of what was wrong, without a full stop."""
    return (str(exc).splitlines() or [type(exc).__name__])[0].rstrip(".")
