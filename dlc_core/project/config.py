"""What a project's config.yaml says, typed and complete; the table of its keys is `dlc_core.project.box1.BOX1`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dlc_core.errors import ConfigError, ProjectError
from dlc_core.project.box1 import BOX1, KNOWN_ELSEWHERE, OTHER_SPELLINGS, Box1Key
from dlc_core.project.yaml_text import plain, read_yaml

__all__ = ["BOX1", "Box1Key", "ProjectConfig", "plain", "read_yaml"]

_BY_KEY = {row.key: row for row in BOX1}
_REQUIRED = ("Task", "scorer", "bodyparts")


@dataclass(frozen=True, kw_only=True)
class ProjectConfig:
    """Everything config.yaml says, with defaults for what it does not say; `BOX1` has the meaning of each field.

    Parameters
    ----------
    path : Path
        The file.
    written : mapping of str to object
        The Box 1 keys that the file sets to something, with typed values; older spellings under today's key.
    others : mapping of str to object
        Every other key of the file, as plain Python objects.
    lines : mapping of str to int
        Line of each top-level key, from 1.
    notices : tuple of str
        What a person should know about the file, one sentence each.
    """

    path: Path
    written: Mapping[str, Any]
    others: Mapping[str, Any]
    lines: Mapping[str, int]
    notices: tuple[str, ...]
    task: str
    scorer: str
    date: str
    multianimalproject: bool
    project_path: str
    video_sets: Mapping[str, str]
    bodyparts: tuple[str, ...]
    start: float
    stop: float
    numframes2pick: int
    skeleton_edges: tuple[tuple[str, str], ...]
    skeleton_color: str
    symmetric_bodyparts: tuple[tuple[str, str], ...]
    pcutoff: float
    dotsize: float
    alphavalue: float
    colormap: str
    training_fractions: tuple[float, ...]
    iteration: int
    default_net_type: str
    default_augmenter: str
    snapshotindex: int | str
    batch_size: int
    cropping: bool
    x1: int
    x2: int
    y1: int
    y2: int
    corner2move2: tuple[int, int]
    move2corner: bool

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ProjectConfig:
        """Return what the file at `path` says.

        Raises
        ------
        ConfigError
            The file cannot be read, is no YAML, or a key has a value of the wrong type; names key, value and line.
        ProjectError
            It belongs to a multi-animal project.
        """
        file = Path(path)
        content = read_yaml(file)
        lines = {str(key): content.lc.key(key)[0] + 1 for key in content}
        found = plain(content)
        _refuse_multianimal(file, found)
        written = _typed(file, found, lines)
        others = {key: value for key, value in found.items() if key not in _BY_KEY and key not in OTHER_SPELLINGS}
        for key in _REQUIRED:
            if key not in written:
                near = difflib.get_close_matches(key, list(others), n=1, cutoff=0.6)
                hint = f"Is {near[0]!r} (line {lines[near[0]]}) meant? " if near else ""
                raise ConfigError(f"{file} has no `{key}` ({_BY_KEY[key].meaning}). {hint}Add the key.")
        values = {row.field: written.get(row.key, row.default) for row in BOX1}
        return cls(
            path=file,
            written=MappingProxyType(written),
            others=MappingProxyType(others),
            lines=MappingProxyType(lines),
            notices=tuple(_misspelt(file, others, written, lines)),
            **values,
        )


def _typed(file: Path, found: Mapping[str, Any], lines: Mapping[str, int]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for key in sorted(found, key=lambda name: name in OTHER_SPELLINGS):  # today's spelling wins
        row = _BY_KEY.get(OTHER_SPELLINGS.get(key, key))
        value = found[key]
        if row is None or value is None or value == "" or row.key in typed:
            continue
        if key == "resnet":
            value = f"resnet_{value}"
        try:
            typed[row.key] = row.read(value)
        except ValueError as exc:
            raise ConfigError(
                f"{file} line {lines[key]}: `{key}` is {value!r}; expected {row.expected}. Correct the line."
            ) from exc
    return typed


def _misspelt(file: Path, others: Mapping[str, Any], written: Mapping[str, Any], lines: Mapping[str, int]) -> list[str]:
    missing = [row.key for row in BOX1 if row.key not in written]
    notices = []
    for key in others:
        near = difflib.get_close_matches(key, missing, n=1, cutoff=0.75)
        if near and key not in KNOWN_ELSEWHERE:
            notices.append(f"{file} line {lines[key]}: `{key}` is not used; is `{near[0]}` meant?")
    return notices


def _refuse_multianimal(file: Path, found: Mapping[str, Any]) -> None:
    if found.get("multianimalproject") in (True, "true", "yes") or found.get("bodyparts") == "MULTI!":
        raise ProjectError(
            f"{file} is a multi-animal project (multianimalproject: true); only projects with one animal can be opened "
            "so far. Open a single-animal project, or work on this one with DeepLabCut."
        )
