"""Write files so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlc_core.aside import MAX_NAME_BYTES, aside, meant
from dlc_core.errors import DiskError, DlcError

_DENIED = ("permission denied", "Make the folder writable")
_BROKEN = ("the disk reports an error", "Check it and its cable")
_AWAY = ("the network drive does not answer", "Check its connection")
_TAKEN = ("something else of that name is there", "Move it away")

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space"),
    errno.EFBIG: ("the file is larger than the file system or this shell allows", "Raise the limit (`ulimit -f`)"),
    errno.EROFS: ("the file system is read-only", "Remount it for writing"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENAMETOOLONG: ("the name is too long for the file system", "Use a shorter run or video name"),
    errno.EIO: _BROKEN,
    errno.ENXIO: _BROKEN,
    errno.ENODEV: _BROKEN,
    errno.ESTALE: _AWAY,
    errno.ETIMEDOUT: _AWAY,
    errno.EHOSTUNREACH: _AWAY,
    errno.ENOENT: ("its folder is gone", "Check that the drive is still connected"),
    errno.EEXIST: _TAKEN,
    errno.EISDIR: _TAKEN,
    errno.ENOTEMPTY: _TAKEN,
    errno.EBUSY: ("another program uses it", "Close that one"),
    errno.EMFILE: ("too many files are open", "Raise the limit (`ulimit -n`)"),
}
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_SERIOUS = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def disk_error(path: Path, exc: OSError, elsewhere: str = "") -> DiskError:
    """Return `exc` as one line that names the file and says what to do.

    Parameters
    ----------
    path : Path
        What could not be written; a hidden name stands for its target.
    exc : OSError
        Why.
    elsewhere : str
        How to write to another place, where there is a way: ``"write elsewhere with destfolder="``.
    """
    path = meant(path)
    blocked = [part for part in path.parents if os.path.lexists(part) and not os.path.isdir(part)]  # noqa: PTH112
    if blocked:  # pathlib's is_dir would raise where looking is not allowed
        reason, remedy = f"{blocked[0]} is a file, a folder is needed there", "Move the file away"
    elif _is_about_another(path, exc):
        reason, remedy = f"{exc.filename} cannot be used ({exc.strerror})", "Check that file"
    else:
        text = (exc.strerror or str(exc) or type(exc).__name__).rstrip(".")
        reason, remedy = _REASONS.get(exc.errno or 0, (text, "Check the disk"))
    return DiskError(f"cannot write {path}: {reason}. {remedy}{f', or {elsewhere}' if elsewhere else ''}.")


def _is_about_another(path: Path, exc: OSError) -> bool:
    """Tell whether the error is about a file that lies elsewhere: one that was to be read, say.

    What copies a file names the one that is read, whichever of the two the file system refused.
    """
    if exc.errno in _OF_WRITING or not isinstance(exc.filename, str | bytes):
        return False
    named = Path(os.fsdecode(exc.filename)).absolute()
    ours = path.absolute()
    return ours.parent not in named.parents and named not in (ours, *ours.parents)


def check_name(path: Path, remedy: str = "Use a shorter name") -> Path:
    """Return `path` if its last part fits a file system.

    Raises
    ------
    DiskError
        The name is longer than 255 bytes.
    """
    size = len(os.fsencode(path.name))
    if size > MAX_NAME_BYTES:
        raise DiskError(f"the file name {path.name!r} has {size} bytes; file systems take {MAX_NAME_BYTES}. {remedy}.")
    return path


@contextmanager
def disk_errors(path: Path, elsewhere: str = "") -> Iterator[None]:
    """Turn what the file system says within the block into one line that names `path` (see `disk_error`).

    Raises
    ------
    DiskError
        The block raised an OSError.
    """
    try:
        yield
    except OSError as exc:
        if isinstance(exc, DlcError):
            raise
        raise disk_error(path, exc, elsewhere) from exc


@contextmanager
def replacing(path: str | os.PathLike[str], elsewhere: str = "", durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place if the block succeeds, else remove it.

    The temporary name keeps the suffix, because several writers choose the format by it. What killed processes left
    in the folder is removed.

    Parameters
    ----------
    path : path-like
    elsewhere : str
        How to write to another place, for the message (`disk_error`).
    durable : bool
        Wait until the disk itself holds the file, so that it survives a power failure.

    Raises
    ------
    DiskError
        The file system refused: full, read-only, a name too long, ...

    Examples
    --------
    >>> with replacing("labels.csv") as temporary:  # doctest: +SKIP
    ...     table.to_csv(temporary)
    """
    target = check_name(Path(path))
    with disk_errors(target, elsewhere):
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside(target) as temporary:
            yield temporary
            if durable:
                to_disk(temporary)
            temporary.replace(target)
        if durable:
            to_disk(target.parent)


def to_disk(path: Path) -> None:
    """Have the system put a file, or a folder's list of names, on the disk itself (fsync).

    Raises
    ------
    OSError
        The disk is full or broken. A file system that cannot do this for folders is left alone.
    """
    if not path.is_dir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno in _SERIOUS:
            raise
    finally:
        os.close(descriptor)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, aside and then into place."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data`, aside and then into place."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
