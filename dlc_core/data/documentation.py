"""DeepLabCut's documentation pickles: which rows of the merged label table train and which test in each shuffle.

Rows are numbers, so a pickle means something only beside the table it was written for. When frames are added the
table and all pickles change, which no file system does at once. Hence a note is written first: for every pickle the
frames it stands for and how its file looks before and after. Until the note is removed, a pickle that looks like either
stands for these frames, whichever table lies beside it, so a command that was interrupted anywhere can be given again.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.data.dataset_names import DatasetNames
from dlc_core.data.splits import Split
from dlc_core.errors import DataError
from dlc_core.files import disk_error, write_text
from dlc_core.foreign_pickles import read_pickle
from dlc_core.labels.csv_file import read_csv


@dataclass(frozen=True)
class _Renumbered:
    """What a pickle stands for while its row numbers change: the digests of both versions, and the frames."""

    digests: tuple[str, str]
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class _Note:
    """What a command that has not ended does to the pickles, by file name; `made` has the digests of its new ones."""

    renumbered: Mapping[str, _Renumbered] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


def read_documentation(path: Path) -> tuple[list[int], list[int], list[Any]]:
    """Return the training rows, the test rows, and the whole content of a documentation pickle.

    Raises
    ------
    DataError
        It cannot be read or holds something else.
    """
    content = read_pickle(path)
    if not isinstance(content, list | tuple) or len(content) != 4:
        raise DataError(
            f"{path} is no documentation of a training set: four entries are expected. Restore it, or remove it and "
            "make the shuffle again."
        )
    try:
        train, test = ([int(row) for row in part if int(row) >= 0] for part in content[1:3])  # -1 pads their lists
        content = [*content[:3], float(content[3])]
    except (TypeError, ValueError, OverflowError) as exc:
        raise DataError(
            f"{path} is no documentation of a training set ({exc}): rows that train, rows that test and a fraction are "
            "expected. Restore it, or remove it and make the shuffle again."
        ) from exc
    return train, test, content


def documented_split(names: DatasetNames, path: Path) -> Split:
    """Return the frames that the documentation pickle at `path` stands for.

    Raises
    ------
    DataError
        It cannot be read, or does not fit the merged label table.
    """
    entry = _read_note(names).renumbered.get(path.name)
    if entry is not None and _digest(path.read_bytes()) in entry.digests:
        return Split(entry.train, entry.test, method="deeplabcut")
    table = names.labels(".csv")
    if not table.is_file():
        raise DataError(f"{path} numbers the rows of {table}, which is missing. Put it back, or remove both.")
    images = read_csv(table).images
    train, test, _ = read_documentation(path)
    last = max((*train, *test), default=-1)
    if last >= len(images):
        raise DataError(f"{path} names row {last} of {table}, which has {len(images)} rows. Restore one of them.")
    return Split(tuple(images[row] for row in train), tuple(images[row] for row in test), method="deeplabcut")


def is_unfinished(names: DatasetNames, path: Path) -> bool:
    """Tell whether the pickle at `path` was made by a command of ours that was interrupted before its end."""
    note = _read_note(names)
    if path.name not in note.made or not path.is_file():
        return False
    digest, entry = _digest(path.read_bytes()), note.renumbered.get(path.name)
    changing = entry is not None and note.made[path.name] == entry.digests[1] and digest in entry.digests
    return changing or digest == note.made[path.name]


def require_frames_kept(names: DatasetNames, rows: Sequence[str], remade: Collection[Path] = ()) -> None:
    """Check that the table of the frames `rows` holds every frame of the shuffles that are there.

    Parameters
    ----------
    names : DatasetNames
        The dataset.
    rows : sequence of str
        Frames of the merged table that is to be written.
    remade : collection of Path
        Documentation pickles that are written anew anyhow.

    Raises
    ------
    DataError
        Shuffles would lose frames; says which and how many.
    """
    there, lost = set(rows), []
    for path in (path for path in names.documentations() if path not in remade):
        split = documented_split(names, path)
        frames = (*split.train, *split.test)
        gone = [name for name in frames if name not in there]
        if gone:
            shuffle = path.stem.removeprefix("Documentation_data-")
            lost.append(f"{shuffle} would lose {len(gone)} of {len(frames)}, the first is {gone[0]}")
    if lost:
        raise DataError(
            f"shuffles in {names.folder} use frames that have no row in the label tables any more: {'; '.join(lost)}. "
            "Put the rows back, make these shuffles again in the same command (shuffles=[...] overwrite=true), or "
            "raise `iteration` in config.yaml, which begins a new dataset."
        )


def renumber(names: DatasetNames, rows: Sequence[str], made: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Write the note, and return the new content of the pickles that are there, which is to be written next.

    Parameters
    ----------
    names : DatasetNames
        The dataset.
    rows : sequence of str
        Frames of the merged table that will be written after the pickles.
    made : mapping of Path to bytes
        Pickles that will be written after the table.
    """
    number = {name: index for index, name in enumerate(rows)}
    renumbered, contents, making = {}, {}, {}
    for path in names.documentations():
        try:
            before, split = path.read_bytes(), documented_split(names, path)
        except DataError:
            if path in made:  # so it is lost anyhow
                continue
            raise
        after = before
        train, test, content = read_documentation(path)
        kept = [[number[name] for name in part if name in number] for part in (split.train, split.test)]
        if kept != [train, test]:
            content[1:3] = (np.array(part, np.int64) for part in kept)
            after = pickle.dumps(content, protocol=4)
            contents[path] = after
        renumbered[path.name] = _Renumbered((_digest(before), _digest(after)), split.train, split.test)
        if is_unfinished(names, path):
            making[path.name] = _digest(after)
    making.update({path.name: _digest(content) for path, content in made.items()})
    _write_note(names, _Note(renumbered, making))
    return contents


def finish(names: DatasetNames) -> None:
    """Remove the note, because everything is written; pickles without our own file, left by others, stay noted."""
    left = {file: digest for file, digest in _read_note(names).made.items() if not names.own_file(file).is_file()}
    if left:
        _write_note(names, _Note(made=left))
        return
    try:
        names.unfinished.unlink(missing_ok=True)
    except OSError as exc:
        raise disk_error(names.unfinished, exc) from exc


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_note(names: DatasetNames) -> _Note:
    if not names.unfinished.is_file():
        return _Note()
    try:
        stored = json.loads(names.unfinished.read_text(encoding="utf-8"))
        renumbered = {
            file: _Renumbered((entry["digests"][0], entry["digests"][1]), tuple(entry["train"]), tuple(entry["test"]))
            for file, entry in stored["renumbered"].items()
        }
        return _Note(renumbered, dict(stored["made"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as exc:
        raise DataError(
            f"{names.unfinished} is damaged ({exc}). It says which frames the shuffles of an interrupted command use: "
            "restore it, or remove it and make all shuffles again."
        ) from exc


def _write_note(names: DatasetNames, note: _Note) -> None:
    write_text(names.unfinished, json.dumps(asdict(note), ensure_ascii=False))
