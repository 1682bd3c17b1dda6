"""Read from a file which frames are tested on.

Three formats, by suffix:

- ``.json``: ``{"test": [...]}``, optionally ``"train"`` and ``"validation"``; what a stored split holds is such a file.
- ``.csv``: a header with the columns ``image`` and ``part``, whose values are train, validation or test.
- ``.txt``: one test image a line.

Without a list of training frames, all the other labelled frames train. An image is named as in the label table
(``labeled-data/video/img0042.png``) or by its folder and file (``video/img0042.png``); backslashes do as well.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc_core.errors import ConfigError, DataError, suggest

_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitFile:
    """What a split file says.

    Parameters
    ----------
    test, validation : tuple of str
        Names of labelled images.
    train : tuple of str or None
        None when the file leaves the training part open: then it is all the rest.
    """

    test: tuple[str, ...]
    validation: tuple[str, ...] = ()
    train: tuple[str, ...] | None = None


def read_split_file(path: Path, images: Sequence[str]) -> SplitFile:
    """Return the parts named in a file, in the spelling of the label table.

    Parameters
    ----------
    path : Path
        A .json, .csv or .txt file.
    images : sequence of str
        Names of the labelled frames.

    Raises
    ------
    ConfigError
        The file has another suffix.
    DataError
        The file is missing or unreadable, or names an image that is not labelled.
    """
    readers = {".json": _read_json, ".csv": _read_csv, ".txt": _read_txt}
    if path.suffix.lower() not in readers:
        raise ConfigError(f"split.file={path} is no split file; expected one of {', '.join(readers)}.")
    try:
        parts = readers[path.suffix.lower()](path)
    except FileNotFoundError as exc:
        raise DataError(f"split.file={path} does not exist. Check the path.") from exc
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as exc:
        raise DataError(f"{path} cannot be read as a split: {exc}.") from exc
    known = _spellings(images)
    named = {part: tuple(_lookup(path, names, known, images)) for part, names in parts.items()}
    return SplitFile(named.get("test", ()), named.get("validation", ()), named.get("train"))


def _read_json(path: Path) -> dict[str, list[str]]:
    stored = json.loads(path.read_text(encoding="utf-8-sig"))
    if isinstance(stored, dict) and isinstance(stored.get("split"), dict):
        stored = stored["split"]  # a stored training set holds its split under this name
    if isinstance(stored, list):
        stored = {"test": stored}
    if not isinstance(stored, dict) or "test" not in stored:
        raise DataError(f'{path} holds no split; expected {{"test": ["labeled-data/video/img0042.png", ...]}}.')
    parts = {part: stored[part] for part in _PARTS if part in stored}
    for part, names in parts.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"{path}: {part!r} is {names!r}; expected a list of image names.")
    return parts


def _read_csv(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if not reader.fieldnames or not {"image", "part"} <= set(reader.fieldnames):
            raise DataError(f"{path} has the columns {reader.fieldnames}; expected a header `image,part`.")
        parts: dict[str, list[str]] = {}
        for row in reader:
            part = (row["part"] or "").strip().lower()
            if part not in _PARTS:
                raise DataError(
                    f"{path}, line {reader.line_num}: part {row['part']!r}; expected one of {', '.join(_PARTS)}."
                )
            parts.setdefault(part, []).append((row["image"] or "").strip())
    return parts


def _read_txt(path: Path) -> dict[str, list[str]]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    return {"test": [line for line in lines if line and not line.startswith("#")]}


def _spellings(images: Iterable[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name in images:
        known[name] = name
        known.setdefault("/".join(name.split("/")[-2:]), name)
    return known


def _lookup(path: Path, names: Sequence[str], known: dict[str, str], images: Sequence[str]) -> list[str]:
    plain = [name.replace("\\", "/").removeprefix("./") for name in names]
    unknown = [name for name in plain if name not in known]
    if unknown:
        raise DataError(
            f"{path} names {len(unknown)} of {len(names)} images that are not labelled, first {unknown[0]!r}. "
            f"{suggest(unknown[0], images)}Names look like {images[0]!r}."
        )
    return [known[name] for name in plain]
