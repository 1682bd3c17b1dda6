"""The labels of a folder and of a project: which files count, how they are kept in step, how they are written.

Edits that are not in the table yet are in the journal beside it (`dlc_core.labels.journal`): every reader puts them in.

The csv is the truth, because people edit it. The h5 beside it is for DeepLabCut: it is rebuilt when it is missing,
damaged (HDF5 cannot open it), or lacks points of the csv. When it holds a point that the csv lacks or has elsewhere,
the csv counts if it was written clearly later, and the old h5 is kept under another name; otherwise (copying, unpacking
and cloning make times equal) only the user knows which of the two is right, and nothing is written. The same holds for
an h5 that opens and is no label table: nobody but the user knows what is in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

from dlc_core.console import counted, warn
from dlc_core.errors import DataError, DiskError, suggest
from dlc_core.files import disk_errors
from dlc_core.labels.compact import commit_locked, compact, say_conflicts, snapshot
from dlc_core.labels.csv_file import index_columns, read_csv, write_csv
from dlc_core.labels.h5_file import as_dataframe, is_damaged, read_h5, write_h5
from dlc_core.labels.in_step import keep_h5_in_step
from dlc_core.labels.journal import SUFFIX, folder_lock, read_journal
from dlc_core.labels.known_files import remember
from dlc_core.labels.table import LabelTable, concatenate, merge_labels
from dlc_core.labels.table_files import LabelFiles, frames_of
from dlc_core.project.project import Project

__all__ = [
    "HOW_TO_LABEL",
    "as_dataframe",
    "chosen_folders",
    "has_labels",
    "label_file",
    "labelled_folders",
    "read_csv",
    "read_folder",
    "read_h5",
    "read_locked",
    "read_project_labels",
    "save_labels",
    "update_labels",
    "write_csv",
    "write_h5",
    "write_labels",
    "write_locked",
]

HOW_TO_LABEL = (
    "Label some frames first, in DeepLabCut or any tool that writes its CollectedData_<scorer>.csv "
    "into labeled-data/<video>."
)
"""What to do where labels are missing."""


def label_file(folder: Path, scorer: str) -> Path:
    """Return the csv of a folder of frames, whether it exists or not."""
    return folder / f"CollectedData_{scorer}.csv"


def has_labels(folder: Path, scorer: str) -> bool:
    """Tell whether a folder of frames holds labels by this scorer: a csv, an h5 or a journal of edits."""
    return f"CollectedData_{scorer}" in _stems(folder)


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
    stem = _stem(place, scorer)
    files = LabelFiles(place, stem.removeprefix("CollectedData_"))
    with _locked_if_possible(place):
        table = _read_locked(files)
    if files.journal.exists():
        with suppress(DataError):  # the journal stays, and what it says is in `table`
            compact(files)
    return table


def _read_locked(files: LabelFiles) -> LabelTable:
    csv, h5 = files.csv, files.h5
    if not csv.is_file() and h5.is_file() and is_damaged(h5):
        raise DataError(
            f"{h5} is damaged or no HDF5 file ({h5.stat().st_size:,} bytes), and {csv.name} is not beside it. Restore "
            "it or its csv from a backup, or remove it and label the folder again."
        )
    file = csv if csv.is_file() else h5
    table = _stored(files, file)
    if file is csv:
        keep_h5_in_step(table, csv, h5)
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
    for image in table.images:
        if image.split("/")[-2:-1] != [files.folder.name]:
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
        Given the labels with all edits, None if there are none, returns what is written. It must not look into files.

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
        new = change(read_locked(files))
        write_locked(files, new)
    return new


def read_locked(files: LabelFiles) -> LabelTable | None:
    """Return the labels of a folder with all edits, None if there are none; the caller holds the folder's lock.

    Raises
    ------
    DataError
        As `read_folder`.
    """
    return _read_locked(files) if has_labels(files.folder, files.scorer) else None


def write_locked(files: LabelFiles, table: LabelTable) -> None:
    """Replace the labels of a folder, whose edits are in `table`; the caller has held its lock since reading them.

    Raises
    ------
    DiskError
        The folder cannot be written; the labels are as they were.
    """
    state = snapshot(files)
    with files.prepared(frames_of(table)) as commit:
        commit_locked(files, state, commit)


def labelled_folders(project: Project) -> list[Path]:
    """Return the folders below ``labeled-data`` that hold labels by anybody, sorted by name.

    Folders of drawn labels (``..._labeled``) hold pictures alone; one with a label table belongs to a video of that
    name.
    """
    if not project.labeled_data.is_dir():
        return []
    return [folder for folder in sorted(project.labeled_data.iterdir()) if folder.is_dir() and _stems(folder)]


def chosen_folders(project: Project, folders: Sequence[Path] | None) -> list[Path]:
    """Return `folders`, or all that hold labels if it is None; raises DataError if there are none."""
    chosen = labelled_folders(project) if folders is None else list(folders)
    if not chosen:
        raise DataError(
            f"no labels in {project.labeled_data}: no folder there holds a CollectedData_{project.scorer}.csv. "
            f"{HOW_TO_LABEL}"
        )
    return chosen


def read_project_labels(
    project: Project, folders: Sequence[Path] | None = None, require_images: bool = True
) -> LabelTable:
    """Return all labels of a project in one table, with the body parts of config.yaml in its order.

    A point of which a coordinate is missing or infinite is absent; a notice says how many there are. Points outside
    the image stay: `dlc_core.labels.checks.check` finds them.

    Parameters
    ----------
    project : Project
        The project.
    folders : sequence of Path or None
        Folders below ``labeled-data``; None for all that hold labels.
    require_images : bool
        Whether every labelled frame must have its image.

    Raises
    ------
    DataError
        There are no labels, a table cannot be read or does not belong to this project, or an image is missing.
    """
    chosen = chosen_folders(project, folders)
    tables = [read_folder(folder, project.scorer) for folder in chosen]
    for folder, table in zip(chosen, tables, strict=True):
        check_bodyparts(project, table, label_file(folder, project.scorer))
    everything = concatenate(tables, project.config.bodyparts)
    if require_images:
        _require_images(project, everything)
    return _only_whole_points(everything)


def check_bodyparts(project: Project, table: LabelTable, file: Path) -> None:
    """Raise if the body parts of `table` look misspelt or foreign; give notice if some are merely not used."""
    known = project.config.bodyparts
    unknown = [name for name in table.bodyparts if name not in known]
    unlabelled = [name for name in known if name not in table.bodyparts]
    for name in unknown:
        hint = suggest(name, unlabelled)
        if hint:
            raise DataError(
                f"{file} labels the body part {name!r}, which config.yaml does not have. {hint}"
                "Spell it alike in both files."
            )
    if len(unknown) == len(table.bodyparts):
        raise DataError(
            f"{file} labels {', '.join(unknown)}; config.yaml has {', '.join(known)}. Is it from another project?"
        )
    if unknown:
        warn(f"{file}: {', '.join(unknown)} will not be used, because bodyparts of config.yaml does not list them.")


def _stems(folder: Path) -> list[str]:
    """Return the names of the label tables: of files, and of journals that hold edits."""
    stems = {file.stem for file in folder.glob("CollectedData_*") if file.suffix in (".csv", ".h5")}
    journals = [file for file in folder.glob(f"CollectedData_*{SUFFIX}") if file.stem not in stems]
    return sorted(stems | {file.stem for file in journals if read_journal(file).entries})


def _stem(folder: Path, scorer: str | None) -> str:
    stems = _stems(folder)
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


def _require_images(project: Project, table: LabelTable) -> None:
    missing = [image for image in table.images if not (project.root / image).is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(table.images)} labelled images are missing, the first is "
            f"{project.root / missing[0]}. Restore them, or remove their rows from the label table."
        )


def _only_whole_points(table: LabelTable) -> LabelTable:
    broken = ~table.present & ~np.isnan(table.keypoints).all(axis=-1)
    if not broken.any():
        return table
    frame, _, bodypart = np.argwhere(broken)[0]
    number = int(broken.sum())
    has = ("has", "counts") if number == 1 else ("have", "count")
    warn(
        f"{counted(number, 'labelled point')} {has[0]} a missing or infinite coordinate and {has[1]} as not labelled, "
        f"the first is {table.bodyparts[bodypart]} in {table.images[frame]}. `dlc check-labels` lists them."
    )
    keypoints = np.where(table.present[..., None], table.keypoints, np.nan)
    return LabelTable(table.scorer, table.images, table.bodyparts, keypoints)
