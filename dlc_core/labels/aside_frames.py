"""Frames taken out of a folder: the image is moved to ``removed/``, its labels are noted there, nothing is deleted.

``removed/removed.jsonl`` has one line a frame and table: the image, its points, who removed it and when, and its entry
of crop.json. To put a frame back, move the image and type or click its points again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlc_core.errors import DiskError
from dlc_core.files import disk_errors, to_disk
from dlc_core.labels.journal import Edit, Entry, append, keep_lines, size_of, take_back
from dlc_core.labels.replay import Row

REMOVED = "removed"
_LOG = "removed.jsonl"
_CROPS = "crop.json"


def take_out(folder: Path, image: str, rows: Mapping[Path, Row], by: str) -> Path | None:
    """Move an image to ``removed/``, note its points there and drop its rows. The lock is held.

    A process that is killed in between leaves entries in the journals, which `finish_removals` heeds, or only the note.

    Parameters
    ----------
    folder : Path
        The folder of frames.
    image : str
        Name of the frame.
    rows : mapping of Path to Row
        Of every table that has a row of the frame: its journal, and the points of the row. The first journal says that
        the image is to be moved.
    by : str
        Who takes it out.

    Returns
    -------
    Path or None
        Where the image is now; None if it was missing.

    Raises
    ------
    DiskError
        The file system refused; everything is as it was.
    """
    entries = {
        journal: Entry(edit=Edit(image=image, drop=True, by=by), was=dict(row), aside=number == 0)
        for number, (journal, row) in enumerate(rows.items())
    }
    before = {path: size_of(path) for path in (folder / REMOVED / _LOG, *rows)}
    name, moved = image.rsplit("/", 1)[-1], None
    try:
        for journal, entry in entries.items():
            note_removal(folder, journal.stem, entry)
        for journal, entry in entries.items():
            append(journal, entry)
        moved = move_image(folder, name)
        for journal in [journal for journal, entry in entries.items() if entry.aside]:
            append(journal, Entry(edit=Edit(image=image, by=by)))  # that was all: compaction need not move it
    except DiskError:
        if moved is not None:
            with disk_errors(folder):
                moved.rename(folder / name)
        for path, size in before.items():
            take_back(path, size)
        raise
    return moved


def note_removal(folder: Path, table: str, entry: Entry) -> None:
    """Write down what is about to be taken out of a table, and wait for the disk. The lock is held.

    Raises
    ------
    DiskError
        The file system refused.
    """
    image = entry.edit.image.rsplit("/", 1)[-1]
    line: dict[str, Any] = {"image": entry.edit.image, "table": table, "points": entry.was}
    line |= {"by": entry.edit.by, "t": entry.t, "id": entry.id}
    crop = _crop_of(folder, image)
    if crop is not None:
        line["crop"] = crop
    _make_place(folder)
    keep_lines(folder / REMOVED / _LOG, [json.dumps(line).encode()])


def finish_removals(folder: Path, entries: Iterable[Entry]) -> None:
    """Move the images of removed frames, as far as that has not happened. The lock is held.

    Raises
    ------
    DiskError
        The file system refused.
    """
    last = {entry.edit.image: entry for entry in entries if entry.edit.image}
    for image, entry in last.items():
        if entry.aside:  # else it has been moved, whoever put it back since, or the frame was edited again
            move_image(folder, image.rsplit("/", 1)[-1])


def move_image(folder: Path, name: str) -> Path | None:
    """Move an image to ``removed/`` and return its new path; None if it is not there. Nothing is overwritten.

    Raises
    ------
    DiskError
        The file system refused.
    """
    source, place = folder / name, folder / REMOVED
    if not source.is_file():
        return None
    _make_place(folder)
    with disk_errors(place):
        numbered = (place / f"{source.stem}-{number}{source.suffix}" for number in itertools.count(2))
        target = next(path for path in itertools.chain([place / name], numbered) if not path.exists())
        source.rename(target)
        try:
            to_disk(place)
        except OSError:
            target.rename(source)
            raise
    return target


def _make_place(folder: Path) -> None:
    with disk_errors(folder / REMOVED):
        if not (folder / REMOVED).is_dir():
            (folder / REMOVED).mkdir()
            to_disk(folder)


def _crop_of(folder: Path, image: str) -> Any:
    try:
        return json.loads((folder / _CROPS).read_text(encoding="utf-8")).get(image)
    except (OSError, ValueError, AttributeError):
        return None
