"""Hidden names beside a file or folder, for what is written aside and then moved into place.

A process that is killed leaves what it had begun. So a name says who made it (the process, and the machine on which
that number means something), and the next one that writes in the folder removes what dead processes left there. Never
what a living one writes: on another machine, where nobody can ask, a name counts as left after a week without a write.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_NAME_BYTES = 255  # NAME_MAX of ext4, xfs, apfs and ntfs

_NAME = re.compile(r"\.~(?P<place>[0-9a-f]{6})-(?P<pid>\d+)-[0-9a-f]{8}~(?P<target>.*)", re.DOTALL)
_LONGEST_SUFFIX_BYTES = 32
_SWEEP_EVERY_S = 60.0
_LEFT_AFTER_S = 7 * 24 * 3600.0

_in_use: set[str] = set()
_swept: dict[Path, float] = {}


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """Yield a hidden path beside `target`; a file or folder that is there when the block ends is removed.

    The name keeps the suffix, because several writers choose the format by it. What dead processes left in the folder
    is removed first.
    """
    _sweep(target.parent)
    temporary = target.with_name(_name(target))
    _in_use.add(temporary.name)
    try:
        yield temporary
    finally:
        with suppress(OSError):  # the reason why the block failed counts
            remove(temporary)
        _in_use.discard(temporary.name)


def meant(path: Path) -> Path:
    """Return what a hidden name stands for, as far as it was not too long; another path as it is."""
    name = path.name
    while (match := _NAME.fullmatch(name)) and match["target"]:
        name = match["target"]
    return path if name == path.name else path.with_name(name)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, or nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _name(target: Path) -> str:
    token = f".~{_place()}-{os.getpid()}-{secrets.token_hex(4)}~"
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= _LONGEST_SUFFIX_BYTES else ""
    stem = os.fsencode(target.name[: len(target.name) - len(suffix)])
    room = MAX_NAME_BYTES - len(os.fsencode(token + suffix))
    return token + (os.fsdecode(stem) if len(stem) <= room else stem[:room].decode("utf-8", "ignore")) + suffix


def _sweep(folder: Path) -> None:
    """Remove what dead processes left in `folder`, once a minute at most: folders of images are long."""
    now = time.monotonic()
    if now - _swept.get(folder, -_SWEEP_EVERY_S) < _SWEEP_EVERY_S:
        return
    _swept[folder] = now
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if _is_left(entry):
                    remove(Path(entry.path))


def _is_left(entry: os.DirEntry[str]) -> bool:
    """Tell whether nobody will come back to a temporary file or folder."""
    match = _NAME.fullmatch(entry.name)
    if match is None or entry.name in _in_use:
        return False
    if match["place"] == _place() and sys.platform != "win32":  # there, asking for a process would interrupt it
        return not _is_running(int(match["pid"]))
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _LEFT_AFTER_S


def _is_running(pid: int) -> bool:
    if pid == os.getpid():  # ours, but none that we use: of a process that had our number before
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def _place() -> str:
    """Return a token of the machine, and of the container on it: only there is a process known by its number."""
    known = [socket.gethostname()]
    with suppress(OSError):
        known.append(Path("/etc/machine-id").read_text(encoding="utf-8"))
    with suppress(OSError):
        known.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:6]
