"""What a table and its journal hold together: edits are put in point by point, and what others changed is not lost.

Between an edit and the moment it joins the table, another program may save the table: a spreadsheet, DeepLabCut. Every
entry of a journal says what it was made on, so three states of a point can be told apart. The table still holds what
the edit was made on: the edit counts. It holds what the edit says, or said on the way: the table was written and the
journal not yet removed, and the edit counts. It holds something else: another program put it there later, so the
table counts, and what the edit said is a `Conflict` that somebody must be told about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dlc_core.labels.journal import KEEP, Entry, Values

Row = dict[str, Values]
"""The points of a frame by body part; one that is absent is not in it."""

_SAME_PX = 1e-3  # a spreadsheet may round what it saves


@dataclass
class Frames:
    """The rows of a table.

    Parameters
    ----------
    bodyparts : tuple of str
        The columns.
    rows : dict of str to Row
        The points of every frame that has a row, in order.
    done : dict of str to float or None
        Of machine labels: the pcutoff with which a frame was finished; None for begun.
    """

    bodyparts: tuple[str, ...] = ()
    rows: dict[str, Row] = field(default_factory=dict)
    done: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Conflict:
    """A point that somebody edited here and another program changed afterwards; the other program's counts.

    Parameters
    ----------
    image, bodypart : str
        Which point.
    kept : Values or None
        What the table holds.
    refused : Values or None
        What the edit said, None that the point is not there.
    by, t : str
        Who edited it here, and when.
    """

    image: str
    bodypart: str
    kept: Values | None
    refused: Values | None
    by: str
    t: str


@dataclass
class _Wish:
    """What the entries about one frame come to; `row` is None if they leave the row as it is."""

    had_row: bool = True
    row: bool | None = None
    points: dict[str, Values | None] = field(default_factory=dict)
    known: dict[str, list[Values | None]] = field(default_factory=dict)
    source: dict[str, Entry] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        edit, was = entry.edit, entry.was or {}
        new: dict[str, Values | None] = dict.fromkeys((*self.points, *was)) if edit.drop else {}
        new |= dict.fromkeys(edit.unset)
        new |= edit.set
        for name, values in new.items():
            self.known.setdefault(name, []).extend((was.get(name), values))
            self.source[name] = entry
        self.points |= new
        self.had_row &= entry.was is not None
        if edit.drop or new or edit.row:
            self.row = not edit.drop


def replay(stored: Frames, entries: Iterable[Entry]) -> tuple[Frames, list[Conflict]]:
    """Return what a table holds with the entries of its journal put in, and which edits came too late.

    Parameters
    ----------
    stored : Frames
        The table as it is; not changed.
    entries : iterable of Entry
        In order. Put in again, they change nothing.
    """
    bodyparts, rows, done = dict.fromkeys(stored.bodyparts), dict(stored.rows), dict(stored.done)
    wishes: dict[str, _Wish] = {}
    for entry in entries:
        image = entry.edit.image
        bodyparts |= dict.fromkeys((*entry.bodyparts, *entry.edit.set))
        if image:
            wishes.setdefault(image, _Wish()).add(entry)
        if entry.edit.done != KEEP:
            done[image] = entry.edit.done
    conflicts: list[Conflict] = []
    for image, wish in wishes.items():
        row = _merged(image, rows.get(image), wish, conflicts)
        if row is None:
            rows.pop(image, None)
            done.pop(image, None)
        else:
            rows[image] = row
    return Frames(tuple(bodyparts), rows, done), conflicts


def put(frames: Frames, entry: Entry) -> None:
    """Change `frames` as `entry` says, which was made on just this state."""
    edit = entry.edit
    frames.bodyparts = tuple(dict.fromkeys((*frames.bodyparts, *entry.bodyparts, *edit.set)))
    if not edit.image:
        return
    if edit.drop:
        frames.rows.pop(edit.image, None)
        frames.done.pop(edit.image, None)
        return
    if edit.set or edit.unset or edit.row:
        row = dict(frames.rows.get(edit.image, {}))
        for name in edit.unset:
            row.pop(name, None)
        frames.rows[edit.image] = {**row, **edit.set}
    if edit.done != KEEP:
        frames.done[edit.image] = edit.done


def same(one: Values | None, other: Values | None) -> bool:
    """Tell whether two points are the same, as near as a spreadsheet saves them."""
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(
        a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=0, abs_tol=_SAME_PX))
        for a, b in zip(one, other, strict=True)
    )


def _merged(image: str, stored: Mapping[str, Values] | None, wish: _Wish, conflicts: list[Conflict]) -> Row | None:
    """Return the row of one frame with the wishes for it, None if it has none."""
    row, granted = dict(stored or {}), False
    for name, values in wish.points.items():
        there = row.get(name)
        if not any(same(there, value) for value in wish.known[name]):
            by = wish.source[name]
            conflicts.append(Conflict(image, name, there, values, by.edit.by, by.t))
            continue
        granted = True
        if values is None:
            row.pop(name, None)
        else:
            row[name] = values
    if row:
        return row
    if wish.row is None or (stored is None and wish.had_row and not granted):  # no wish, or removed elsewhere
        return None if stored is None else {}
    return {} if wish.row else None
