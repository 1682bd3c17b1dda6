"""Tables as DeepLabCut stores them in HDF5: under the key ``df_with_missing``, in strings that pandas 2 and 3 read.

pandas 3 gives strings a dtype of their own, which pandas 2 cannot read; `object_index` and `objects` leave them
objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.aside import meant
from dlc_core.errors import DiskError
from dlc_core.files import replacing

if TYPE_CHECKING:
    import pandas as pd

KEY = "df_with_missing"


def object_index(rows: Sequence[tuple[str, ...]], names: Sequence[str | None]) -> pd.MultiIndex:
    """Return an index whose levels have object dtype and the order of appearance; pandas 3 would make them ``str``.

    Parameters
    ----------
    rows : sequence of tuple of str
        One tuple a row or column.
    names : sequence of str or None
        Of the levels.
    """
    import pandas as pd

    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    levels = [list(dict.fromkeys(column)) for column in values]
    places = [{value: place for place, value in enumerate(level)} for level in levels]
    return pd.MultiIndex(
        levels=[objects(level) for level in levels],
        codes=[[place[value] for value in column] for place, column in zip(places, values, strict=True)],
        names=list(names),
    )


def objects(values: Sequence[str]) -> Any:
    """Return an index of one level, of object dtype."""
    import pandas as pd

    return pd.Index(list(values), dtype=object)


def write_table(frame: pd.DataFrame, file: Path) -> None:
    """Write a table of numbers, whose index and columns are of object dtype; the file is replaced as a whole.

    Raises
    ------
    DiskError
        The file cannot be written, or not all of it: HDF5 does not report a full disk, so it is read back.
    """
    from tables.exceptions import HDF5ExtError

    lost = f"cannot write {meant(file)}: HDF5 gave up half way. Is the disk full? Free some space."
    try:
        with replacing(file) as temporary:
            temporary.touch()  # says why it cannot be written; HDF5 would not
            frame.to_hdf(temporary, key=KEY, mode="w")
            if len(frame) and not _holds(temporary, frame):
                raise DiskError(lost)
    except HDF5ExtError as exc:
        raise DiskError(lost) from exc


def _holds(file: Path, frame: pd.DataFrame) -> bool:
    import pandas as pd

    try:
        written: Any = pd.read_hdf(file, key=KEY)
    except (KeyError, ValueError, TypeError, AttributeError):
        return False
    same_names = list(written.columns) == list(frame.columns) and list(written.index) == list(frame.index)
    return same_names and np.array_equal(written.to_numpy(), frame.to_numpy(), equal_nan=True)
