"""What tables must hold after edits and merges, as plain dicts that know nothing of journals; a small project."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from dlc_core.labels.editing import Edit
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

IMAGES = 6
PARTS = ("snout", "ear", "tail")
MORE_PARTS = ("paw", "hip")
CUTOFF = 0.5
"""From which likelihood on points of unfinished frames are merged, where they are accepted."""
CONFIG = """# mine
Task: t
scorer: ada
bodyparts:
- snout  # first
- ear
- tail
# rounds
iteration: 0 # up
"""

Point = tuple[float, ...]
Rows = dict[str, dict[str, Point]]


def name_of(number: int) -> str:
    """Return the name of a frame."""
    return f"labeled-data/m/img{number}.png"


def new_project(root: Path) -> Project:
    """Return a project with one folder of frames and no labels."""
    (root / "labeled-data" / "m").mkdir(parents=True)
    for number in range(IMAGES):
        (root / name_of(number)).write_bytes(b"an image")
    (root / "config.yaml").write_text(CONFIG)
    return Project.open(root)


def name_in_one_column(folder: Path) -> None:
    """Make the csv one of an older project, and remove the h5."""
    file = folder / "CollectedData_ada.csv"
    lines = [line.replace("labeled-data,m,", "labeled-data/m/") for line in file.read_text().split("\n")]
    file.write_text("\n".join(line.replace(",,,", ",", 1) for line in lines))
    file.with_suffix(".h5").unlink()


class Sheet:
    """The csv of a folder, as a spreadsheet has it open."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with file.open(newline="") as opened:
            self._cells = list(csv.reader(opened))
        self._width = 3 if self._cells[2][1] == "" else 1

    @property
    def images(self) -> list[str]:
        """The frames, row by row."""
        return ["/".join(row[: self._width]) for row in self._cells[3:]]

    def save(self, row: int, part: str, point: Point | None) -> None:
        """Save it with another point, None to remove it; the h5 is removed, as it is out of step."""
        column = self._cells[1].index(part)
        self._cells[3 + row][column : column + 2] = ["", ""] if point is None else [repr(value) for value in point]
        with self._file.open("w", newline="") as opened:
            csv.writer(opened).writerows(self._cells)
        self._file.with_suffix(".h5").unlink(missing_ok=True)


def edited(rows: Rows, edit: Edit) -> Rows:
    """Return the rows after an edit."""
    new = {image: dict(row) for image, row in rows.items()}
    if edit.drop:
        new.pop(edit.image, None)
        return new
    if edit.set or edit.unset or edit.row:
        row = new.setdefault(edit.image, {})
        for name in edit.unset:
            row.pop(name, None)
        row.update(edit.set)
    return new


def merged(labels: Rows, machine: Rows, done: dict[str, float | None], unrefined: str) -> tuple[Rows, bool, bool]:
    """Return the labels after a merge, whether an iteration ends, and whether unfinished frames forbid it."""
    joined = {image: dict(row) for image, row in labels.items()}
    ends = refused = unlikely = False
    for image, row in machine.items():
        cutoff = done.get(image)
        if cutoff is None and image in labels and image not in done:
            ends = True
            continue
        if cutoff is None:
            if unrefined != "accept":
                refused |= unrefined == "refuse"
                continue
            if all(values[2] < CUTOFF for values in row.values()):
                unlikely = True
                continue
            cutoff = CUTOFF
        ends = True
        found = {part: values[:2] for part, values in row.items() if values[2] >= cutoff}
        joined[image] = found | joined.get(image, {})
    return joined, ends, refused or (unlikely and not ends)


def rows_of(table: LabelTable) -> Rows:
    """Return the points of a table."""
    rows: Rows = {}
    for image, points in zip(table.images, table.keypoints[:, 0].tolist(), strict=True):
        rows[image] = {part: (x, y) for part, (x, y) in zip(table.bodyparts, points, strict=True) if not math.isnan(x)}
    return rows


def removal_notes(folder: Path) -> list[tuple[str, dict[str, Point]]]:
    """Return the frames that were taken out, with the points they had."""
    lines = map(json.loads, (folder / "removed/removed.jsonl").read_text().splitlines())
    return [(line["image"], {part: tuple(point) for part, point in line["points"].items()}) for line in lines]
