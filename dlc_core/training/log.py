"""log.csv: one row every ``training.display_iters`` steps, readable at any moment, whole after any crash.

Each row is appended and flushed to the disk at once. A row that a crash cut in half, and rows of steps after the
snapshot that a training resumes from, are dropped when it goes on.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.files import disk_error, write_text

LOG_FILE = "log.csv"

STEP = "step"
LOSS = "loss"
RATE = "learning_rate"
SECONDS = "seconds"
SPEED = "images_per_s"
VALIDATION = "validation_error_px"
TEST = "test_error_px"


def columns_of(terms: Sequence[str]) -> list[str]:
    """Return the columns of a log of a network with these loss terms.

    ``loss_<term>`` are means over the steps since the last row, before weighting; ``loss`` is their weighted sum;
    ``seconds`` counts from the start of the training, pauses between two sessions left out; the errors are mean
    Euclidean errors in pixels of the original images, on rows of a snapshot.
    """
    return [STEP, *(f"loss_{term}" for term in terms), LOSS, RATE, SECONDS, SPEED, VALIDATION, TEST]


class TrainingLog:
    """Appends rows to a log.

    Parameters
    ----------
    path : Path
        The file; made with the first row.
    columns : sequence of str
        Names of the columns, ``step`` first.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = list(columns)

    def append(self, row: Mapping[str, float | int | None]) -> None:
        """Add one row; columns that `row` lacks stay empty.

        Raises
        ------
        DiskError
            The disk is full or read-only.
        """
        line = _as_line([_text(row.get(column)) for column in self.columns])
        try:
            is_new = not self.path.is_file()
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write((_as_line(self.columns) if is_new else "") + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise disk_error(self.path, exc) from exc

    def cut_after(self, step: int) -> float:
        """Drop the rows after `step` and return the ``seconds`` of the last row that stays (0 without one).

        Raises
        ------
        DataError
            The file has other columns: it is the log of another network.
        """
        if not self.path.is_file():
            return 0.0
        rows = read_log(self.path)
        if rows and list(rows[0]) != self.columns:
            raise DataError(
                f"{self.path} has the columns {', '.join(rows[0])}, expected {', '.join(self.columns)}. "
                "It belongs to another network: start a new run."
            )
        kept = [row for row in rows if int(row[STEP]) <= step]
        write_text(self.path, "".join([_as_line(self.columns), *(_as_line(list(row.values())) for row in kept)]))
        return float(kept[-1][SECONDS]) if kept else 0.0


def read_log(path: Path) -> list[dict[str, str]]:
    """Return the rows of a log as text by column; a last row that was cut off is left out."""
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    return list(csv.DictReader(io.StringIO(whole)))


def _text(value: float | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def _as_line(values: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()
