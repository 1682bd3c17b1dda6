"""``CollectedData_<scorer>.h5``: a label table as HDF5, in DeepLabCut's layout, readable by pandas 2 and 3.

One pandas table under the key ``df_with_missing``: columns (scorer, bodyparts, coords), float64, one row a frame whose
name is one string or three. Strings are written with object dtype, because pandas 2 reads no other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.errors import DataError, DiskError
from dlc_core.files import replacing
from dlc_core.foreign_pickles import foreign_hdf5
from dlc_core.labels.csv_file import image_name, split_name
from dlc_core.labels.table import LabelTable

if TYPE_CHECKING:
    import pandas as pd

KEY = "df_with_missing"


def read_h5(path: str | os.PathLike[str]) -> LabelTable:
    """Return the label table in the file at `path`.

    Raises
    ------
    DataError
        The file is damaged or holds no label table of one animal.
    """
    import pandas as pd
    from tables.exceptions import HDF5ExtError

    file = Path(path)
    try:
        with foreign_hdf5(file):
            frame: Any = pd.read_hdf(file, key=KEY)
    except DataError:
        raise
    except KeyError as exc:
        raise DataError(f"{file} has nothing under the key {KEY}; DeepLabCut's label tables have.") from exc
    except (OSError, HDF5ExtError, ValueError, AttributeError, TypeError) as exc:
        raise DataError(f"{file} cannot be read as a label table: it is damaged or no HDF5 file.") from exc
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
    from tables.exceptions import HDF5ExtError

    frame = as_dataframe(table, index_columns)
    file = Path(path)
    try:
        with replacing(file) as temporary:
            temporary.touch()  # says why it cannot be written; HDF5 would not
            frame.to_hdf(temporary, key=KEY, mode="w")
            _require_written(temporary, table)
    except (HDF5ExtError, DataError) as exc:
        if isinstance(exc, DiskError):
            raise
        raise DiskError(f"cannot write {file}: HDF5 gave up half way. Is the disk full? Free some space.") from exc


def _require_written(file: Path, table: LabelTable) -> None:
    """Check what was written by reading it back: HDF5 does not report a full disk."""
    if table.images and read_h5(file) != table:
        raise DataError("what was written differs from the labels")


def as_dataframe(table: LabelTable, index_columns: int = 3) -> pd.DataFrame:
    """Return `table` as the data frame that DeepLabCut stores, every string with object dtype."""
    import pandas as pd

    names = [split_name(image, index_columns) for image in table.images]
    index: Any = _objects([name for (name,) in names]) if index_columns == 1 else _multi_index(names, [None] * 3)
    columns = [(table.scorer, bodypart, coordinate) for bodypart in table.bodyparts for coordinate in "xy"]
    return pd.DataFrame(
        table.keypoints.reshape(len(names), len(columns)),
        index=index,
        columns=_multi_index(columns, ["scorer", "bodyparts", "coords"]),
    )


def _multi_index(rows: Sequence[tuple[str, ...]], names: Sequence[str | None]) -> pd.MultiIndex:
    """Return an index whose levels have object dtype and the order of appearance; pandas 3 would make them ``str``."""
    import pandas as pd

    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    levels = [list(dict.fromkeys(column)) for column in values]
    places = [{value: place for place, value in enumerate(level)} for level in levels]
    return pd.MultiIndex(
        levels=[_objects(level) for level in levels],
        codes=[[place[value] for value in column] for place, column in zip(places, values, strict=True)],
        names=list(names),
    )


def _objects(values: Sequence[str]) -> Any:
    import pandas as pd

    return pd.Index(list(values), dtype=object)
