"""The labels of a folder and of a project: which files count, how they are kept in step, how they are written.

The csv is the truth, because people edit it. The h5 beside it is for DeepLabCut: it is rebuilt when it is missing,
damaged (HDF5 cannot open it), or lacks points of the csv. When it holds a point that the csv lacks or has elsewhere,
the csv counts if it was written clearly later, and the old h5 is kept under another name; otherwise (copying, unpacking
and cloning make times equal) only the user knows which of the two is right, and nothing is written. The same holds for
an h5 that opens and is no label table: nobody but the user knows what is in it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlc_core.console import counted, warn
from dlc_core.errors import DataError, DiskError, suggest
from dlc_core.files import disk_error
from dlc_core.labels.csv_file import index_columns, read_csv, write_csv
from dlc_core.labels.h5_file import as_dataframe, is_damaged, read_h5, write_h5
from dlc_core.labels.table import LabelTable, concatenate, merge_labels
from dlc_core.project.project import Project

__all__ = [
    "HOW_TO_LABEL",
    "as_dataframe",
    "chosen_folders",
    "label_file",
    "labelled_folders",
    "read_csv",
    "read_folder",
    "read_h5",
    "read_project_labels",
    "save_labels",
    "write_csv",
    "write_h5",
    "write_labels",
]

HOW_TO_LABEL = (
    "Label some frames first, in DeepLabCut or any tool that writes its CollectedData_<scorer>.csv "
    "into labeled-data/<video>."
)
"""What to do where labels are missing."""
_DAMAGED = "could not be read"
_OLDER = "was older than the csv and differed from it"
_CLOCK_S = 2.0  # the coarsest file times, those of FAT
_SAME_PX = 1e-3  # a spreadsheet may round what it saves


def label_file(folder: Path, scorer: str) -> Path:
    """Return the csv of a folder of frames, whether it exists or not."""
    return folder / f"CollectedData_{scorer}.csv"


def read_folder(folder: str | os.PathLike[str], scorer: str | None = None) -> LabelTable:
    """Return the labels of the frames in one folder, as written.

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
    csv, h5 = place / f"{stem}.csv", place / f"{stem}.h5"
    if not csv.is_file() and is_damaged(h5):
        raise DataError(
            f"{h5} is damaged or no HDF5 file ({h5.stat().st_size:,} bytes), and {csv.name} is not beside it. Restore "
            "it or its csv from a backup, or remove it and label the folder again."
        )
    table = read_csv(csv) if csv.is_file() else read_h5(h5)
    file = csv if csv.is_file() else h5
    named = stem.removeprefix("CollectedData_")
    if table.scorer != named:
        raise DataError(
            f"{file} holds labels by {table.scorer!r}; its name says {named!r}. Is the table from another project? "
            "Else make both names equal."
        )
    for image in table.images:
        if image.split("/")[-2:-1] != [place.name]:
            raise DataError(
                f"{file} labels {image!r}, which does not lie in this folder ({place.name}). Is the table from another "
                "folder or project? If the folder was renamed, rename it in the table, too."
            )
    if file is csv:
        _keep_h5_in_step(table, csv, h5)
    return table


def write_labels(table: LabelTable, folder: str | os.PathLike[str]) -> None:
    """Write `table` as the labels of one folder, csv and h5; what was there is replaced, so `save_labels` is safer.

    The frame's name takes one column or three, as in the file that is there; three in a new one.
    """
    file = label_file(Path(folder), table.scorer)
    h5 = file.with_suffix(".h5")
    if not file.is_file():  # an interruption leaves one complete table, or two that agree
        write_h5(table, h5)
        write_csv(table, file)
        return
    width = index_columns(file)
    try:
        h5.unlink(missing_ok=True)
    except OSError as exc:
        raise disk_error(h5, exc) from exc
    write_csv(table, file, width)
    write_h5(table, h5, width)


def save_labels(new: LabelTable, folder: str | os.PathLike[str]) -> LabelTable:
    """Put the points of `new` into the labels of one folder, by frame and body part, and return the result."""
    place = Path(folder)
    exists = any(label_file(place, new.scorer).with_suffix(suffix).is_file() for suffix in (".csv", ".h5"))
    merged = merge_labels(read_folder(place, new.scorer), new) if exists else new
    write_labels(merged, place)
    return merged


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
    return sorted({file.stem for file in folder.glob("CollectedData_*") if file.suffix in (".csv", ".h5")})


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


def _keep_h5_in_step(table: LabelTable, csv: Path, h5: Path) -> None:
    why = _why_rebuild(table, csv, h5)
    if not why:
        return
    try:
        if why in (_DAMAGED, _OLDER):
            why += f" and is kept as {_set_aside(h5, 'damaged' if why == _DAMAGED else 'older').name}"
        write_h5(table, h5, index_columns(csv))
    except DiskError as exc:
        warn(f"{h5} {why} and is not rebuilt, the csv is used: {exc}")
    else:
        warn(f"{h5} {why}; it was rebuilt from the csv.")


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
    if lost and stored.scorer == table.scorer and csv.stat().st_mtime > h5.stat().st_mtime + _CLOCK_S:
        return _OLDER
    if lost:
        bodypart, image = lost[0]
        by = "" if stored.scorer == table.scorer else f" (by {stored.scorer!r}, the csv is by {table.scorer!r})"
        raise DataError(
            f"{len(lost)} points of {h5} are not in {csv.name} beside it or lie elsewhere there, the first is "
            f"{bodypart} in {image}{by}. Both should hold the same labels. Delete or rename the one that is wrong."
        )
    return "lacked labels of the csv" if _only_in(table, stored) or set(table.images) - set(stored.images) else ""


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


def _set_aside(file: Path, word: str) -> Path:
    """Rename a file so that it is in nobody's way, and return its new path."""
    names = (f"{file.name}.{word}{number or ''}" for number in itertools.count())
    kept = next(path for name in names if not (path := file.with_name(name)).exists())
    try:
        return file.rename(kept)
    except OSError as exc:
        raise disk_error(file, exc) from exc


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
