"""The folders around a pose store: the one it is made in, the one that will replace it, and what a kill left behind.

Their names are hidden and follow from the store's, so that whoever holds the store's lock may use and remove them.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from dlc_core.aside import remove
from dlc_core.files import disk_errors, to_disk

SUFFIX = ".zarr"
ELSEWHERE = "write elsewhere with `dlc analyze destfolder=`"
"""What a user can do who cannot write beside the video."""


def creation_path(path: Path) -> Path:
    """Return where the store `path` is put together before it is moved into place."""
    return _beside(path, "")


def replacement_path(path: Path) -> Path:
    """Return where a store grows that will replace the one at `path`."""
    return _beside(path, "new")


def lock_path(path: Path) -> Path:
    """Return the file whose lock stands for the store `path`."""
    return path.with_name(path.name + ".lock")


def is_tidy(path: Path) -> bool:
    """Tell whether nothing of an analysis that goes on, or was killed, lies beside the store `path`."""
    stores = (path, replacement_path(path))
    left = [lock_path(path), stores[1], *(_beside(store, what) for store in stores for what in ("", "old"))]
    return not any(os.path.lexists(one) for one in left)


def tidy(path: Path, replacing: bool) -> bool:
    """Finish what a killed process left beside the store `path`. Hold its lock.

    Parameters
    ----------
    path : Path
    replacing : bool
        Whether the store is to be replaced now. If not, a replacement that was begun becomes the store if there is
        none, and is kept, to go on with, if there is one.

    Returns
    -------
    bool
        Whether a replacement waits beside the store, and is not asked for.

    Raises
    ------
    DiskError
        The file system refused.
    """
    new = replacement_path(path)
    with disk_errors(path, ELSEWHERE):
        _put_back(new)
        if not replacing and new.exists() and not path.exists():  # it was complete, or there was nothing to replace
            new.rename(path)
        _put_back(path)
        return not replacing and new.exists()


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
    to_disk(path.parent)
    remove(old)


def recorded_exports(path: Path) -> dict[str, Any]:
    """Return what the store at `path` has exported; nothing for a damaged one, or none."""
    try:
        exports = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]["exports"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return exports if isinstance(exports, dict) else {}


def store_to_disk(folder: Path) -> None:
    """Have the system put all files of a store, or of a folder in it, on the disk itself.

    The folders follow: file systems with a journal put a file's name there with the file, and what is moved into place
    afterwards (`put_in_place`, or the record of the store) takes its own folder along.
    """
    for file in folder.rglob("*"):
        if file.is_file():
            to_disk(file)


def chunks_to_disk(array: Path, first: int, stop: int) -> None:
    """Have the system put the chunks `first` to `stop` (excluded) along the first axis of a zarr array on the disk."""
    for chunk in range(first, stop):
        store_to_disk(array / "c" / str(chunk))


def remove_half_chunks(store: Path) -> None:
    """Remove what zarr was writing into the store when it was killed. Hold its lock."""
    for file in store.rglob("*.partial"):
        file.unlink(missing_ok=True)


def _put_back(store: Path) -> None:
    """Undo or finish the two renames of `put_in_place`, and remove a store that was just being made."""
    old = _beside(store, "old")
    if not store.exists() and old.exists():
        old.rename(store)
    for folder in (creation_path(store), old):
        remove(folder)


def _beside(path: Path, what: str) -> Path:
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    return path.with_name(f".~{digest}{what}{SUFFIX}")
