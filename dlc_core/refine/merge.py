"""Merge refined machine labels into the human labels, and begin the next iteration.

All folders are locked and looked at first; no label changes if one of them is refused. Labels are joined by frame and
body part, and a point that a person has placed always wins. ``iteration`` in config.yaml is raised last: an
interruption before that leaves labels that are joined again, to the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc_core.console import counted, warn
from dlc_core.errors import ConfigError, DataError, suggest
from dlc_core.files import replacing
from dlc_core.labels.compact import snapshot
from dlc_core.labels.files import (
    check_bodyparts,
    folders_of_frames,
    labelled_folders,
    name_of_table,
    read_locked,
    update_locked,
)
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.replay import Row
from dlc_core.labels.table import LabelTable, merge_labels
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.lock import holding
from dlc_core.project.edit_config import editing
from dlc_core.project.project import Project
from dlc_core.project.yaml_text import with_value

UNREFINED = ("refuse", "leave", "accept")
"""What may happen to frames that nobody has finished."""
_LOCK_NAME = ".merge.lock"
_WAIT_S = 30.0


@dataclass(frozen=True)
class MergedFolder:
    """What the machine labels of one folder come to.

    Parameters
    ----------
    folder : Path
        The folder of frames.
    points : mapping of str to Row
        Of every frame that joins the labels, the points that do; x, y.
    labelled : tuple of str
        Frames that are labelled already and were not refined: nothing is added to them.
    unfinished : tuple of str
        Frames that nobody has finished.
    gone : tuple of str
        Frames whose image is not there.
    """

    folder: Path
    points: Mapping[str, Row]
    labelled: tuple[str, ...]
    unfinished: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class Merge:
    """What was merged.

    Parameters
    ----------
    project : Project
        As it is now.
    folders : tuple of MergedFolder
        Those with machine labels of the iteration that ended.
    points : int
        How many points joined the labels.
    """

    project: Project
    folders: tuple[MergedFolder, ...]
    points: int

    @property
    def frames(self) -> int:
        """How many frames joined the labels."""
        return sum(len(folder.points) for folder in self.folders)


def merge(project: Project, unrefined: str = "refuse", pcutoff: float | None = None) -> Merge | None:
    """Join the machine labels of the current iteration to the labels and raise ``iteration`` by one.

    Points of a frame that is marked as done join if their likelihood is at least the frame's pcutoff. A frame that is
    labelled and whose machine labels nobody touched is left as it is; so is an unfinished one without a likely point.

    Parameters
    ----------
    project : Project
        The project.
    unrefined : str
        One of `UNREFINED`.
    pcutoff : float or None
        The likelihood from which unrefined points count, if they are accepted; None for that of config.yaml.

    Returns
    -------
    Merge or None
        None if there is nothing to merge; nothing has changed then.

    Raises
    ------
    ConfigError
        `unrefined` or `pcutoff` is none that there is.
    DataError
        Frames are unrefined, a table cannot be read, or somebody else is writing one for long.
    DiskError
        A folder or config.yaml cannot be written. What is joined by then is joined again by the next call.
    """
    cutoff = project.config.pcutoff if pcutoff is None else pcutoff
    if unrefined not in UNREFINED:
        raise ConfigError(
            f"unrefined is {unrefined!r}; {', '.join(UNREFINED[:-1])} or {UNREFINED[-1]} is needed. "
            f"{suggest(unrefined, UNREFINED)}".rstrip()
        )
    if not 0 <= cutoff <= 1:
        raise ConfigError(f"pcutoff is {cutoff}; a likelihood from 0 to 1 is needed.")
    if not project.labeled_data.is_dir():
        return None
    with ExitStack() as stack:
        stack.enter_context(holding(project.labeled_data / _LOCK_NAME, _taken, wait_s=_WAIT_S))
        now = Project.open(project.root)
        for folder in labelled_folders(now):
            name_of_table(folder, now.scorer)  # else the labels would be by two scorers, which no step reads
        tables = _machine_tables(now)
        for table in tables:
            stack.enter_context(folder_lock(table.folder, _WAIT_S))
        folders = [_planned(now, table, cutoff if unrefined == "accept" else None) for table in tables]
        _refuse(folders, unrefined, cutoff)
        if not any(folder.points or folder.labelled for folder in folders):
            return None
        points = sum(_join(now, folder) for folder in folders)
        return Merge(_next_iteration(now), tuple(folders), points)


def _taken(holder: str) -> DataError:
    return DataError(f"the labels of this project are being merged by {holder}. Wait until that is done.")


def _machine_tables(project: Project) -> list[MachineFiles]:
    tables = [MachineFiles(folder, project.iteration) for folder in folders_of_frames(project)]
    for table in tables:
        if table.journal.exists() and not table.h5.is_file():
            raise DataError(
                f"{table.journal} holds corrections of machine labels, and {table.h5.name} is gone. Put that file "
                "back, or move the journal away if the corrections are not wanted."
            )
    return [table for table in tables if table.h5.is_file()]


def _planned(project: Project, table: MachineFiles, accepted: float | None) -> MergedFolder:
    """Return what the machine labels of a folder come to; `accepted` is the pcutoff of frames nobody has finished."""
    frames = snapshot(table).frames
    files = LabelFiles(table.folder, project.scorer)
    labels = read_locked(files)
    if labels is not None:
        check_bodyparts(project, labels.bodyparts, files.csv)
    labelled = set(labels.images) if labels else set()
    check_bodyparts(project, frames.bodyparts, table.h5)
    known = [name for name in project.config.bodyparts if name in frames.bodyparts]
    there = {path.name for path in table.folder.iterdir()}
    points: dict[str, Row] = {}
    sorted_out: dict[str, list[str]] = {"labelled": [], "unfinished": [], "gone": []}
    for image, row in frames.rows.items():
        cutoff = frames.done.get(image)
        if image.rsplit("/", 1)[-1] not in there:
            sorted_out["gone"].append(image)
        elif cutoff is None and image in labelled and image not in frames.done:
            sorted_out["labelled"].append(image)
        elif cutoff is not None:
            points[image] = _certain(row, known, cutoff)
        elif accepted is not None and (certain := _certain(row, known, accepted)):
            points[image] = certain
        else:
            sorted_out["unfinished"].append(image)
    return MergedFolder(table.folder, points, **{name: tuple(images) for name, images in sorted_out.items()})


def _certain(row: Row, known: Sequence[str], cutoff: float) -> Row:
    """Return the points that count: x, y of those that are whole and likely enough."""
    found: Row = {}
    for name in known:
        x, y, likelihood = row.get(name, (None, None, None))
        if x is not None and y is not None and likelihood is not None and likelihood >= cutoff:
            found[name] = (x, y)
    return found


def _refuse(folders: Sequence[MergedFolder], unrefined: str, pcutoff: float) -> None:
    """Say which images are gone; raise if frames are not finished and nothing was said, or nothing can be done."""
    for folder in folders:
        if folder.gone:
            warn(
                f"{counted(len(folder.gone), 'frame')} of {folder.folder} with machine labels and no image: left out, "
                f"the first is {folder.gone[0]}."
            )
    unfinished = [folder for folder in folders if folder.unfinished]
    if unfinished and unrefined == "refuse":
        named = ", ".join(
            f"{folder.folder.name} ({len(folder.unfinished)} of {_count(folder)})" for folder in unfinished
        )
        number = sum(len(folder.unfinished) for folder in unfinished)
        raise DataError(
            f"{counted(number, 'frame')} with machine labels {'is' if number == 1 else 'are'} not marked as done: "
            f"{named}. Finish them with `dlc refine`, or say unrefined=leave or unrefined=accept."
        )
    if unfinished and unrefined == "accept" and not any(folder.points or folder.labelled for folder in folders):
        raise DataError(
            f"none of the frames that nobody has finished has a point with a likelihood of at least {pcutoff:g}, so "
            "nothing can be accepted. Lower pcutoff=, or finish the frames with `dlc refine`."
        )


def _count(folder: MergedFolder) -> int:
    return len(folder.points) + len(folder.labelled) + len(folder.unfinished)


def _join(project: Project, folder: MergedFolder) -> int:
    """Put the points into the labels of a folder where there are none; return how many. The lock is held."""
    if not folder.points:
        return 0
    bodyparts = project.config.bodyparts
    joined = 0

    def with_points(old: LabelTable | None) -> LabelTable:
        nonlocal joined
        there = {image: old.present[row, 0] for row, image in enumerate(old.images)} if old else {}
        columns = {name: column for column, name in enumerate(old.bodyparts)} if old else {}
        array = np.full((len(folder.points), 1, len(bodyparts), 2), np.nan)
        for row, (image, points) in enumerate(folder.points.items()):
            for column, name in enumerate(bodyparts):
                if name in points and not (image in there and name in columns and there[image][columns[name]]):
                    array[row, 0, column] = points[name]
        joined = int(np.isfinite(array[..., 0]).sum())
        new = LabelTable(project.scorer, tuple(folder.points), bodyparts, array)
        return new if old is None else merge_labels(old, new)

    update_locked(LabelFiles(folder.folder, project.scorer), with_points)
    return joined


def _next_iteration(project: Project) -> Project:
    """Raise ``iteration`` in config.yaml, comments kept, and return the project as it is then."""
    file = project.config.path
    with editing(file):
        written = Project.open(project.root).iteration
        if written != project.iteration:
            raise DataError(
                f"{file} says iteration {written} now; iteration {project.iteration} was merged. Somebody changed it "
                "meanwhile: set it to the number you want, and merge again if machine labels are left."
            )
        text = with_value(file, ["iteration"], written + 1)
        with replacing(file, durable=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return Project.open(project.root)
