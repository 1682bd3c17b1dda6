"""The label table of one folder of frames: read and written under its lock, with the edits of its journal.

Edits that are not in the table yet are in the journal beside it (`dlc_core.labels.journal`): every reader puts them in.
The h5 beside the csv is kept in step with it (`dlc_core.labels.in_step`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dlc_core.errors import DataError, DiskError, suggest
from dlc_core.files import disk_errors
from dlc_core.labels.compact import commit_locked, compact, say_conflicts, snapshot, stamp_of
from dlc_core.labels.csv_file import elsewhere, index_columns, read_csv, write_csv
from dlc_core.labels.h5_file import is_damaged, read_h5, write_h5
from dlc_core.labels.in_step import keep_h5_in_step
from dlc_core.labels.journal import SUFFIX, folder_lock, read_journal
from dlc_core.labels.known_files import file_stamp, remember, remember_as
from dlc_core.labels.table import LabelTable, merge_labels
from dlc_core.labels.table_files import LabelFiles, frames_of

_ATTEMPTS = 5


def label_file(folder: Path, scorer: str) -> Path:
    """Return the csv of a folder of frames, whether it exists or not."""
    return folder / f"CollectedData_{scorer}.csv"


def has_labels(folder: Path, scorer: str) -> bool:
    """Tell whether a folder of frames holds labels by this scorer: a csv, an h5 or a journal of edits."""
    return f"CollectedData_{scorer}" in tables_in(folder)


def read_folder(folder: str | os.PathLike[str], scorer: str | None = None) -> LabelTable:
    """Return the labels of the frames in one folder, as written, with all edits that are in their journal.

    The journal is put into the table, where the folder can be written.

    Parameters
    ----------
    folder : path-like
        A folder below ``labeled-data``.
    scorer : str or None
        Whose labels; None if there is only one scorer.

    Raises
    ------
    DataError
        There are no labels by this scorer, the table cannot be read, it labels frames of another folder, or the h5
        beside the csv holds no label table, or points that the csv lacks or has elsewhere.
    """
    place = Path(folder)
    stem = name_of_table(place, scorer)
    files = LabelFiles(place, stem.removeprefix("CollectedData_"))
    table = _read_unless_moving(files)
    if files.journal.exists():
        with suppress(DataError):  # the journal stays, and what it says is in `table`
            compact(files)
    return table


def _read_unless_moving(files: LabelFiles) -> LabelTable:
    """Return the labels; where no lock can be had, look again if somebody moved the files meanwhile."""
    for _ in range(_ATTEMPTS):
        before = stamp_of(files)
        try:
            with _locked_if_possible(files.folder):
                return _read_locked(files)
        except DataError:
            if before == stamp_of(files):
                raise
    return _read_locked(files)


def _read_locked(files: LabelFiles) -> LabelTable:
    csv, h5 = files.csv, files.h5
    stamp = file_stamp(csv)
    if not csv.is_file() and h5.is_file() and is_damaged(h5):
        raise DataError(
            f"{h5} is damaged or no HDF5 file ({h5.stat().st_size:,} bytes), and {csv.name} is not beside it. Restore "
            "it or its csv from a backup, or remove it and label the folder again."
        )
    file = csv if csv.is_file() else h5
    table = _stored(files, file)
    if file is csv:
        keep_h5_in_step(table, csv, h5)
        remember_as(csv, stamp)
        remember([h5])
    if not files.journal.exists():
        return table
    state = snapshot(files)
    say_conflicts(files, state.conflicts)
    return files.table(state.frames)


def _stored(files: LabelFiles, file: Path) -> LabelTable:
    """Return what csv or h5 hold, which must be labels by this scorer of frames in this folder."""
    if not file.is_file():  # there is a journal alone
        return files.table(files.read())
    table = read_csv(file) if file == files.csv else read_h5(file)
    if table.scorer != files.scorer:
        raise DataError(
            f"{file} holds labels by {table.scorer!r}; its name says {files.scorer!r}. Is the table from another "
            "project? Else make both names equal."
        )
    if image := elsewhere(table.images, files.folder):
        raise DataError(
            f"{file} labels {image!r}, which does not lie in this folder ({files.folder.name}). Is the table from "
            "another folder or project? If the folder was renamed, rename it in the table, too."
        )
    return table


@contextmanager
def _locked_if_possible(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that nobody moves its files meanwhile; a read-only folder has nobody who could."""
    with ExitStack() as stack:
        with suppress(DiskError):
            stack.enter_context(folder_lock(folder))
        yield


def write_labels(table: LabelTable, folder: str | os.PathLike[str]) -> None:
    """Write `table` as the labels of one folder, csv and h5; what was there is replaced, so `save_labels` is safer.

    The frame's name takes one column or three, as in the file that is there; three in a new one.
    """
    files = LabelFiles(Path(folder), table.scorer)
    if not files.csv.is_file():  # an interruption leaves one complete table, or two that agree
        write_h5(table, files.h5)
        write_csv(table, files.csv)
    else:
        width = index_columns(files.csv)
        with disk_errors(files.h5):
            files.h5.unlink(missing_ok=True)
        write_csv(table, files.csv, width)
        write_h5(table, files.h5, width)
    remember(files.sources())


def save_labels(new: LabelTable, folder: str | os.PathLike[str]) -> LabelTable:
    """Put the points of `new` into the labels of one folder, by frame and body part, and return the result."""
    return update_labels(folder, new.scorer, lambda old: new if old is None else merge_labels(old, new))


def update_labels(
    folder: str | os.PathLike[str], scorer: str, change: Callable[[LabelTable | None], LabelTable]
) -> LabelTable:
    """Replace the labels of one folder by what `change` makes of them, and return these; nobody edits meanwhile.

    Parameters
    ----------
    folder : path-like
        A folder below ``labeled-data``; made if it is not there.
    scorer : str
        Whose labels.
    change : callable
        Given the labels with all edits, None if there are none, returns what is written. It must not look into files,
        and is asked again if another program saves the table meanwhile.

    Raises
    ------
    DataError
        The labels cannot be read, or others are writing them.
    DiskError
        The folder cannot be written; the labels are as they were.
    """
    place = Path(folder)
    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    files = LabelFiles(place, scorer)
    with folder_lock(place):
        return update_locked(files, change)


def read_locked(files: LabelFiles) -> LabelTable | None:
    """Return the labels of a folder with all edits, None if there are none; the caller holds the folder's lock.

    Raises
    ------
    DataError
        As `read_folder`.
    """
    return _read_locked(files) if has_labels(files.folder, files.scorer) else None


def update_locked(files: LabelFiles, change: Callable[[LabelTable | None], LabelTable]) -> LabelTable:
    """Do what `update_labels` does; the caller holds the folder's lock, which other programs know nothing of.

    Raises
    ------
    DataError
        The labels cannot be read, or another program saves them again and again.
    DiskError
        The folder cannot be written; the labels are as they were.
    """
    for _ in range(_ATTEMPTS):
        old = read_locked(files)
        state = snapshot(files)
        if state.frames.rows != (frames_of(old).rows if old else {}):
            continue
        new = change(old)
        with files.prepared(frames_of(new)) as commit:
            if stamp_of(files) == state.stamp:
                commit_locked(files, state, commit)
                return new
    raise DataError(f"{files.csv} is being written again and again. Close the program that does so.")


def tables_in(folder: Path) -> list[str]:
    """Return the names of the label tables: of files, and of journals that hold edits."""
    stems = {file.stem for file in folder.glob("CollectedData_*") if file.suffix in (".csv", ".h5")}
    journals = [file for file in folder.glob(f"CollectedData_*{SUFFIX}") if file.stem not in stems]
    return sorted(stems | {file.stem for file in journals if read_journal(file).entries})


def name_of_table(folder: Path, scorer: str | None) -> str:
    """Return the name of the label table by `scorer`, or of the only one; raises DataError if there is none."""
    stems = tables_in(folder)
    wanted = f"CollectedData_{scorer}"
    if wanted in stems:
        return wanted
    if scorer is None and len(stems) == 1:
        return stems[0]
    there = ", ".join(stems) or "no label table"
    if scorer is None:
        raise DataError(f"{folder} holds {there}; one table is expected. Say whose labels are meant.")
    raise DataError(
        f"{folder} holds {there}, but the scorer of this project is {scorer!r}. {suggest(wanted, stems)}"
        "Rename `scorer` in config.yaml, or the files and their first row."
    )
