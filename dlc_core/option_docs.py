"""What options mean: read from the NumPy docstrings of the dataclasses that declare them.

A dataclass documents its fields in a section ``Parameters``, as everywhere in this project; one entry may be about
several fields. A type in braces, ``{"adamw", "sgd"}``, lists every value that is allowed; for a field of an Enum these
are its names. Plugins document their options in the same way, and need not.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, get_args, get_type_hints

_HEADER = re.compile(r"^(?P<names>\w+(?:, \w+)*)(?: *: *(?P<type>.*))?$")
_ROOM = 110


@dataclass(frozen=True)
class OptionDoc:
    """What an option means, in one line, and the values it allows ("any" is an empty tuple)."""

    meaning: str
    choices: tuple[str, ...] = ()


def option_docs(settings: type, prefix: str = "") -> dict[str, OptionDoc]:
    """Return the documentation of every field of a dataclass, and of the dataclasses in it, by its dotted name."""
    documented = {
        name: doc for base in reversed(settings.__mro__) if is_dataclass(base) for name, doc in _documented(base)
    }
    hints = get_type_hints(settings)
    found: dict[str, OptionDoc] = {}
    for field in fields(settings):
        hint = hints[field.name]
        if is_dataclass(hint) and isinstance(hint, type):
            found |= option_docs(hint, f"{prefix}{field.name}.")
            continue
        doc = documented.get(field.name, OptionDoc(""))
        choices = doc.choices or _enum_names(hint)
        if doc.meaning or choices:
            found[f"{prefix}{field.name}"] = OptionDoc(doc.meaning, choices)
    return found


def doc_of(option: str, docs: Mapping[str, OptionDoc]) -> OptionDoc:
    """Return the documentation of an option; of one in an open table (``model_options.X``) that of the table."""
    while option not in docs and "." in option:
        option = option.rpartition(".")[0]
    return docs.get(option, OptionDoc(""))


def _documented(settings: type) -> list[tuple[str, OptionDoc]]:
    """Return the entries of the section ``Parameters`` of a class's own docstring, one for each name."""
    lines = inspect.cleandoc(settings.__dict__.get("__doc__") or "").splitlines()
    start = next((at + 2 for at, pair in enumerate(pairwise(lines)) if _opens(*pair)), len(lines))
    entries: list[tuple[re.Match[str], list[str]]] = []
    for at in range(start, len(lines)):
        line = lines[at]
        if set(line) == {"-"} or (at + 1 < len(lines) and lines[at + 1] and set(lines[at + 1]) == {"-"}):
            break  # the next section
        if line.startswith(" ") and entries:
            entries[-1][1].append(line.strip())
        elif header := _HEADER.match(line):
            entries.append((header, []))
    return [
        (name, OptionDoc(_one_line(text), _listed(header["type"] or "")))
        for header, text in entries
        for name in header["names"].split(", ")
    ]


def _opens(title: str, rule: str) -> bool:
    return title == "Parameters" and bool(rule) and set(rule) == {"-"}


def _one_line(lines: list[str]) -> str:
    """Return the first sentence without markup, and the next ones as long as all of them fit one line."""
    text = re.sub(r"`+([^`]*)`+", r"\1", " ".join(lines))
    first, *others = re.split(r"(?<=\.) (?=[A-Z0])", text)
    for sentence in others:
        if len(f"{first} {sentence}") > _ROOM:
            break
        first += f" {sentence}"
    return first


def _listed(kind: str) -> tuple[str, ...]:
    braces = re.search(r"\{(.*)\}", kind)
    return tuple(value.strip().strip("\"'") for value in braces[1].split(",")) if braces else ()


def _enum_names(hint: Any) -> tuple[str, ...]:
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(kind.__members__)
    return ()
