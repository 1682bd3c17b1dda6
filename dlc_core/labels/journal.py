"""``<table>.journal`` beside a label table: every edit as one line of JSON, on the disk before it counts as made.

A line holds one edit of one frame with absolute values, so that replaying it twice changes nothing, and what the edit
was made on (``was``), so that a point that another program has changed since is noticed (`dlc_core.labels.replay`)::

    {"id": "5f0c9e21a4b7", "t": "2030-01-31T12:00:00.123+00:00", "by": "Ada", "image": "labeled-data/mouse/img01.png",
     "set": {"snout": [12.5, 80.0]}, "unset": ["tail"], "was": {"snout": null, "tail": [3.0, 4.0]}}

``was`` is null for a frame that had no row. ``"row": true`` makes a row without points, ``"drop": true`` removes the
row, ``"aside": true`` says that its image is to be moved to ``removed/`` (the frame's next line: that it is there),
``"done": 0.6`` that a refined frame is finished (null: begun), ``"bodyparts": [...]`` that the table has these columns.
Lines are appended under the folder's lock (`folder_lock`). A line without its end was never acknowledged: it is
skipped, and the next append voids it for good.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dlc_core.errors import DataError, DlcError
from dlc_core.files import disk_errors, replacing, to_disk
from dlc_core.lock import holding

SUFFIX = ".journal"
LOCK_NAME = ".labels.lock"
KEEP: Literal["keep"] = "keep"

Values = tuple[float | None, ...]
"""x, y and, of machine labels, likelihood; None where the table holds NaN."""

_VOID = b"\x18"
_WAIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a person does to one frame; values are absolute.

    Parameters
    ----------
    image : str
        Name of the frame, ``labeled-data/<folder>/<file>``.
    set : mapping of str to tuple of float
        Body parts and where they are now: x, y in pixels of the image file, pixel centre at integer coordinates; of
        machine labels a third number, the likelihood, may follow.
    unset : tuple of str
        Body parts that are no longer there.
    row : bool
        Whether the frame counts as labelled even if no body part is visible.
    drop : bool
        Whether the frame's row is removed with all its points.
    done : float, None or "keep"
        Of machine labels: the pcutoff the frame was finished with; None for begun and not finished.
    by : str
        Who does it; "" for the editor's person.
    """

    image: str
    set: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    row: bool = False
    drop: bool = False
    done: float | Literal["keep"] | None = KEEP
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a journal.

    Parameters
    ----------
    edit : Edit
        What was done; its image is "" where only columns were added.
    was : mapping of str to Values or None, or None
        The points that the edit touched, as they were; None for a frame without a row.
    bodyparts : tuple of str
        Columns the table is to have.
    aside : bool
        Whether the image is to be moved to ``removed/``, unless another entry of the frame follows.
    id, t : str
        What tells the entry from all others, and when it was made (ISO 8601, UTC).
    """

    edit: Edit
    was: Mapping[str, Values | None] | None = None
    bodyparts: tuple[str, ...] = ()
    aside: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    t: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


@dataclass(frozen=True)
class Journal:
    """What a journal holds.

    Parameters
    ----------
    entries : tuple of Entry
        In order.
    size : int
        How many bytes of the file these are; 0 if there is no file.
    damaged : tuple of bytes
        Whole lines that cannot be read.
    digest : bytes
        Stands for these bytes.
    """

    entries: tuple[Entry, ...] = ()
    size: int = 0
    damaged: tuple[bytes, ...] = ()
    digest: bytes = b""


def folder_lock(folder: Path, wait_s: float = _WAIT_S) -> AbstractContextManager[None]:
    """Return a context that holds the lock of a folder of frames: whoever writes its tables or journals takes it.

    Raises
    ------
    DataError
        Another process holds it for `wait_s` seconds, or the folder is gone.
    DiskError
        The folder cannot be written.
    """
    if not folder.is_dir():
        raise DataError(f"the folder {folder} is gone, so nothing in it can be changed. Put it back.")

    def refusal(holder: str) -> DlcError:
        return DataError(f"the labels in {folder} are being written by {holder}. Wait a moment and try again.")

    return holding(folder / LOCK_NAME, refusal, wait_s=wait_s)


def read_journal(path: Path, width: int | None = None) -> Journal:
    """Return the entries of the journal at `path`, none if it is not there.

    Parameters
    ----------
    path : Path
        The file.
    width : int or None
        How many numbers a point of its table has; a line with others cannot be read. None for any.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Journal()
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror}. It holds label edits: make it readable.") from exc
    *lines, rest = content.split(b"\n")
    entries, damaged = [], []
    for line in lines:
        if not line or line.endswith(_VOID):
            continue
        try:
            entries.append(_checked(_entry(json.loads(line)), width))
        except (ValueError, KeyError, TypeError, AttributeError):
            damaged.append(line)
    size = len(content) - len(rest)
    return Journal(tuple(entries), size, tuple(damaged), _digest(content[:size]))


def begins_with(path: Path, journal: Journal) -> bool:
    """Tell whether the file at `path` begins with what `journal` holds; an edit that was refused later is gone from it.

    Raises
    ------
    DiskError
        The file cannot be read.
    """
    if not path.exists():
        return journal.size == 0
    with disk_errors(path):
        return _digest(path.read_bytes()[: journal.size]) == journal.digest


def append(path: Path, entry: Entry) -> None:
    """Put `entry` at the end of the journal at `path`; it is on the disk when this returns. The lock is held.

    Raises
    ------
    DiskError
        The file system refused; the journal is as it was.
    """
    line = json.dumps(_plain(entry), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
    with disk_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            size = os.fstat(descriptor).st_size
            try:
                _write(descriptor, _voided(descriptor, size) + line)
                os.fsync(descriptor)
                if size == 0:
                    to_disk(path.parent)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                    if size == 0:
                        path.unlink()
                    os.fsync(descriptor)
                raise
        finally:
            os.close(descriptor)


def cut(path: Path, size: int) -> None:
    """Remove the first `size` bytes of the journal, which are in the table now; without a rest, the file. Lock held.

    Raises
    ------
    DiskError
        The file system refused; the journal is as it was.
    """
    with disk_errors(path):
        rest = path.read_bytes()[size:]
        if not rest:
            path.unlink()
            to_disk(path.parent)
            return
        with replacing(path, durable=True) as temporary:
            temporary.write_bytes(rest)


def size_of(path: Path) -> int:
    """Return how many bytes the file at `path` has, 0 if it is not there."""
    return path.stat().st_size if path.exists() else 0


def take_back(path: Path, size: int) -> None:
    """Remove what was appended to the file at `path` after its first `size` bytes; without a rest, the file. Lock held.

    Raises
    ------
    DiskError
        The file system refused.
    """
    with disk_errors(path):
        if size_of(path) > size > 0:
            os.truncate(path, size)
            to_disk(path)
        elif size == 0 and path.exists():
            path.unlink()
            to_disk(path.parent)


def keep_lines(path: Path, lines: list[bytes]) -> None:
    """Append lines that must not be lost to the file at `path`, and wait for the disk. The lock is held.

    Raises
    ------
    DiskError
        The file system refused.
    """
    is_new = not path.exists()
    with disk_errors(path):
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                lines = [*([] if file.read() == b"\n" else [b""]), *lines]  # a line without its end stays alone
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            to_disk(path.parent)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()


def _voided(descriptor: int, size: int) -> bytes:
    """Return what must come first, so that a line without its end is never read."""
    if size == 0:
        return b""
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == b"\n" else _VOID + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _plain(entry: Entry) -> dict[str, Any]:
    edit = entry.edit
    line: dict[str, Any] = {"id": entry.id, "t": entry.t, "by": edit.by}
    if edit.image:
        line["image"] = edit.image
        line["was"] = entry.was
    optional: dict[str, Any] = {"set": edit.set, "unset": edit.unset, "row": edit.row, "drop": edit.drop}
    optional |= {"aside": entry.aside, "bodyparts": entry.bodyparts}
    line |= {key: value for key, value in optional.items() if value}
    if edit.done != KEEP:
        line["done"] = edit.done
    return line


def _entry(line: Mapping[str, Any]) -> Entry:
    points = {str(name): tuple(float(value) for value in values) for name, values in line.get("set", {}).items()}
    done = line.get("done", KEEP)
    edit = Edit(
        image=str(line.get("image", "")),
        set=points,
        unset=tuple(map(str, line.get("unset", ()))),
        row=bool(line.get("row")),
        drop=bool(line.get("drop")),
        done=done if done is None or done == KEEP else float(done),
        by=str(line.get("by", "")),
    )
    was = line.get("was")
    return Entry(
        edit=edit,
        was=None if was is None else {str(name): _values(values) for name, values in was.items()},
        bodyparts=tuple(map(str, line.get("bodyparts", ()))),
        aside=bool(line.get("aside")),
        id=str(line["id"]),
        t=str(line["t"]),
    )


def _checked(entry: Entry, width: int | None) -> Entry:
    for values in (*entry.edit.set.values(), *(entry.was or {}).values()):
        if width is not None and values is not None and len(values) != width:
            raise ValueError(f"{len(values)} numbers")
    return entry


def _values(values: Any) -> Values | None:
    return None if values is None else tuple(None if value is None else float(value) for value in values)
