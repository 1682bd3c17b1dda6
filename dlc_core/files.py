"""Write files so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlc_core.errors import DiskError

_MAX_NAME_BYTES = 255  # NAME_MAX of ext4, xfs, apfs and ntfs

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space or write elsewhere",
    errno.EDQUOT: "the disk quota is used up. Free some space or write elsewhere",
    errno.EROFS: "the file system is read-only. Write elsewhere (`destfolder=`) or remount it",
    errno.EACCES: "permission denied. Make the folder writable or write elsewhere (`destfolder=`)",
    errno.EPERM: "permission denied. Make the folder writable or write elsewhere (`destfolder=`)",
    errno.ENAMETOOLONG: "the name is too long for the file system. Use a shorter run or video name",
}


def disk_error(path: Path, exc: OSError) -> DiskError:
    """Return `exc` as one line that names the file and says what to do."""
    reason = _REASONS.get(exc.errno or 0, f"{exc.strerror or exc}")
    return DiskError(f"cannot write {path}: {reason}.")


def check_name(path: Path, remedy: str = "Use a shorter name") -> Path:
    """Return `path` if its last part fits a file system.

    Raises
    ------
    DiskError
        The name is longer than 255 bytes.
    """
    size = len(os.fsencode(path.name))
    if size > _MAX_NAME_BYTES:
        raise DiskError(f"the file name {path.name!r} has {size} bytes; file systems take {_MAX_NAME_BYTES}. {remedy}.")
    return path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place if the block succeeds, else remove it.

    The temporary name keeps the suffix, because several writers choose the format by it.

    Raises
    ------
    DiskError
        The disk is full, read-only, or the name is too long.

    Examples
    --------
    >>> with replacing("labels.csv") as temporary:  # doctest: +SKIP
    ...     table.to_csv(temporary)
    """
    target = check_name(Path(path))
    token = f".~{secrets.token_hex(4)}"
    stem = target.name[: -len(target.suffix)] if target.suffix else target.name
    room = _MAX_NAME_BYTES - len(os.fsencode(token + target.suffix))
    stem = os.fsdecode(os.fsencode(stem)[:room]) if len(os.fsencode(stem)) > room else stem
    temporary = target.with_name(f"{token}{stem}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except OSError as exc:
        if isinstance(exc, DiskError) or exc.errno not in _REASONS:
            raise
        raise disk_error(target, exc) from exc
    finally:
        temporary.unlink(missing_ok=True)


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
