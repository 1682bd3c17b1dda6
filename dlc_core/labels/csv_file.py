"""``CollectedData_<scorer>.csv``: a label table as text, in DeepLabCut's layout.

Three header rows (scorer, bodyparts, coords), then one row a frame. The frame's name is one column
(``labeled-data/mouse/img0001.png``) or three (``labeled-data``, ``mouse``, ``img0001.png``); DeepLabCut writes both.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from dlc_core.errors import DataError
from dlc_core.files import write_text
from dlc_core.labels.table import LabelTable

_HEADER = ("scorer", "bodyparts", "coords")
_FIRST_ROW = len(_HEADER) + 1
_NAN = float("nan")


@dataclass(frozen=True)
class _Columns:
    """What the header says: who labelled, and which column holds which coordinate."""

    scorer: str
    bodyparts: tuple[str, ...]
    places: dict[tuple[str, str], int]
    index_columns: int
    width: int


def read_csv(path: str | os.PathLike[str]) -> LabelTable:
    """Return the label table in the file at `path`.

    Returns
    -------
    LabelTable
        As written: a point of which one coordinate is missing has one NaN, and infinite values stay.

    Raises
    ------
    DataError
        The file is no label table of one animal; names the file, the row and the value.
    """
    file = Path(path)
    rows = _rows(file)
    columns = _columns(file, rows[: len(_HEADER)])
    body = [(number, row) for number, row in enumerate(rows[len(_HEADER) :], _FIRST_ROW) if any(row)]
    seen: dict[str, int] = {}
    order = [columns.places[name, coordinate] for name in columns.bodyparts for coordinate in "xy"]
    values = np.empty((len(body), len(order)))
    for frame, (number, row) in enumerate(body):
        if len(row) < columns.width or any(row[columns.width :]):
            raise DataError(
                f"{file} row {number} has {len(row)} columns; the header has {columns.width}. Correct the commas."
            )
        name = image_name(row[: columns.index_columns])
        if not PurePosixPath(name).suffix:
            raise DataError(
                f"{file} row {number} is named {name!r}; the name of an image is expected, like "
                "labeled-data/mouse/img0001.png. A table of predictions or tracks holds no labels of images."
            )
        if name in seen:
            raise DataError(f"{file} rows {seen[name]} and {number} both label {name!r}; keep one of the rows.")
        seen[name] = number
        values[frame] = [_value(file, number, row[column], columns, column) for column in order]
    return LabelTable(
        columns.scorer, tuple(seen), columns.bodyparts, values.reshape(len(body), 1, len(columns.bodyparts), 2)
    )


def index_columns(path: str | os.PathLike[str]) -> int:
    """Return how many columns of the file at `path` hold the frame's name: 1 or 3."""
    file = Path(path)
    return _columns(file, _rows(file, len(_HEADER))).index_columns


def write_csv(table: LabelTable, path: str | os.PathLike[str], index_columns: int = 3) -> None:
    """Write `table` as pandas and DeepLabCut write it; the file is replaced as a whole.

    Parameters
    ----------
    table : LabelTable
        The labels.
    path : path-like
        Of the csv.
    index_columns : int
        3 as DeepLabCut writes today, or 1 as in older projects.

    Raises
    ------
    DiskError
        The file cannot be written.
    """
    pairs = [(name, coordinate) for name in table.bodyparts for coordinate in "xy"]
    blank = [""] * (index_columns - 1)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["scorer", *blank, *(table.scorer for _ in pairs)])
    writer.writerow(["bodyparts", *blank, *(name for name, _ in pairs)])
    writer.writerow(["coords", *blank, *(coordinate for _, coordinate in pairs)])
    flat = table.keypoints.reshape(len(table.images), len(pairs)).tolist()
    for image, values in zip(table.images, flat, strict=True):
        writer.writerow(
            [*split_name(image, index_columns), *("" if value != value else repr(value) for value in values)]
        )
    write_text(path, stream.getvalue())


def image_name(parts: Sequence[str]) -> str:
    """Return a frame's name with forward slashes, from ``labeled-data`` on if that is one of its folders."""
    pieces = [piece for piece in "/".join(parts).replace("\\", "/").split("/") if piece]
    start = len(pieces) - 1 - pieces[::-1].index("labeled-data") if "labeled-data" in pieces else 0
    return "/".join(pieces[start:])


def elsewhere(images: Iterable[str], folder: Path) -> str:
    """Return the first of the frames' names that does not say that the frame lies in `folder`; "" if all do."""
    return next((image for image in images if image.split("/")[-2:-1] != [folder.name]), "")


def split_name(image: str, index_columns: int) -> tuple[str, ...]:
    """Return a frame's name in `index_columns` parts.

    Raises
    ------
    DataError
        Three parts are asked of a name that has not three.
    """
    parts = tuple(image.split("/"))
    if index_columns == 1:
        return (image,)
    if len(parts) != index_columns:
        raise DataError(f"the frame {image!r} is not named labeled-data/<folder>/<file>. Rename it in the label table.")
    return parts


def _rows(file: Path, number: int | None = None) -> list[list[str]]:
    """Return the cells of the first `number` rows, of all by default."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DataError(
            f"{file} is not UTF-8 text (byte {exc.start}). Save it as 'CSV UTF-8 (comma delimited)'."
        ) from exc
    except OSError as exc:
        raise DataError(f"{file} cannot be read: {exc.strerror}. Expected a label table.") from exc
    first = text.split("\n", 1)[0].strip().strip('"').lower()
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if first.startswith("scorer" + separator) or first.startswith(f'scorer"{separator}'):
            raise DataError(
                f"{file} separates its columns by {name}, as Excel does in some languages; commas are expected, and "
                "decimal points. Save it as 'CSV (comma delimited)' with English number format."
            )
    try:
        rows = itertools.islice(csv.reader(io.StringIO(text)), number)
        return [[cell.strip() for cell in row] for row in rows]
    except csv.Error as exc:
        raise DataError(f"{file} cannot be read as a csv: {exc}. Expected a label table.") from exc


def _columns(file: Path, header: list[list[str]]) -> _Columns:
    found = [row[0] if row else "" for row in header]
    if "individuals" in found:
        raise DataError(
            f"{file} row 2 names individuals: it is a label table of a multi-animal project. Only labels of one "
            "animal can be read so far."
        )
    if tuple(found) != _HEADER:
        raise DataError(
            f"{file} begins with {', '.join(map(repr, found)) or 'nothing'}; three rows scorer, bodyparts, coords "
            "are expected. Is it a label table written by DeepLabCut?"
        )
    while header[2] and not any(row[-1] for row in header if len(row) == len(header[2])):
        header = [row[: len(header[2]) - 1] for row in header]  # Excel adds empty columns
    width = len(header[2])
    if {len(row) for row in header} != {width}:
        raise DataError(f"{file}: the three header rows have {[len(row) for row in header]} columns. Make them equal.")
    first = next((column for column in range(1, width) if header[2][column]), width)
    if first not in (1, 3):
        raise DataError(f"{file} has {first} columns before the first coordinate; 1 or 3 are expected.")
    scorers, bodyparts, coordinates = (row[first:] for row in header)
    _check_header(file, scorers, bodyparts, coordinates)
    places = {pair: first + column for column, pair in enumerate(zip(bodyparts, coordinates, strict=True))}
    names = tuple(dict.fromkeys(bodyparts))
    if len(places) < len(bodyparts) or len(places) < 2 * len(names):
        lone = next(
            name for name in names if bodyparts.count(name) != 2 or not {(name, "x"), (name, "y")} <= set(places)
        )
        raise DataError(
            f"{file}: the body part {lone!r} has {bodyparts.count(lone)} column(s); one x and one y are expected. "
            "Two body parts cannot have the same name."
        )
    return _Columns(scorers[0], names, places, first, width)


def _check_header(file: Path, scorers: list[str], bodyparts: list[str], coordinates: list[str]) -> None:
    if not bodyparts or not all(bodyparts):
        raise DataError(f"{file} row 2 leaves a column without the name of a body part. Name every column.")
    if len(set(scorers)) != 1 or not scorers[0]:
        raise DataError(f"{file} row 1 names the scorers {sorted(set(scorers))}; the same is expected everywhere.")
    if "likelihood" in coordinates:
        raise DataError(f"{file} has columns called likelihood: these are predictions of a network, not labels.")
    odd = sorted(set(coordinates) - {"x", "y"})
    if odd:
        raise DataError(f"{file} row 3 has {odd[0]!r}; only x and y are expected.")


def _value(file: Path, number: int, cell: str, columns: _Columns, column: int) -> float:
    if not cell:
        return _NAN
    try:
        return float(cell if "_" not in cell else cell.replace("_", "?"))  # only Python reads 1_000 as 1000
    except ValueError as exc:
        hint = " with a decimal point" if "," in cell else ""
        name = next(" ".join(pair) for pair, place in columns.places.items() if place == column)
        raise DataError(
            f"{file} row {number}, {name}: {cell!r} is no number. Write a coordinate{hint}, or leave it empty."
        ) from exc
