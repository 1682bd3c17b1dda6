"""The labels of a folder and of a project: which files count, how they are kept in step, how they are written.

The csv is the truth, because people edit it. The h5 beside it is for DeepLabCut: it is rebuilt when it is missing,
damaged (HDF5 cannot open it), or lacks points of the csv. When it holds a point that the csv lacks or has elsewhere,
the csv counts if it was written clearly later, and the old h5 is kept under another name; otherwise (copying, unpacking
and cloning make times equal) only the user knows which of the two is right, and nothing is written. The same holds for
an h5 that opens and is no label table: nobody but the user knows what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlc_core.console import counted, warn
from dlc_core.errors import DataError, suggest
from dlc_core.labels.csv_file import read_csv, write_csv
from dlc_core.labels.folder_table import (
    has_labels,
    label_file,
    name_of_table,
    read_folder,
    read_locked,
    save_labels,
    tables_in,
    update_labels,
    update_locked,
    write_labels,
)
from dlc_core.labels.h5_file import as_dataframe, read_h5, write_h5
from dlc_core.labels.table import LabelTable, concatenate
from dlc_core.project.project import Project

__all__ = [
    "HOW_TO_LABEL",
    "as_dataframe",
    "check_readable",
    "chosen_folders",
    "folders_of_frames",
    "has_labels",
    "label_file",
    "labelled_folders",
    "name_of_table",
    "read_csv",
    "read_folder",
    "read_h5",
    "read_locked",
    "read_project_labels",
    "save_labels",
    "tables_in",
    "update_labels",
    "update_locked",
    "write_csv",
    "write_h5",
    "write_labels",
]

HOW_TO_LABEL = (
    "Label some frames first with `dlc label`, or in any tool that writes DeepLabCut's CollectedData_<scorer>.csv "
    "into labeled-data/<video>."
)
"""What to do where labels are missing."""


def labelled_folders(project: Project) -> list[Path]:
    """Return the folders below ``labeled-data`` that hold labels by anybody, sorted by name.

    Folders of drawn labels (``..._labeled``) hold pictures alone; one with a label table belongs to a video of that
    name. Raises DataError as `folders_of_frames`.
    """
    return [folder for folder in folders_of_frames(project) if tables_in(folder)]


def folders_of_frames(project: Project) -> list[Path]:
    """Return the folders below ``labeled-data``, sorted by name: nobody can tell what those hold that cannot be read.

    Raises
    ------
    DataError
        A folder cannot be read, or is a link to nothing.
    """
    place = project.labeled_data
    if not place.is_dir():
        return []
    folders = []
    for path in sorted(place.iterdir()):
        if path.is_symlink() and not path.exists():
            raise DataError(
                f"{path} is a link to {path.readlink()}, which is not there. Connect the drive, or remove the link if "
                "that folder is not wanted."
            )
        if path.is_dir():
            check_readable(path)
            folders.append(path)
    return folders


def check_readable(folder: Path) -> None:
    """Raise DataError if a folder of frames is there and cannot be looked into."""
    try:
        for entry in folder.iterdir():
            entry.exists()
            break
    except (FileNotFoundError, NotADirectoryError):  # whoever needs the folder says so
        return
    except OSError as exc:
        raise DataError(
            f"{folder} cannot be read ({exc.strerror}), so nobody knows what is labelled there. Give yourself the "
            "right to read it, or move it out of labeled-data if it is not wanted."
        ) from exc


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
        check_bodyparts(project, table.bodyparts, label_file(folder, project.scorer))
    everything = concatenate(tables, project.config.bodyparts)
    if require_images:
        _require_images(project, everything)
    return _only_whole_points(everything)


def check_bodyparts(project: Project, bodyparts: Sequence[str], file: Path) -> None:
    """Raise DataError if `bodyparts`, those of `file`, look misspelt or foreign; say if some are merely not used."""
    known = project.config.bodyparts
    unknown = [name for name in bodyparts if name not in known]
    unlabelled = [name for name in known if name not in bodyparts]
    for name in unknown:
        hint = suggest(name, unlabelled)
        if hint:
            raise DataError(
                f"{file} labels the body part {name!r}, which config.yaml does not have. {hint}"
                "Spell it alike in both files."
            )
    if unknown and len(unknown) == len(bodyparts):
        raise DataError(
            f"{file} labels {', '.join(unknown)}; config.yaml has {', '.join(known)}. Is it from another project?"
        )
    if unknown:
        warn(
            f"{file}: {', '.join(unknown)} will not be used, because bodyparts of config.yaml does not list them. Add "
            "them there, if they are to be used."
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
