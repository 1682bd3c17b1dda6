"""DeepLabCut's table of poses as text: three header rows (four with several individuals), one row a frame."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pandas as pd

from dlc_core.errors import ConfigError, DataError
from dlc_core.files import replacing
from dlc_core.inference.pose_file import PoseFile

from .meta import ELSEWHERE, read_meta, write_meta
from .table import ANOTHER, poses_from_table, table_blocks

_LEVELS = {"scorer": 0, "individuals": 1, "bodyparts": 2, "coords": 3}


class Csv:
    """Writes and reads DeepLabCut's csv file of poses.

    Parameters
    ----------
    sep : str
        One character.

    Raises
    ------
    ConfigError
        `sep` is not one character.
    """

    suffix = ".csv"

    def __init__(self, sep: str = ",") -> None:
        if len(sep) != 1:
            raise ConfigError(f"exporters.csv.sep is {sep!r}; one character is needed, like ',' or ';'.")
        self._sep = sep

    def write(self, poses: PoseFile, path: Path) -> list[Path]:
        """Write `poses` to `path`; beside it ``_meta.pickle``, which says whose pixels a cropped analysis is in."""
        with replacing(path, ELSEWHERE) as temporary:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                for number, part in enumerate(table_blocks(poses, poses.scorer)):
                    part.to_csv(file, sep=self._sep, header=number == 0, lineterminator="\n")
            meta = write_meta(poses, poses.scorer, path)  # before the table appears, which is misread without
        return [path, meta]

    def read(self, path: Path) -> PoseFile:
        """Return the poses of a file that we, DeepLabCut or another program wrote in this layout, in memory.

        The separator is the character after the first word.

        Raises
        ------
        DataError
            It is no such file.
        """
        path = Path(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
                sep = first[len("scorer") : len("scorer") + 1] if first.startswith("scorer") else self._sep
                rows = [[first.split(sep)[0]], *itertools.islice(csv.reader(file, delimiter=sep), 3)]
            header = [row[0] for row in rows if row and row[0] in _LEVELS]
            if header[:1] != ["scorer"] or header[-1:] != ["coords"]:
                raise DataError(
                    f"{path} starts with {first[:40]!r}; expected the header rows scorer, bodyparts, coords. "
                    "Is it a table of poses?"
                )
            table = pd.read_csv(path, sep=sep, header=list(range(len(header))), index_col=0, encoding="utf-8-sig")
        except (OSError, ValueError, csv.Error) as exc:
            if isinstance(exc, DataError):
                raise
            raise DataError(f"{path} is no csv table of poses ({exc}). {ANOTHER}") from exc
        table.columns.names = header
        return poses_from_table(table, path, read_meta(path))
