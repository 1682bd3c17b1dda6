"""The folders around a pose store: the one it is made in, the one that will replace it, and what a kill left behind.

Their names are hidden and follow from the store's, so that whoever holds the store's lock may use and remove them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

SUFFIX = ".zarr"


def creation_path(path: Path) -> Path:
    """Return where the store `path` is put together before it is moved into place."""
    return _beside(path, "")


def replacement_path(path: Path) -> Path:
    """Return where a store grows that will replace the finished one at `path`."""
    return _beside(path, "new")


def tidy(path: Path) -> None:
    """Finish or remove what a killed process left beside the store `path`. Hold its lock."""
    for store in (path, replacement_path(path)):
        old = _beside(store, "old")
        if not store.exists() and old.exists():  # killed between the two renames of `put_in_place`
            old.rename(store)
        for folder in (creation_path(store), old):
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(new: Path, path: Path) -> None:
    """Move the store `new` to `path` and remove the one that is there.

    Raises
    ------
    OSError
        The file system refused; one of the two is at `path` then, or will be after `tidy`.
    """
    old = _beside(path, "old")
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def recorded_exports(path: Path) -> dict[str, Any]:
    """Return what the store at `path` has exported; nothing for a damaged one, or none."""
    try:
        exports = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]["exports"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return exports if isinstance(exports, dict) else {}


def to_disk(array: Path, first: int, stop: int) -> None:
    """Have the system put the chunks `first` to `stop` (excluded) along the first axis of a zarr array on the disk."""
    for chunk in range(first, stop):
        for file in (array / "c" / str(chunk)).rglob("*"):
            if file.is_file():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())


def _beside(path: Path, what: str) -> Path:
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    return path.with_name(f".~{digest}{what}{SUFFIX}")
