"""Labels of frames as one array with names on its axes; matched and merged by name, never by position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError, suggest


@dataclass(frozen=True, eq=False)
class LabelTable:
    """What one person marked in some frames.

    Parameters
    ----------
    scorer : str
        Who labelled.
    images : tuple of str
        Names of the frames as in ``labeled-data/<folder>/<file>``, with forward slashes, each once.
    bodyparts : tuple of str
        Names of the points, each once.
    keypoints : (frames, 1, bodyparts, 2) float64
        x, y in pixels of the image file, pixel centre at integer coordinates; NaN where absent. One animal.

    Raises
    ------
    DataError
        A name occurs twice, or the array's shape does not fit the names.
    """

    scorer: str
    images: tuple[str, ...]
    bodyparts: tuple[str, ...]
    keypoints: NDArray[np.float64]

    def __post_init__(self) -> None:
        refuse_twice("the label table lists", self.images, self.bodyparts)
        array = np.array(self.keypoints, np.float64)
        shape = (len(self.images), 1, len(self.bodyparts), 2)
        if array.shape != shape:
            raise DataError(f"labels have shape {array.shape}; (frames, 1, body parts, 2) = {shape} is expected.")
        array.flags.writeable = False
        object.__setattr__(self, "keypoints", array)

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same names in the same order and the same points, NaN equal to NaN."""
        if not isinstance(other, LabelTable):
            return NotImplemented
        names = (self.scorer, self.images, self.bodyparts) == (other.scorer, other.images, other.bodyparts)
        return names and np.array_equal(self.keypoints, other.keypoints, equal_nan=True)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which points can be used: (frames, 1, bodyparts) bool, True where x and y are both finite."""
        finite = np.isfinite(self.keypoints)
        return finite[..., 0] & finite[..., 1]

    def folders(self) -> tuple[str, ...]:
        """Return the folders under ``labeled-data`` that the frames lie in, in order of appearance."""
        return tuple(dict.fromkeys(image.split("/")[-2] for image in self.images))

    def select(self, images: Iterable[str]) -> LabelTable:
        """Return the labels of `images`, in their order.

        Raises
        ------
        DataError
            One of them is not in the table.
        """
        chosen = tuple(images)
        where = {name: row for row, name in enumerate(self.images)}
        unknown = [name for name in chosen if name not in where]
        if unknown:
            raise DataError(
                f"the frame {unknown[0]!r} has no labels. {suggest(unknown[0], self.images)}"
                f"{len(self.images)} other frames have."
            )
        rows = [where[name] for name in chosen]
        return LabelTable(self.scorer, chosen, self.bodyparts, self.keypoints[rows])

    def with_bodyparts(self, bodyparts: Sequence[str]) -> LabelTable:
        """Return the labels with exactly `bodyparts`, in that order: NaN for a new one; others are dropped."""
        array = np.full((len(self.images), 1, len(bodyparts), 2), np.nan)
        for new, name in enumerate(bodyparts):
            if name in self.bodyparts:
                array[:, :, new] = self.keypoints[:, :, self.bodyparts.index(name)]
        return LabelTable(self.scorer, self.images, tuple(bodyparts), array)


def merge_labels(old: LabelTable, new: LabelTable) -> LabelTable:
    """Return `old` with the points of `new` put in by frame and body part.

    A point that `new` has replaces the old one; where `new` has NaN the old point stays. Frames and body parts that
    only `new` has are appended. To delete a point, write a table without it.

    Raises
    ------
    DataError
        The tables are by different scorers.
    """
    if old.scorer != new.scorer:
        raise DataError(
            f"labels by {new.scorer!r} cannot be merged into labels by {old.scorer!r}; one scorer is expected. "
            "Rename the scorer of one of the tables first."
        )
    images = tuple(dict.fromkeys((*old.images, *new.images)))
    bodyparts = tuple(dict.fromkeys((*old.bodyparts, *new.bodyparts)))
    array = np.full((len(images), 1, len(bodyparts), 2), np.nan)
    rows = {name: row for row, name in enumerate(images)}
    columns = {name: column for column, name in enumerate(bodyparts)}
    for table in (old, new):
        place = np.ix_([rows[name] for name in table.images], [0], [columns[name] for name in table.bodyparts])
        array[place] = np.where(table.present[..., None] | np.isnan(array[place]), table.keypoints, array[place])
    return LabelTable(old.scorer, images, bodyparts, array)


def concatenate(tables: Sequence[LabelTable], bodyparts: Sequence[str]) -> LabelTable:
    """Return the frames of several tables by one scorer, one after the other, with exactly `bodyparts`."""
    parts = [table.with_bodyparts(bodyparts) for table in tables]
    keypoints = np.concatenate([part.keypoints for part in parts])
    return LabelTable(parts[0].scorer, tuple(n for part in parts for n in part.images), tuple(bodyparts), keypoints)


def refuse_twice(who_lists: str, images: Sequence[str], bodyparts: Sequence[str]) -> None:
    """Raise a `DataError` if a frame or a body part occurs twice; `who_lists` begins its sentence."""
    for what, names in (("frame", images), ("body part", bodyparts)):
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{who_lists} the {what} {twice!r} twice; each may occur once. Remove one.")
