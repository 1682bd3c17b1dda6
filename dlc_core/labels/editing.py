"""Edit the human labels of one folder: what the label page does, and any other program can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from dlc_core.console import warn
from dlc_core.errors import DataError, suggest
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.files import check_bodyparts
from dlc_core.labels.folder_editor import FolderEditor
from dlc_core.labels.folder_table import has_labels, read_folder, tables_in
from dlc_core.labels.frame_state import whole_points
from dlc_core.labels.journal import Edit
from dlc_core.labels.table_files import LabelFiles, MachineFiles, TableFiles
from dlc_core.project.project import Project

__all__ = ["Edit", "LabelEditor", "frame_folder"]


class LabelEditor(FolderEditor[LabelFiles]):
    """The human labels of the frames in one folder (`CollectedData_<scorer>`); see `FolderEditor`.

    Examples
    --------
    >>> with LabelEditor.open(project, "mouse", by="Ada") as editor:  # doctest: +SKIP
    ...     undo = editor.apply(Edit(image=editor.images[0], set={"snout": (12.5, 80.0)}))
    ...     editor.apply(undo)
    """

    @classmethod
    def open(cls, project: Project, folder: str | Path, by: str = "") -> Self:
        """Return an editor for a folder below ``labeled-data``, given by its path or its name.

        Parameters
        ----------
        project : Project
            The project; its scorer owns the table.
        folder : str or Path
            With or without labels.
        by : str
            Who labels; "" for the project's scorer.

        Raises
        ------
        DataError
            There is no such folder, or its labels cannot be read or name body parts that look misspelt.
        """
        place = frame_folder(project, folder)
        files = LabelFiles(place, project.scorer)
        if has_labels(place, project.scorer):
            check_bodyparts(project, read_folder(place, project.scorer).bodyparts, files.csv)
        elif others := tables_in(place):
            warn(
                f"{place} holds {', '.join(others)}, no labels by {project.scorer!r}, the scorer of config.yaml: its "
                "frames count as not labelled. Rename `scorer` there, if these are your labels."
            )
        return cls(project, place, by or project.scorer, files)

    def points(self, image: str) -> dict[str, tuple[float, float]]:
        """Return the points of a frame by body part: x, y in pixels of the image; those that are absent are not in it.

        Body parts that config.yaml does not list are left out, and half a point, which is no label.
        """
        with self._mutex:
            row = whole_points(self._frames.rows.get(self._known(image), {}))
        return {name: (row[name][0], row[name][1]) for name in self.bodyparts if name in row}

    def counts(self) -> dict[str, int]:
        """Return how many points of each body part of config.yaml there are."""
        with self._mutex:
            rows = list(self._frames.rows.values())
        return {name: sum(name in row for row in rows) for name in self.bodyparts}

    def add_bodyparts(self, names: Sequence[str]) -> Project:
        """Add body parts to config.yaml and to all label tables of the project; return the project as it is now.

        Raises
        ------
        ConfigError
            A name is empty or taken.
        DiskError
            config.yaml cannot be written.
        """
        self.project = add_bodyparts(self.project, names, self.by)
        return self.project

    def _tables(self) -> Iterable[TableFiles]:
        return (self._files, MachineFiles(self.folder, self.project.iteration))


def frame_folder(project: Project, folder: str | Path) -> Path:
    """Return the folder below ``labeled-data`` that a path or a name means.

    Raises
    ------
    DataError
        There is none.
    """
    place = project.labeled_data / Path(folder).name
    if Path(folder).name in ("", ".", "..") or not place.is_dir():
        known = sorted(path.name for path in project.labeled_data.glob("*") if path.is_dir())
        raise DataError(
            f"there is no folder {Path(folder).name!r} in {project.labeled_data}. {suggest(Path(folder).name, known)}"
            f"Folders: {', '.join(known) or 'none'}. Extract frames first with `dlc extract-frames`."
        )
    return place
