"""DeepLabCut's HDF5 file of poses: pandas' table format under the key ``df_with_missing``, float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from tables.exceptions import HDF5ExtError

from dlc_core.errors import DataError, DiskError
from dlc_core.files import replacing
from dlc_core.inference.pose_file import PoseFile

from .meta import read_meta, write_meta
from .table import poses_from_table, table_blocks

KEY = "df_with_missing"
_LAYOUT_VERSION = "0.15.2"  # of the table format, not of pandas: every version from 0.15.2 to 2.x writes this


def write_h5(poses: PoseFile, path: Path, scorer: str) -> list[Path]:
    """Write the table of `poses` under the name `scorer`, part by part, and its metadata; return both files.

    Raises
    ------
    DiskError
        The disk is full or read-only.
    """
    with replacing(path) as temporary:
        try:
            with pd.HDFStore(temporary, mode="w") as store:
                for part in table_blocks(poses, scorer):
                    store.append(KEY, part, format="table")
                # pandas 3 leaves these two out, and pandas 2 (DeepLabCut's) cannot read a table without them.
                storer: Any = store.get_storer(KEY)
                attributes = storer.attrs
                attributes.pandas_version = _LAYOUT_VERSION
                attributes.nan_rep = "nan"
        except HDF5ExtError as exc:
            raise DiskError(
                f"cannot write {path}: {str(exc).strip().splitlines()[-1]}. Is the disk full? "
                "Free some space or write elsewhere (`destfolder=`)."
            ) from exc
    return [path, write_meta(poses, scorer, path)]


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
            with pd.HDFStore(path, mode="r") as store:
                keys = store.keys()
                table = store.get(KEY if f"/{KEY}" in keys or len(keys) != 1 else keys[0])
        except (HDF5ExtError, OSError, KeyError, ValueError, TypeError, AttributeError) as exc:
            raise DataError(f"{path} is no HDF5 table of poses ({str(exc).strip()}). Export it again.") from exc
        if not isinstance(table, pd.DataFrame):
            raise DataError(f"{path} holds no table of poses. Export it again.")
        return poses_from_table(table, Path(path), read_meta(Path(path)))
