"""Add body parts to a project that has labels: config.yaml first, then every label table."""

from __future__ import annotations

from collections.abc import Sequence

from dlc_core.console import warn
from dlc_core.errors import ConfigError, DataError
from dlc_core.files import write_text
from dlc_core.labels.compact import compact
from dlc_core.labels.files import has_labels, labelled_folders
from dlc_core.labels.journal import Edit, Entry, append, folder_lock
from dlc_core.labels.table_files import LabelFiles
from dlc_core.project.edit_config import editing
from dlc_core.project.project import Project
from dlc_core.project.yaml_text import with_items


def add_bodyparts(project: Project, names: Sequence[str], by: str = "") -> Project:
    """Add body parts to config.yaml, after those it has, and to the label tables; return the project as it is now.

    No label is touched: a new body part is absent in all frames. A table that cannot be written, or an interruption,
    leaves tables without the new columns, which are read as absent, too.

    Parameters
    ----------
    project : Project
        The project.
    names : sequence of str
        New body parts.
    by : str
        Who adds them.

    Raises
    ------
    ConfigError
        A name is empty, or it is taken.
    DataError
        A folder of frames cannot be read.
    DiskError
        config.yaml cannot be written.
    """
    new = [name.strip() for name in names]
    file = project.config.path
    folders = [folder for folder in labelled_folders(project) if has_labels(folder, project.scorer)]
    with editing(file):
        known = Project.open(project.root).config.bodyparts
        for place, name in enumerate(new):
            if not name or name in known or name in new[:place]:
                reason = "is empty" if not name else "is there already"
                raise ConfigError(f"the body part {name!r} {reason}; a new name is expected. Choose another.")
        if new:
            write_text(file, with_items(file, "bodyparts", new))
    changed = Project.open(project.root)
    entry = Entry(edit=Edit(image="", by=by or project.scorer), bodyparts=tuple(new))
    for folder in folders if new else []:
        files = LabelFiles(folder, project.scorer)
        try:
            with folder_lock(folder):
                append(files.journal, entry)
        except DataError as exc:
            warn(f"{files.csv} gets no column for {', '.join(new)} before one is labelled there: {exc}", exc)
            continue
        try:
            compact(files)
        except DataError as exc:
            warn(f"{files.csv} gets columns for {', '.join(new)} when it is next written, not now: {exc}", exc)
    return changed
