"""One process at a time: a lock file that names its holder and dies with it.

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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from dlc_core.console import warn
from dlc_core.errors import DlcError
from dlc_core.files import disk_error

_REFUSED = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_OPEN: set[int] = set()
_SAID: set[Path] = set()
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.01


@contextmanager
def holding(lock: Path, refusal: Callable[[str], DlcError], elsewhere: str = "", wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock file; it is removed afterwards.

    Parameters
    ----------
    lock : Path
        The file; its folder is made if it is not there.
    refusal : callable
        Given who holds the lock, like ``process 71 on cage-pc since 2030-01-31 12:00:00``, returns what is raised.
    elsewhere : str
        How to write to another place, for the message of a DiskError (`dlc_core.files.disk_error`).
    wait_s : float
        How many seconds to wait for somebody else to let go.

    Raises
    ------
    DlcError
        What `refusal` returned, because somebody else holds the lock.
    DiskError
        The file cannot be written.
    """
    descriptor = _acquire_within(wait_s, lock, refusal, elsewhere)
    try:
        _OPEN.add(descriptor)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(" ", "seconds")}
        with suppress(OSError):  # no room for the note: the lock is held all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(holder).encode())
        yield
    finally:
        try:
            with suppress(OSError):  # a file that cannot be removed (on Windows an open one) stays, unlocked
                lock.unlink(missing_ok=True)
        finally:  # an interruption right then must not leave it locked
            _OPEN.discard(descriptor)
            os.close(descriptor)


def is_held(lock: Path) -> bool:
    """Tell whether a living process holds a lock file, by trying to take it for a moment.

    Somebody who asks for the lock in that moment is refused, so this is for those who know that nobody does.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock_descriptor(descriptor, lock)
    except OSError as exc:
        return exc.errno in _REFUSED
    finally:
        os.close(descriptor)
    return False


def _acquire_within(wait_s: float, lock: Path, refusal: Callable[[str], DlcError], elsewhere: str) -> int:
    """Return an open descriptor that holds the lock; ask again, ever more rarely, until the time is over."""
    end, pause = time.monotonic() + wait_s, _FIRST_PAUSE_S
    refused: list[DlcError] = []

    def note(holder: str) -> DlcError:
        refused.append(refusal(holder))
        return refused[-1]

    while True:
        try:
            return _acquire(lock, note, elsewhere)
        except DlcError as exc:
            if not refused or exc is not refused[-1] or time.monotonic() >= end:
                raise
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _acquire(lock: Path, refusal: Callable[[str], DlcError], elsewhere: str) -> int:
    """Return an open descriptor that holds the lock."""
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as exc:
            raise disk_error(lock, exc, elsewhere) from exc
        try:
            _lock_descriptor(descriptor, lock)
        except OSError as exc:
            text = os.read(descriptor, 4096)
            os.close(descriptor)
            if exc.errno in _REFUSED:
                raise refusal(_describe(text)) from exc
            raise disk_error(lock, exc, elsewhere) from exc
        # The holder before us removes the file when it is done: then we hold the lock of a file that is gone.
        if _is_file_of(descriptor, lock):
            return descriptor
        os.close(descriptor)


def _is_file_of(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except FileNotFoundError:
        return False


def _describe(text: bytes) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _close_in_child() -> None:
    """Let go of the locks of the parent: a forked child that outlives it for a moment must not go on holding them."""
    for descriptor in _OPEN:
        os.close(descriptor)
    _OPEN.clear()


if sys.platform == "win32":
    import msvcrt

    def _lock_descriptor(descriptor: int, _: Path) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text, which others may then read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    _UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}

    def _lock_descriptor(descriptor: int, lock: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno not in _UNSUPPORTED:
                raise
            if lock.parent not in _SAID:  # once, not with every edit
                _SAID.add(lock.parent)
                warn(f"the file system of {lock} has no locks: make sure that no other process does the same there.")

    os.register_at_fork(after_in_child=_close_in_child)
