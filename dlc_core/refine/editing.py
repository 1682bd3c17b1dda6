"""Correct machine labels: what the refine page does, and any other program can do."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

from dlc_core.errors import DataError
from dlc_core.labels.editing import frame_folder
from dlc_core.labels.folder_editor import FolderEditor
from dlc_core.labels.frame_state import whole_points
from dlc_core.labels.journal import KEEP, Edit, Entry
from dlc_core.labels.table_files import LabelFiles, MachineFiles, TableFiles
from dlc_core.project.project import Project

__all__ = ["Edit", "RefineEditor"]

CORRECTED = 1.0
"""The likelihood of a point that a person has placed."""


class RefineEditor(FolderEditor[MachineFiles]):
    """The machine labels of the current iteration in one folder (``machinelabels-iter<N>.h5``); see `FolderEditor`.

    A frame is untouched, begun (somebody moved, removed or restored a point) or done (`mark_done`). Only done frames
    join the human labels when datasets are merged (`dlc_core.refine.merge`).

    Examples
    --------
    >>> with RefineEditor.open(project, "mouse", by="Ada") as editor:  # doctest: +SKIP
    ...     editor.apply(Edit(image=editor.images[0], set={"snout": (12.5, 80.0)}))
    ...     editor.mark_done(editor.images[0], pcutoff=0.6)
    """

    @classmethod
    def open(cls, project: Project, folder: str | Path, by: str = "") -> Self:
        """Return an editor for a folder below ``labeled-data``, given by its path or its name.

        Parameters
        ----------
        project : Project
            The project; its iteration says which machine labels are meant.
        folder : str or Path
            With machine labels.
        by : str
            Who corrects; "" for the project's scorer.

        Raises
        ------
        DataError
            There is no such folder, it has no machine labels of this iteration, or they cannot be read.
        """
        place = frame_folder(project, folder)
        files = MachineFiles(place, project.iteration)
        if not files.h5.is_file():
            others = sorted(path.name for path in place.glob("machinelabels-iter*.h5"))
            raise DataError(
                f"{place} has no {files.h5.name}, the machine labels of iteration {project.iteration}; it has "
                f"{', '.join(others) or 'none of any iteration'}. Extract outlier frames with `dlc extract-outliers`."
            )
        return cls(project, place, by or project.scorer, files)

    @property
    def images(self) -> tuple[str, ...]:
        """The frames with machine labels, sorted by name."""
        with self._mutex:
            return tuple(sorted(self._frames.rows))

    def points(self, image: str) -> dict[str, tuple[float, float, float]]:
        """Return the points of a frame by body part: x, y in pixels of the image, likelihood; 1 for a corrected one.

        Points that a person removed, and body parts that config.yaml does not list, are left out. A likelihood that is
        not known is 0.
        """
        with self._mutex:
            row = whole_points(self._frames.rows.get(self._known(image), {}))
        return {name: (row[name][0], row[name][1], row[name][2]) for name in self.bodyparts if name in row}

    def done(self, image: str) -> float | None:
        """Return the pcutoff with which a frame was marked as done, None if it is not done."""
        with self._mutex:
            return self._frames.done.get(self._known(image))

    def begun(self, image: str) -> bool:
        """Tell whether a person has edited a frame, done or not."""
        with self._mutex:
            return self._known(image) in self._frames.done

    def mark_done(self, image: str, pcutoff: float | None, seen: int | None = None, by: str = "") -> Edit:
        """Mark a frame as done, and return the edit that takes it back.

        Parameters
        ----------
        image : str
            The frame.
        pcutoff : float or None
            The likelihood below which its points are not to count, 0 to 1; None marks it as not done.
        seen, by
            As in `apply`.

        Raises
        ------
        DataError
            pcutoff is no number from 0 to 1.
        EditConflict, DiskError
            As in `apply`.
        """
        if pcutoff is not None and not 0 <= pcutoff <= 1:
            raise DataError(f"pcutoff is {pcutoff}; a likelihood from 0 to 1 is expected.")
        return self.apply(Edit(image=image, done=pcutoff, by=by), seen)

    def _catch_up(self) -> None:
        super()._catch_up()
        iteration = self._files.iteration
        if iteration != self.project.iteration:
            raise DataError(
                f"{self._files.h5} belongs to iteration {iteration}; the project is at {self.project.iteration}. Its "
                "labels were merged: what is changed here would count no more. Edit the labels of the frame instead."
            )

    def _entry(self, edit: Edit) -> Entry:
        """Give placed points their likelihood, and note that the frame is begun."""
        points = {name: values if len(values) == 3 else (*values, CORRECTED) for name, values in edit.set.items()}
        begun = edit.done == KEEP and edit.image not in self._frames.done and not edit.drop
        return super()._entry(replace(edit, set=points, done=None if begun else edit.done))

    def _check_values(self, image: str, name: str, values: tuple[float, ...]) -> None:
        if len(values) != 3 or not all(math.isfinite(value) for value in values) or not 0 <= values[2] <= 1:
            raise DataError(f"{name} in {image} is placed at {values}; x, y and perhaps a likelihood are expected.")

    def _tables(self) -> Iterable[TableFiles]:
        return (LabelFiles(self.folder, self.project.scorer), self._files)
