"""One analysis per pose store at a time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.inference.store_files import ELSEWHERE, lock_path
from dlc_core.lock import holding


def locked(path: Path) -> AbstractContextManager[None]:
    """Return a context that holds the lock of the store at `path`, in ``<path>.lock`` beside it.

    Raises
    ------
    DataError
        Another process holds it; the message says which.
    DiskError
        The lock file cannot be written.
    """

    def refusal(holder: str) -> DataError:
        return DataError(
            f"{path.name} is being written by {holder}. Wait until that analysis is done, "
            "or write elsewhere with destfolder=."
        )

    return holding(lock_path(path), refusal, ELSEWHERE)
