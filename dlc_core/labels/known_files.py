"""Tables that this process has written, or has looked at and found whole: nothing is to be feared of them.

A table that somebody else has just saved may be half written, and an h5 that somebody else has written may hold points
that its csv lacks. Both questions cost time, so they are asked once for every state of a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

FileStamp = tuple[int, int, int]
"""Inode, size, time of the last change in ns: equal stamps mean equal content."""

_KNOWN: dict[Path, FileStamp] = {}


def file_stamp(path: Path) -> FileStamp | None:
    """Return the state of a file, None if it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked before every edit
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def remember(paths: Iterable[Path]) -> None:
    """Note that the files are fine as they are now."""
    for path in paths:
        remember_as(path, file_stamp(path))


def remember_as(path: Path, stamp: FileStamp | None) -> None:
    """Note that the file is fine in the state `stamp`."""
    if stamp is not None:
        _KNOWN[path] = stamp


def is_known(path: Path) -> bool:
    """Tell whether nobody else has changed the file since it was found fine, or whether it is gone."""
    stamp = file_stamp(path)
    return stamp is None or _KNOWN.get(path) == stamp
