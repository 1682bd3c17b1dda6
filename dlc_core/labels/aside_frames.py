"""Frames taken out of a folder: the image is moved to ``removed/``, its labels are noted there, nothing is deleted.

``removed/removed.jsonl`` has one line a frame and table: the image, its points, who removed it and when, and its entry
of crop.json. To put a frame back, move the image and type or click its points again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlc_core.files import disk_errors, to_disk
from dlc_core.labels.journal import Entry, keep_lines

REMOVED = "removed"
_LOG = "removed.jsonl"
_CROPS = "crop.json"


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
        name = image.rsplit("/", 1)[-1]
        if entry.aside and not (folder / REMOVED / name).exists():  # else a person has put it back, or a new one
            move_image(folder, name)


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
        to_disk(place)
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
