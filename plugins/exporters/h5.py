"""DeepLabCut's HDF5 file of poses: pandas' table format under the key ``df_with_missing``, float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables.exceptions import HDF5ExtError

from dlc_core.errors import DataError, DiskError
from dlc_core.files import disk_error, replacing
from dlc_core.foreign_pickles import foreign_hdf5
from dlc_core.inference.pose_file import PoseFile

from .meta import ELSEWHERE, read_meta, write_meta
from .table import ANOTHER, poses_from_table, table_blocks

KEY = "df_with_missing"
_UNREADABLE = (HDF5ExtError, KeyError, ValueError, TypeError, AttributeError)
_LAYOUT_VERSION = "0.15.2"  # of the table format, not of pandas: every version from 0.15.2 to 2.x writes this


def write_h5(poses: PoseFile, path: Path, scorer: str) -> list[Path]:
    """Write the table of `poses` under the name `scorer`, part by part, and its metadata; return both files.

    Raises
    ------
    DiskError
        The disk is full or read-only.
    """
    with replacing(path, ELSEWHERE) as temporary:
        try:
            with pd.HDFStore(temporary, mode="w") as store:
                for part in table_blocks(poses, scorer):
                    store.append(KEY, part, format="table")
                # pandas 3 leaves these two out, and pandas 2 (DeepLabCut's) cannot read a table without them.
                handle: Any = store
                attributes = handle.get_storer(KEY).attrs
                attributes.pandas_version = _LAYOUT_VERSION
                attributes.nan_rep = "nan"
            complete = _holds(temporary, poses, scorer)
        except HDF5ExtError as exc:
            raise _lost(path, str(exc).strip().splitlines()[-1:]) from exc
        except OSError as exc:
            raise disk_error(path, exc, ELSEWHERE) if exc.errno else _lost(path, [str(exc)]) from exc
        if not complete:
            raise _lost(path, [])
        meta = write_meta(poses, scorer, path)  # before the table appears, which nobody can understand without
    return [path, meta]


def _holds(file: Path, poses: PoseFile, scorer: str) -> bool:
    """Tell whether the table in `file` is that of `poses`: on a full disk HDF5 loses data and says nothing."""
    with pd.HDFStore(file, mode="r") as store:
        for part in table_blocks(poses, scorer):
            first = int(part.index[0])
            try:
                written = store.select(KEY, start=first, stop=first + len(part))
            except _UNREADABLE:
                return False
            if not np.array_equal(np.asarray(written), part.to_numpy(), equal_nan=True):
                return False
    return True


def _lost(path: Path, reason: list[str]) -> DiskError:
    why = f" ({reason[0].strip()})" if reason else ""
    return DiskError(
        f"cannot write {path}: what HDF5 wrote is incomplete{why}. Is the disk full? Free some space, or {ELSEWHERE}."
    )


class H5:
    """Writes and reads DeepLabCut's HDF5 file of poses."""

    suffix = ".h5"

    def write(self, poses: PoseFile, path: Path) -> list[Path]:
        """Write `poses` to `path`, and ``_meta.pickle`` beside it."""
        return write_h5(poses, path, poses.scorer)

    def read(self, path: Path) -> PoseFile:
        """Return the poses of a file that we or DeepLabCut wrote, in memory.

        Raises
        ------
        DataError
            It is no such file.
        """
        try:
            with foreign_hdf5(Path(path)), pd.HDFStore(path, mode="r") as store:
                keys = store.keys()
                table = store.get(KEY if f"/{KEY}" in keys or len(keys) != 1 else keys[0])
        except DataError:
            raise
        except (*_UNREADABLE, OSError) as exc:
            why = "damaged, or no HDF5 at all" if isinstance(exc, HDF5ExtError) else str(exc).strip()  # no back trace
            raise DataError(f"{path} is no HDF5 table of poses ({why}). {ANOTHER}") from exc
        if not isinstance(table, pd.DataFrame):
            raise DataError(f"{path} holds no table of poses. {ANOTHER}")
        return poses_from_table(table, Path(path), read_meta(Path(path)))
