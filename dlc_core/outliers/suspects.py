"""``suspects.csv`` beside config.yaml: the labels that are probably wrong, the most suspicious first.

One row a label: ``rank, image, bodypart, reason, score, label_x, label_y, prediction_x, prediction_y, likelihood``.
``image`` is as in the label tables, coordinates are pixels of the image file. A person looks at them in this order; the
file is made anew each time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.files import write_text

SUSPECTS = "suspects.csv"
"""Below the project's folder. In labeled-data, DeepLabCut would take it for a folder that nobody has refined."""
_DIGITS = {"score": 2, "likelihood": 4}  # of a pixel two, too


@dataclass(frozen=True)
class Suspect:
    """One label that is probably wrong.

    Parameters
    ----------
    rank : int
        From 1, the most suspicious.
    image : str
        As in the label tables.
    bodypart, reason : str
        Which label, and what is probably wrong with it. No body part: the whole image.
    score : float
        What the detector makes of it; higher is more suspicious.
    label_x, label_y : float
        Where the label is, in pixels of the image file.
    prediction_x, prediction_y, likelihood : float
        What a network says that was not trained on the image.
    """

    rank: int
    image: str
    bodypart: str
    reason: str
    score: float
    label_x: float
    label_y: float
    prediction_x: float
    prediction_y: float
    likelihood: float


_COLUMNS = [field.name for field in fields(Suspect)]
_NUMBERS = _COLUMNS[_COLUMNS.index("score") :]


def write_suspects(suspects: Sequence[Suspect], path: Path) -> None:
    """Write suspects as a table; an empty one, with its header, if there are none.

    Raises
    ------
    DiskError
        The file system refused.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for suspect in suspects:
        numbers = [f"{getattr(suspect, name):.{_DIGITS.get(name, 2)}f}" for name in _NUMBERS]
        writer.writerow([suspect.rank, suspect.image, suspect.bodypart, suspect.reason, *numbers])
    write_text(path, text.getvalue())


def read_suspects(path: Path) -> tuple[Suspect, ...]:
    """Return the suspects of a table, in its order.

    Raises
    ------
    DataError
        There is no such file, or it is no table of suspects.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except FileNotFoundError as exc:
        raise DataError(f"there is no {path}. Make it: dlc check-labels detector=label_error") from exc
    found = []
    for number, row in enumerate(rows, 2):
        try:
            numbers = {name: float(row[name]) for name in _NUMBERS}
            found.append(Suspect(int(row["rank"]), row["image"], row["bodypart"], row["reason"], **numbers))
        except (KeyError, ValueError, TypeError) as exc:
            raise DataError(
                f"{path} row {number} cannot be read; the columns {', '.join(_COLUMNS)} are expected. Make it again: "
                "dlc check-labels detector=label_error"
            ) from exc
    return tuple(found)
