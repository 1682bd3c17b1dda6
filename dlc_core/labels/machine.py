"""What a network found in frames that wait for a person: ``machinelabels-iter<N>.h5``, in DeepLabCut's layout.

One pandas table under the key ``df_with_missing``: columns (scorer, bodyparts, coords) with x, y and likelihood, the
scorer being the network's; one row a frame, whose name is three strings. ``machinelabels.csv`` beside it is a copy for
people, always of the file that was written last; only the h5 is read. There is one file per iteration of the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import counted
from dlc_core.errors import DataError
from dlc_core.files import write_text
from dlc_core.labels.csv_file import image_name, split_name
from dlc_core.labels.h5_file import stored_frame
from dlc_core.labels.h5_table import object_index, write_table
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.table import refuse_twice

if TYPE_CHECKING:
    import pandas as pd

COPY_NAME = "machinelabels.csv"
_NAME = re.compile(r"machinelabels-iter(\d+)\.h5")
_COORDS = ("x", "y", "likelihood")
_LEVELS = ["scorer", "bodyparts", "coords"]


@dataclass(frozen=True, eq=False)
class MachineLabels:
    """What one network found in some frames.

    Parameters
    ----------
    scorer : str
        The network's name in file names.
    images : tuple of str
        Names of the frames as in ``labeled-data/<folder>/<file>``, with forward slashes, each once.
    bodyparts : tuple of str
        Names of the points, each once.
    keypoints : (frames, 1, bodyparts, 2) float64
        x, y in pixels of the image file, pixel centre at integer coordinates; NaN where absent. One animal.
    likelihood : (frames, 1, bodyparts) float64
        In [0, 1]; NaN where nothing is known.

    Raises
    ------
    DataError
        A name occurs twice, or an array's shape does not fit the names.
    """

    scorer: str
    images: tuple[str, ...]
    bodyparts: tuple[str, ...]
    keypoints: NDArray[np.float64]
    likelihood: NDArray[np.float64]

    def __post_init__(self) -> None:
        refuse_twice("the machine labels list", self.images, self.bodyparts)
        shape = (len(self.images), 1, len(self.bodyparts))
        for field, expected in (("keypoints", (*shape, 2)), ("likelihood", shape)):
            array = np.array(getattr(self, field), np.float64)
            if array.shape != expected:
                raise DataError(f"{field} of machine labels have shape {array.shape}; {expected} is expected.")
            array.flags.writeable = False
            object.__setattr__(self, field, array)

    def __eq__(self, other: object) -> bool:
        """Tell whether both hold the same names in the same order and the same points, NaN equal to NaN."""
        if not isinstance(other, MachineLabels):
            return NotImplemented
        names = (self.scorer, self.images, self.bodyparts) == (other.scorer, other.images, other.bodyparts)
        return (
            names
            and np.array_equal(self.keypoints, other.keypoints, equal_nan=True)
            and np.array_equal(self.likelihood, other.likelihood, equal_nan=True)
        )


def machine_file(folder: str | os.PathLike[str], iteration: int) -> Path:
    """Return the h5 with the machine labels of a folder of frames, whether it exists or not."""
    return Path(folder) / f"machinelabels-iter{iteration}.h5"


def machine_tables(folder: Path) -> list[int]:
    """Return the iterations of which a folder of frames has machine labels, sorted."""
    found = (_NAME.fullmatch(path.name) for path in folder.glob("machinelabels-iter*.h5"))
    return sorted(int(match[1]) for match in found if match)


def read_machine(path: str | os.PathLike[str]) -> MachineLabels:
    """Return the machine labels in the h5 at `path`.

    Raises
    ------
    DataError
        The file is damaged, or holds no machine labels of one network and one animal.
    """
    file = Path(path)
    frame = stored_frame(file)
    if list(frame.columns.names) != _LEVELS:
        raise DataError(
            f"{file} has the column levels {list(frame.columns.names)}; scorer, bodyparts, coords are expected. "
            "Machine labels of several animals cannot be read so far."
        )
    scorers = sorted({str(scorer) for scorer, _, _ in frame.columns})
    if len(scorers) > 1:
        raise DataError(
            f"{file} holds machine labels by {len(scorers)} networks, {' and '.join(scorers)}; those of one are "
            "expected. Remove the columns of the others, or refine and merge the frames where the file was made."
        )
    pairs = [(str(bodypart), str(coordinate)) for _, bodypart, coordinate in frame.columns]
    bodyparts = tuple(dict.fromkeys(bodypart for bodypart, _ in pairs))
    wanted = [(bodypart, coordinate) for bodypart in bodyparts for coordinate in _COORDS]
    if sorted(pairs) != sorted(wanted) or not scorers:
        raise DataError(
            f"{file} holds no machine labels: an x, a y and a likelihood of each body part are expected. Is it a table "
            "of human labels?"
        )
    try:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)[:, [pairs.index(pair) for pair in wanted]]
    except ValueError as exc:
        raise DataError(f"{file} holds text where numbers are expected ({exc}). Extract the frames again.") from exc
    images = tuple(image_name(row if isinstance(row, tuple) else (str(row),)) for row in frame.index)
    values = values.reshape(len(images), 1, len(bodyparts), len(_COORDS))
    try:
        return MachineLabels(scorers[0], images, bodyparts, values[..., :2], values[..., 2])
    except DataError as exc:
        raise DataError(f"{file}: {exc}") from exc


def write_machine(labels: MachineLabels, path: str | os.PathLike[str]) -> None:
    """Write `labels` as the h5 at `path` and as ``machinelabels.csv`` beside it; what was there is replaced.

    Whoever writes what was read before holds the folder's lock (`dlc_core.labels.journal.folder_lock`) all the while.

    Raises
    ------
    DiskError
        The folder cannot be written.
    """
    file = Path(path)
    frame = as_dataframe(labels)
    write_table(frame, file)
    write_text(file.with_name(COPY_NAME), frame.to_csv(lineterminator="\n"))


def add_machine(new: MachineLabels, path: str | os.PathLike[str]) -> MachineLabels:
    """Append the frames of `new` to the machine labels at `path`, if there are any, and return the result.

    A frame that is there already stays as it is: a person may have corrected it. Body parts are matched by name.

    Raises
    ------
    DataError
        The file holds labels of another network, or cannot be read, or another process writes it all the time.
    DiskError
        The folder cannot be written.
    """
    file = Path(path)
    with folder_lock(file.parent):
        check_network(file, new.scorer)
        old = read_machine(file) if file.is_file() else None
        labels = _joined(old, new) if old is not None and old.images else new
        write_machine(labels, file)
    return labels


def check_network(path: str | os.PathLike[str], scorer: str) -> None:
    """Raise DataError if the machine labels at `path` are those of another network than `scorer`, or unreadable."""
    file = Path(path)
    if not file.is_file():
        return
    there = read_machine(file)
    if there.images and there.scorer != scorer:
        raise DataError(
            f"{file} holds {counted(len(there.images), 'frame')} labelled by {there.scorer}; those of {scorer} cannot "
            "be added to it. Refine and merge these frames first (`dlc refine`, `dlc merge`), choose that network with "
            "run=, or move the file away."
        )


def as_dataframe(labels: MachineLabels) -> pd.DataFrame:
    """Return `labels` as the data frame that DeepLabCut stores, every string with object dtype."""
    import pandas as pd

    columns = [(labels.scorer, name, coordinate) for name in labels.bodyparts for coordinate in _COORDS]
    names: list[Any] = [split_name(image, 3) for image in labels.images]
    return pd.DataFrame(
        _values(labels, labels.bodyparts).reshape(len(names), len(columns)),
        index=object_index(names, [None] * 3),
        columns=object_index(columns, _LEVELS),
    )


def _joined(old: MachineLabels, new: MachineLabels) -> MachineLabels:
    """Return the frames of `old`, and after them those that only `new` has."""
    known = set(old.images)
    rows = [row for row, image in enumerate(new.images) if image not in known]
    images = (*old.images, *(new.images[row] for row in rows))
    bodyparts = tuple(dict.fromkeys((*old.bodyparts, *new.bodyparts)))
    values = np.concatenate([_values(old, bodyparts), _values(new, bodyparts)[rows]])
    return MachineLabels(old.scorer, images, bodyparts, values[..., :2], values[..., 2])


def _values(labels: MachineLabels, bodyparts: Sequence[str]) -> NDArray[np.float64]:
    """Return x, y and likelihood of `bodyparts`, (frames, 1, len(bodyparts), 3); NaN for one that `labels` lack."""
    values = np.full((len(labels.images), 1, len(bodyparts), len(_COORDS)), np.nan)
    for column, name in enumerate(bodyparts):
        if name in labels.bodyparts:
            place = labels.bodyparts.index(name)
            values[:, :, column, :2] = labels.keypoints[:, :, place]
            values[:, :, column, 2] = labels.likelihood[:, :, place]
    return values
