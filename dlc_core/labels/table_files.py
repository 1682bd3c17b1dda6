"""The two kinds of table that have a journal: human labels (csv and h5) and machine labels (h5, csv, refined json).

`TableFiles` is what the rest of the package needs of them: where the files are, reading them, and writing them in two
steps, so that the slow one (building an HDF5 file) happens beside the files and without a lock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from dlc_core.aside import aside
from dlc_core.errors import DataError
from dlc_core.files import disk_errors, to_disk, write_text
from dlc_core.labels.csv_file import elsewhere, index_columns, read_csv, write_csv
from dlc_core.labels.h5_file import read_h5, write_h5
from dlc_core.labels.h5_table import write_table
from dlc_core.labels.in_step import holds_no_more, set_aside
from dlc_core.labels.journal import SUFFIX, Values
from dlc_core.labels.known_files import FileStamp, file_stamp, is_known, remember_as
from dlc_core.labels.machine import COPY_NAME, MachineLabels, as_dataframe, machine_file, read_machine
from dlc_core.labels.replay import Frames, Row
from dlc_core.labels.table import LabelTable

Commit = Callable[[], tuple[FileStamp | None, ...]]
"""Moves new files into place and returns the state of each of `TableFiles.sources` as it was written."""
Prepared = AbstractContextManager[Commit]


class TableFiles(Protocol):
    """The files of one table in one folder of frames."""

    @property
    def folder(self) -> Path:
        """The folder of frames."""

    @property
    def journal(self) -> Path:
        """Its journal."""

    @property
    def width(self) -> int:
        """How many numbers a point has."""

    def sources(self) -> tuple[Path, ...]:
        """Return the files that `read` looks at."""

    def read(self) -> Frames:
        """Return what the files hold; nothing if there are none. Raises DataError."""

    def prepared(self, frames: Frames) -> Prepared:
        """Return a context in which the new files lie ready aside; what it gives moves them into place."""


@dataclass(frozen=True)
class LabelFiles:
    """``CollectedData_<scorer>.csv`` and ``.h5``.

    Parameters
    ----------
    folder : Path
        The folder of frames.
    scorer : str
        Who labels.
    """

    folder: Path
    scorer: str
    width: ClassVar[int] = 2

    @property
    def csv(self) -> Path:
        """The table as text, which counts."""
        return self.folder / f"CollectedData_{self.scorer}.csv"

    @property
    def h5(self) -> Path:
        """The table for DeepLabCut."""
        return self.folder / f"CollectedData_{self.scorer}.h5"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.folder / f"CollectedData_{self.scorer}{SUFFIX}"

    def sources(self) -> tuple[Path, ...]:
        """Return csv and h5."""
        return (self.csv, self.h5)

    def read(self) -> Frames:
        """Return the human labels, those of the csv; the h5 may hold no point that the csv lacks."""
        source = self.csv if self.csv.is_file() else self.h5
        if not source.is_file():
            return Frames()
        stamps = [file_stamp(path) for path in self.sources()]
        table = read_csv(source) if source == self.csv else read_h5(source)
        if table.scorer != self.scorer:
            raise DataError(
                f"{source} holds labels by {table.scorer!r}; its name says {self.scorer!r}. Make both equal."
            )
        looked_at = is_known(self.csv) and is_known(self.h5)
        if source == self.csv and not looked_at and holds_no_more(table, self.csv, self.h5):
            for path, stamp in zip(self.sources(), stamps, strict=True):
                remember_as(path, stamp)
        return frames_of(table)

    def table(self, frames: Frames) -> LabelTable:
        """Return the rows as a table."""
        values = _values(frames, self.width)
        return LabelTable(self.scorer, tuple(frames.rows), frames.bodyparts, values)

    @contextmanager
    def prepared(self, frames: Frames) -> Iterator[Commit]:
        """Write csv and h5 aside; an interruption while they are moved leaves one complete table, or two that agree."""
        table = self.table(frames)
        has_csv = self.csv.is_file()
        width = index_columns(self.csv) if has_csv else 3
        with disk_errors(self.csv), aside(self.csv) as csv, aside(self.h5) as h5:
            write_csv(table, csv, width)
            to_disk(csv)
            write_h5(table, h5, width)
            if not has_csv:
                to_disk(h5)

            def commit() -> tuple[FileStamp | None, ...]:
                written = file_stamp(csv), file_stamp(h5)
                with disk_errors(self.csv):
                    if not has_csv:  # the h5 is all there is
                        h5.replace(self.h5)
                        csv.replace(self.csv)
                        to_disk(self.folder)
                        return written
                    if (is_known(self.csv) and is_known(self.h5)) or not self.h5.exists():
                        self.h5.unlink(missing_ok=True)
                    else:
                        set_aside(self.h5, "replaced")
                    csv.replace(self.csv)
                    to_disk(self.folder)
                    h5.replace(self.h5)
                return written

            yield commit


@dataclass(frozen=True)
class MachineFiles:
    """``machinelabels-iter<N>.h5``, its copy ``machinelabels.csv`` and ``refined-iter<N>.json``.

    The last says which frames a person has begun to refine (null) or finished (the pcutoff that was shown then).

    Parameters
    ----------
    folder : Path
        The folder of frames.
    iteration : int
        Of the project.
    """

    folder: Path
    iteration: int
    width: ClassVar[int] = 3

    @property
    def h5(self) -> Path:
        """The table, which counts."""
        return machine_file(self.folder, self.iteration)

    @property
    def refined(self) -> Path:
        """The state of the frames."""
        return self.folder / f"refined-iter{self.iteration}.json"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.h5.with_suffix(SUFFIX)

    def sources(self) -> tuple[Path, ...]:
        """Return the h5 and the json."""
        return (self.h5, self.refined)

    def read(self) -> Frames:
        """Return the machine labels: x, y, likelihood."""
        if not self.h5.is_file():
            return Frames(done=self._read_refined())
        labels = read_machine(self.h5)
        if image := elsewhere(labels.images, self.folder):
            raise DataError(
                f"{self.h5} has machine labels of {image!r}, which does not lie in this folder ({self.folder.name}). "
                "If the folder was renamed, give it its old name until they are merged; if the file is from another "
                "folder, remove it."
            )
        values = np.concatenate([labels.keypoints[:, 0], labels.likelihood[:, 0, :, None]], axis=2)
        absent = np.isnan(values)
        rows = _rows(labels.images, labels.bodyparts, values, present=~(absent[..., 0] | absent[..., 1]))
        return Frames(labels.bodyparts, rows, self._read_refined())

    @contextmanager
    def prepared(self, frames: Frames) -> Iterator[Commit]:
        """Write the files aside; the json is moved first, so that no frame counts as untouched that is not."""
        scorer = read_machine(self.h5).scorer
        values = _values(frames, self.width)
        labels = MachineLabels(scorer, tuple(frames.rows), frames.bodyparts, values[..., :2], values[..., 2])
        copy = self.folder / COPY_NAME
        with disk_errors(self.h5), aside(self.h5) as h5, aside(self.refined) as refined, aside(copy) as csv:
            table = as_dataframe(labels)
            write_table(table, h5)
            write_text(csv, table.to_csv(lineterminator="\n"))
            write_text(refined, json.dumps(frames.done, indent=1) + "\n")
            to_disk(h5)
            to_disk(refined)

            def commit() -> tuple[FileStamp | None, ...]:
                written = file_stamp(h5), file_stamp(refined)
                with disk_errors(self.h5):
                    refined.replace(self.refined)
                    h5.replace(self.h5)
                    csv.replace(copy)
                    to_disk(self.folder)
                return written

            yield commit

    def _read_refined(self) -> dict[str, float | None]:
        if not self.refined.is_file():
            return {}
        try:
            content = json.loads(self.refined.read_text(encoding="utf-8"))
            if isinstance(content, dict) and all(type(value) in (int, float, NoneType) for value in content.values()):
                return {image: None if value is None else float(value) for image, value in content.items()}
            problem = "it holds something else"
        except (OSError, ValueError) as exc:
            problem = str(exc)
        raise DataError(
            f'{self.refined} cannot be read ({problem}); {{"image": pcutoff or null}} is expected. Mend it, or remove '
            "it and mark the frames as done again."
        )


def frames_of(table: LabelTable) -> Frames:
    """Return the rows of a table of human labels; half a point stays half a point."""
    values = table.keypoints[:, 0]
    absent = np.isnan(values)
    present = ~(absent[..., 0] & absent[..., 1])
    return Frames(table.bodyparts, _rows(table.images, table.bodyparts, values, present))


def _rows(
    images: Sequence[str], bodyparts: Sequence[str], values: NDArray[np.float64], present: NDArray[np.bool_]
) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for image, points, there in zip(images, values.tolist(), present.tolist(), strict=True):
        rows[image] = {
            name: tuple(None if value != value else value for value in point)
            for name, point, is_there in zip(bodyparts, points, there, strict=True)
            if is_there
        }
    return rows


def _values(frames: Frames, width: int) -> NDArray[np.float64]:
    """Return the (frames, 1, bodyparts, width) float64 values of `frames`, NaN where absent."""
    absent = (float("nan"),) * width
    array = np.array(
        [[_numbers(row.get(name), absent) for name in frames.bodyparts] for row in frames.rows.values()], np.float64
    )
    return array.reshape(len(frames.rows), 1, len(frames.bodyparts), width)


def _numbers(values: Values | None, absent: tuple[float, ...]) -> tuple[float, ...]:
    return absent if values is None else tuple(float("nan") if value is None else value for value in values)


def changed(before: Mapping[str, Row], after: Mapping[str, Row]) -> set[str]:
    """Return the frames whose row is another one."""
    return {image for image in before.keys() | after.keys() if before.get(image) != after.get(image)}
