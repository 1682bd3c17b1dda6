"""``CollectedData_<scorer>.h5``: a label table as HDF5, in DeepLabCut's layout, readable by pandas 2 and 3.

One pandas table under the key ``df_with_missing``: columns (scorer, bodyparts, coords), float64, one row a frame whose
name is one string or three. Strings are written with object dtype, because pandas 2 reads no other. DeepLabCut's own
program for labelling (napari-deeplabcut) names the key ``keypoints``, so the only table of a file is read whatever its
key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.errors import DataError
from dlc_core.foreign_pickles import foreign_hdf5
from dlc_core.labels.csv_file import image_name, split_name
from dlc_core.labels.h5_table import KEY, object_index, objects, write_table
from dlc_core.labels.table import LabelTable

if TYPE_CHECKING:
    import pandas as pd


def read_h5(path: str | os.PathLike[str]) -> LabelTable:
    """Return the label table in the file at `path`.

    Raises
    ------
    DataError
        The file is damaged or holds no label table of one animal.
    """
    file = Path(path)
    frame = stored_frame(file)
    if list(frame.columns.names) != ["scorer", "bodyparts", "coords"]:
        raise DataError(
            f"{file} has the column levels {list(frame.columns.names)}; scorer, bodyparts, coords are expected. "
            "Labels of several animals cannot be read so far."
        )
    pairs = [(str(bodypart), str(coordinate)) for _, bodypart, coordinate in frame.columns]
    scorers = sorted({str(scorer) for scorer, _, _ in frame.columns})
    names = tuple(dict.fromkeys(bodypart for bodypart, _ in pairs))
    if len(scorers) != 1 or sorted(pairs) != sorted((name, coordinate) for name in names for coordinate in "xy"):
        raise DataError(f"{file} is no label table: one scorer and an x and a y of each body part are expected.")
    try:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except ValueError as exc:
        raise DataError(f"{file} holds text where coordinates are expected ({exc}). Correct it, or its csv.") from exc
    order = [pairs.index((name, coordinate)) for name in names for coordinate in "xy"]
    images = tuple(image_name(row if isinstance(row, tuple) else (str(row),)) for row in frame.index)
    keypoints = values[:, order].reshape(len(images), 1, len(names), 2)
    try:
        return LabelTable(scorers[0], images, names, keypoints)
    except DataError as exc:
        raise DataError(f"{file}: {exc}") from exc


def is_damaged(path: str | os.PathLike[str]) -> bool:
    """Tell whether HDF5 itself cannot open the file: it was cut off, overwritten, or is of another kind."""
    import tables

    file = Path(path)
    try:
        with foreign_hdf5(file), tables.open_file(str(file)):
            return False
    except DataError:  # there is something in it, only not what a table needs
        return False
    except (OSError, tables.HDF5ExtError):
        return True


def stored_frame(file: Path) -> Any:
    """Return the data frame under `KEY`, or the only one under another key."""
    import pandas as pd
    from tables.exceptions import HDF5ExtError

    try:
        with foreign_hdf5(file), pd.HDFStore(file, mode="r") as store:
            frame: Any = store.get(_key([key.removeprefix("/") for key in store], file))
    except DataError:
        raise
    except (OSError, HDF5ExtError, KeyError, ValueError, AttributeError, TypeError) as exc:
        raise DataError(
            f"{file} cannot be read as a label table: it is damaged or no HDF5 file. Restore it from a copy, or move "
            "it away."
        ) from exc
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{file} holds a {type(frame).__name__}, no label table. Save the labels again.")
    return frame


def _key(keys: Sequence[str], file: Path) -> str:
    if KEY in keys:
        return KEY
    if len(keys) != 1:
        held = f"tables under the keys {', '.join(keys)}" if keys else "no table"
        raise DataError(f"{file} holds {held}; a label table has one, under {KEY} or keypoints. Save the labels again.")
    return keys[0]


def write_h5(table: LabelTable, path: str | os.PathLike[str], index_columns: int = 3) -> None:
    """Write `table` as DeepLabCut writes it; the file is replaced as a whole.

    Parameters
    ----------
    table : LabelTable
        The labels.
    path : path-like
        Of the h5.
    index_columns : int
        3 as DeepLabCut writes today, or 1 as in older projects.

    Raises
    ------
    DiskError
        The file cannot be written.
    """
    write_table(as_dataframe(table, index_columns), Path(path))


def as_dataframe(table: LabelTable, index_columns: int = 3) -> pd.DataFrame:
    """Return `table` as the data frame that DeepLabCut stores, every string with object dtype."""
    import pandas as pd

    names = [split_name(image, index_columns) for image in table.images]
    index: Any = objects([name for (name,) in names]) if index_columns == 1 else object_index(names, [None] * 3)
    columns = [(table.scorer, bodypart, coordinate) for bodypart in table.bodyparts for coordinate in "xy"]
    return pd.DataFrame(
        table.keypoints.reshape(len(names), len(columns)),
        index=index,
        columns=object_index(columns, ["scorer", "bodyparts", "coords"]),
    )
