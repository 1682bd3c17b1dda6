"""Keep the h5 of a folder's labels in step with its csv, which counts; say so where only the user can tell."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from dlc_core.console import warn
from dlc_core.errors import DataError, DiskError
from dlc_core.files import disk_error
from dlc_core.labels.csv_file import index_columns
from dlc_core.labels.h5_file import is_damaged, read_h5, write_h5
from dlc_core.labels.known_files import is_known
from dlc_core.labels.table import LabelTable

_DAMAGED = "could not be read"
_OLDER = "was older than the csv and differed from it"
_CLOCK_S = 2.0  # the coarsest file times, those of FAT
_SAME_PX = 1e-3  # a spreadsheet may round what it saves


def keep_h5_in_step(table: LabelTable, csv: Path, h5: Path) -> None:
    """Rebuild the h5 from `table`, which is what the csv holds, if it is missing, damaged or lacks something.

    Raises
    ------
    DataError
        The h5 holds a point that the csv lacks or has elsewhere, and was not written clearly earlier.
    """
    why = _why_rebuild(table, csv, h5)
    if not why:
        return
    try:
        if why in (_DAMAGED, _OLDER):
            why += f" and is kept as {set_aside(h5, 'damaged' if why == _DAMAGED else 'older').name}"
        write_h5(table, h5, index_columns(csv))
    except DiskError as exc:
        warn(f"{h5} {why} and is not rebuilt, the csv is used: {exc}")
    else:
        warn(f"{h5} {why}; it was rebuilt from the csv.")


def holds_no_more(table: LabelTable, csv: Path, h5: Path) -> bool:
    """Tell whether nothing is lost without the h5: `table`, which is what the csv holds, has all that is in it.

    Raises
    ------
    DataError
        The h5 holds a point that the csv lacks or has elsewhere, and was not written clearly earlier.
    """
    return _why_rebuild(table, csv, h5) not in (_DAMAGED, _OLDER)


def _why_rebuild(table: LabelTable, csv: Path, h5: Path) -> str:
    """Return why the h5 must be rebuilt, "" if it must not; raise if points would be lost."""
    if not h5.is_file():
        return "was missing"
    if is_damaged(h5):
        return _DAMAGED
    try:
        stored = read_h5(h5)
    except DataError as exc:
        raise DataError(
            f"{exc} So it cannot be compared with {csv.name} beside it: delete or rename the one that is wrong."
        ) from exc
    lost = _only_in(stored, table)
    if lost and stored.scorer == table.scorer and _was_written_earlier(h5, csv):
        return _OLDER
    if lost:
        bodypart, image = lost[0]
        by = "" if stored.scorer == table.scorer else f" (by {stored.scorer!r}, the csv is by {table.scorer!r})"
        raise DataError(
            f"{len(lost)} points of {h5} are not in {csv.name} beside it or lie elsewhere there, the first is "
            f"{bodypart} in {image}{by}. Both should hold the same labels. Delete or rename the one that is wrong."
        )
    return "lacked labels of the csv" if _only_in(table, stored) or set(table.images) - set(stored.images) else ""


def _was_written_earlier(h5: Path, csv: Path) -> bool:
    """Tell whether the h5 is older than the csv: by its time, or because it was in step before the csv changed."""
    return is_known(h5) or csv.stat().st_mtime > h5.stat().st_mtime + _CLOCK_S


def _only_in(one: LabelTable, other: LabelTable) -> list[tuple[str, str]]:
    """Return (body part, image) of the points in `one` that `other` lacks or has elsewhere; half a point counts."""
    rows = {name: row for row, name in enumerate(other.images)}
    there = np.full_like(one.keypoints, np.nan)
    common = [(row, rows[name]) for row, name in enumerate(one.images) if name in rows]
    if common and one.scorer == other.scorer:
        mine, theirs = (list(part) for part in zip(*common, strict=True))
        there[mine] = other.with_bodyparts(one.bodyparts).keypoints[theirs]
    with np.errstate(invalid="ignore"):
        differs = ~np.isnan(one.keypoints) & ~np.isclose(one.keypoints, there, rtol=0, atol=_SAME_PX)
    return [(one.bodyparts[part], one.images[row]) for row, _, part in np.argwhere(differs.any(axis=-1))]


def set_aside(file: Path, word: str) -> Path:
    """Rename a file so that it is in nobody's way, and return its new path.

    Raises
    ------
    DiskError
        The file system refused.
    """
    names = (f"{file.name}.{word}{number or ''}" for number in itertools.count())
    kept = next(path for name in names if not (path := file.with_name(name)).exists())
    try:
        return file.rename(kept)
    except OSError as exc:
        raise disk_error(file, exc) from exc
