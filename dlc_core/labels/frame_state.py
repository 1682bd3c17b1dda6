"""The state of one frame: a number that stands for it, the edit that restores it, its whole points."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace

from dlc_core.errors import DataError
from dlc_core.labels.journal import KEEP, Edit, Values
from dlc_core.labels.replay import Frames


def revision_of(frames: Frames, image: str) -> int:
    """Return a number below 2**53, which JavaScript can hold, that is the same for the same state of a frame."""
    row = frames.rows.get(image)
    state = [None if row is None else sorted(row.items()), frames.done.get(image, "untouched")]
    return int.from_bytes(hashlib.blake2b(json.dumps(state).encode(), digest_size=6).digest())


def inverse_of(frames: Frames, edit: Edit) -> Edit:
    """Return the edit that restores the frame; half a point, which is no label, it leaves out."""
    row = frames.rows.get(edit.image)
    done = frames.done.get(edit.image) if edit.done != KEEP else KEEP
    if row is None:
        return Edit(image=edit.image, drop=not edit.drop, done=done)
    whole = whole_points(row)
    if edit.drop:
        return Edit(image=edit.image, set=whole, row=True, done=frames.done.get(edit.image, KEEP))
    touched = dict.fromkeys((*edit.set, *edit.unset))
    return Edit(
        image=edit.image,
        set={name: whole[name] for name in touched if name in whole},
        unset=tuple(name for name in touched if name not in whole),
        row=True,
        done=done,
    )


def with_floats(edit: Edit) -> Edit:
    """Return `edit` with builtin floats, which JSON can hold."""
    try:
        points = {name: tuple(float(value) for value in values) for name, values in edit.set.items()}
    except (TypeError, ValueError) as exc:
        raise DataError(f"a point of {edit.image} is placed at no number ({exc}); x and y are expected.") from exc
    return replace(edit, set=points, unset=tuple(edit.unset))


def whole_points(row: Mapping[str, Values]) -> dict[str, tuple[float, ...]]:
    """Return the points of which x and y are finite; a likelihood that is not known is 0."""
    found: dict[str, tuple[float, ...]] = {}
    for name, (x, y, *likelihood) in row.items():
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y):
            found[name] = (x, y, *(0.0 if value is None else value for value in likelihood))
    return found
