"""Tell Hydra overrides from file names, and quote the values that are paths or free names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from dlc_core.verbs import FREE_LISTS, FREE_VALUES

_ASSIGNMENT = re.compile(r"^[+~]{0,2}[A-Za-z_][\w./@]*=")
_DELETION = re.compile(r"^~[A-Za-z_][\w./@]*$")
_KEY = re.compile(r"^([+~]{0,2})([A-Za-z_][\w./@]*)=(.*)$", re.DOTALL)


def is_override(token: str) -> bool:
    """Tell whether `token` is an override and not the name of an existing file or folder."""
    if not (_ASSIGNMENT.match(token) or _DELETION.match(token)):
        return False
    try:
        return not Path(token).exists()
    except OSError:  # a value too long to be a file name
        return True


def sort_tokens(tokens: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return (overrides, arguments); ``--`` ends the overrides."""
    overrides: list[str] = []
    arguments: list[str] = []
    ended = False
    for token in tokens:
        if token == "--" and not ended:
            ended = True
        elif not ended and is_override(token):
            overrides.append(token)
        else:
            arguments.append(token)
    return overrides, arguments


def quote_free_values(overrides: Sequence[str], multirun: bool = False) -> list[str]:
    """Return the overrides with the values of `dlc_core.verbs.FREE_VALUES` in Hydra's quotes.

    Spaces, ``=``, commas, brackets, quotes, ``#``, ``&`` and non-ASCII characters then survive, and ``run=1e5`` stays
    a name. A value that is quoted already, and ``null``, are left as they are. Of `dlc_core.verbs.FREE_LISTS`, each
    name of a list in brackets is quoted.

    Parameters
    ----------
    overrides : sequence of str
        As typed.
    multirun : bool
        In a sweep a comma outside quotes separates values.
    """
    return [_quoted(override, multirun) for override in overrides]


def _quoted(override: str, multirun: bool) -> str:
    match = _KEY.match(override)
    if not match or match[2] not in FREE_VALUES | FREE_LISTS:
        return override
    sign, key, value = match.groups()
    lists = key in FREE_LISTS
    parts = _split_unquoted(value, brackets=lists) if multirun else [value]
    return f"{sign}{key}={','.join(_quoted_names(part) if lists else quote(part) for part in parts)}"


def _quoted_names(value: str) -> str:
    if not (value.startswith("[") and value.endswith("]")):
        return quote(value)
    return f"[{','.join(quote(name.strip()) for name in _split_unquoted(value[1:-1]))}]"


def quote(value: str) -> str:
    """Return `value` in Hydra's single quotes, unless it is quoted already, empty or ``null``."""
    if value in ("", "null") or _is_quoted(value):
        return value
    # In Hydra's grammar a backslash is an escape only before a quote, or in a run that ends at one.
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    # `${` would start an interpolation even inside quotes.
    return "'" + escaped.replace("${", r"\${") + "\\" * trailing + "'"


def _is_quoted(value: str) -> bool:
    return len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""


def _split_unquoted(value: str, brackets: bool = False) -> list[str]:
    """Return the parts of `value` between commas that no quotes, and if asked no square brackets, enclose."""
    parts, current, inside, depth = [], "", "", 0
    for character in value:
        if character == "," and not inside and not depth:
            parts.append(current)
            current = ""
            continue
        if brackets and not inside:
            depth += {"[": 1, "]": -1}.get(character, 0)
        if character in "'\"":
            if not inside and not current.strip():
                inside = character
            elif character == inside:
                inside = ""
        current += character
    return [*parts, current]
