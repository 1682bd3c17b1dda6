"""Tables in DeepLabCut's HDF5 layout: the disk may fill up at any byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tables.exceptions import HDF5ExtError

from dlc_core.errors import DiskError
from dlc_core.labels.h5_table import object_index, write_table


def frame_of(rows: int) -> pd.DataFrame:
    index = object_index([("labeled-data", "mouse", f"img{row}.png") for row in range(rows)], [None] * 3)
    columns = object_index(
        [("net", "nose", name) for name in ("x", "y", "likelihood")], ["scorer", "bodyparts", "coords"]
    )
    return pd.DataFrame(np.arange(3.0 * rows).reshape(rows, 3), index=index, columns=columns)


@pytest.mark.parametrize("silent", [False, True], ids=["HDF5 says so", "HDF5 says nothing"])
def test_a_full_disk_leaves_the_old_table_and_one_line(tmp_path: Path, monkeypatch, silent: bool) -> None:
    file = tmp_path / "a.h5"
    write_table(frame_of(2), file)
    before, write = file.read_bytes(), pd.DataFrame.to_hdf

    def full(frame: pd.DataFrame, path: Path, **options: object) -> None:
        if not silent:
            raise HDF5ExtError("unable to flush")
        write(frame.iloc[:1], path, **options)

    monkeypatch.setattr(pd.DataFrame, "to_hdf", full)
    with pytest.raises(DiskError, match=r"a\.h5: HDF5 gave up half way"):
        write_table(frame_of(3), file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
