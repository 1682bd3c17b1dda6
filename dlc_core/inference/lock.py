"""One analysis per pose store at a time: a lock file that names its holder and dies with it.

The operating system holds the lock, not the file: when a process is killed its lock is gone at once, so that a file
left behind by a dead process stops nobody. What the file says (process, host, since when) is for the person who has
to wait.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dlc_core.console import warn
from dlc_core.errors import DataError
from dlc_core.files import disk_error

_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the store at `path`, in ``<path>.lock`` beside it.

    Raises
    ------
    DataError
        Another process holds it; the message says which.
    DiskError
        The lock file cannot be written.
    """
    lock = path.with_name(path.name + ".lock")
    descriptor = _acquire(lock, path)
    try:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(" ", "seconds")}
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(holder).encode())
        yield
    finally:
        if sys.platform != "win32":  # there, an open file cannot be removed; it stays, unlocked
            lock.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(lock: Path, path: Path) -> int:
    """Return an open descriptor that holds the lock."""
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as exc:
            raise disk_error(lock, exc) from exc
        try:
            _lock_descriptor(descriptor)
        except OSError as exc:
            text = os.read(descriptor, 4096)
            os.close(descriptor)
            if exc.errno in _HELD:
                raise DataError(
                    f"{path.name} is being written by {_describe(text)}. Wait until that analysis is done, "
                    "or write elsewhere with destfolder=."
                ) from exc
            raise disk_error(lock, exc) from exc
        # The holder before us removes the file when it is done: then we hold the lock of a file that is gone.
        if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
            return descriptor
        os.close(descriptor)


def _describe(text: bytes) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock_descriptor(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text, which others may then read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    _UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}

    def _lock_descriptor(descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in _UNSUPPORTED:
                raise
            warn("this file system has no locks: make sure that no other process analyses the same video into it.")
