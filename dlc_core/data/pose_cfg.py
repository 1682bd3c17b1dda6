"""The pose_cfg.yaml of a shuffle: every key of the protocol's Box 2, commented out, with its default and its meaning.

A key counts as soon as someone removes the ``#`` before it; `dlc_core.project.keys` reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlc_core.console import say
from dlc_core.files import write_text
from dlc_core.project.keys import BOX2, Key, read_pose_cfg

_SAME_VALUE = (None, "angle", "number", "noise", "square")  # after these an option's value is a key's value, too
_HEAD = """\
# Options of the networks trained on this shuffle (Box 2 of the DeepLabCut protocol).
# Remove the "# " before a key and change its value: it then counts for every `dlc train` on this shuffle.
# A value on the command line is stronger, a value in the project's config.yaml weaker.
# The values below are the ones used as long as nothing is changed, but for switches (null: see the comment).
"""
_WITHOUT = """
# Keys of the protocol that have no counterpart here; setting one prints a notice and changes nothing:
"""


def pose_cfg_text(defaults: Mapping[str, Any] | None = None) -> str:
    """Return the text of a pose_cfg.yaml in which every key is commented out.

    Parameters
    ----------
    defaults : mapping or None
        Dotted option (``"head.pos_dist_thresh"``) or config group to the value it has by default; where one is missing,
        the protocol's value stands.
    """
    used = [row for row in BOX2 if row.has_counterpart]
    without = [row for row in BOX2 if not row.has_counterpart and not row.quiet]
    text = _HEAD + "\n" + "".join(_lines(used, defaults or {}))
    return text + _WITHOUT + "".join(_lines(without, {}))


def write_pose_cfg(path: Path, defaults: Mapping[str, Any] | None = None) -> bool:
    """Write a pose_cfg.yaml unless one with keys that count is there already.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    ConfigError
        The file that is there cannot be read.
    """
    if path.is_file():
        changed = read_pose_cfg(path)
        if changed:
            say(f"{path} is kept, because it sets {', '.join(changed)}")
            return False
    write_text(path, pose_cfg_text(defaults))
    return True


def _lines(rows: list[Key], defaults: Mapping[str, Any]) -> Iterator[str]:
    for row in rows:
        value, comment = _shown(row, defaults)
        *parents, last = row.key.split(".")
        entry = f"{last}: {json.dumps(value)}"
        for parent in reversed(parents):
            entry = f"{parent}: {{{entry}}}"
        yield f"# {entry}{' ' * max(1, 34 - len(entry))}# {comment}\n"


def _shown(row: Key, defaults: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the value and the comment of a key."""
    place = row.choice_group or row.option
    if place not in defaults or defaults[place] == row.default:
        return row.default, row.meaning
    if row.convert == "share_of_flag":
        return None, f"{row.meaning}, false for none; now {defaults[place]:.0%} of them"
    if row.choice_group or row.convert in _SAME_VALUE:
        return defaults[place], row.meaning
    return row.default, row.meaning
