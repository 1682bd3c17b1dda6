"""Write poses with exporters, and remember what was written, so that an edited file is noticed and never lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.console import say
from dlc_core.errors import DataError, DlcError
from dlc_core.files import check_name, disk_errors, file_hash
from dlc_core.inference.filtered_stores import TableRecord, filter_name, table_records, tables_stem
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.protocols import Exporter

REPLACED = "it was exported from an analysis that was replaced since"
CHANGED = "somebody changed it"

ELSEWHERE = "copy the .zarr folder to another disk and name that place with `dlc export destfolder=`"
"""What a user can do who cannot write beside the store."""

_SAME_PX = 0.01
_SAME_LIKELIHOOD = 1e-4


@dataclass(frozen=True)
class ExporterChoice:
    """An exporter that was asked for.

    Parameters
    ----------
    name : str
        Its place below ``exporters.``.
    exporter : Exporter
    options : mapping
        Its options, for the record.
    """

    name: str
    exporter: Exporter
    options: Mapping[str, Any]


def target_of(exporter: Exporter, poses: PoseFile, stem: Path) -> Path:
    """Return which file an exporter will write for a store whose tables are named ``<stem>.<suffix>``.

    An exporter that names its file otherwise says so with a method ``target(poses, path) -> Path``.
    """
    path = stem.with_name(stem.name + exporter.suffix)
    rename = getattr(exporter, "target", None)
    return path if rename is None else Path(rename(poses, path))


def export_store(store: Path, choices: list[ExporterChoice], overwrite: bool = False) -> list[Path]:
    """Write the poses of a finished store with each exporter and return the files; what is up to date stays as it is.

    What was exported from poses that this store has replaced is written again too, whatever was chosen: nobody could
    tell it from the new, and the metadata beside the tables belongs to all of them. The same holds for what was
    exported from another filter's store, because the tables of all filters have the same names.

    Parameters
    ----------
    store : Path
        ``<video stem><scorer>.zarr``, or that of a filter.
    choices : list of ExporterChoice
    overwrite : bool
        Replace files that were changed since they were exported.

    Raises
    ------
    DataError
        The store is unfinished, or a file with other content is in the way.
    DiskError
        The disk is full or read-only.
    PluginError
        An exporter failed.
    """
    poses = PoseFile.open(store)
    stem = tables_stem(store, poses.attributes)
    tables = table_records(store, poses.attributes)
    records = {name: table.record for name, table in tables.items()}
    chosen = {_target(choice, poses, stem): choice for choice in choices}
    files = {store.parent / name: one for name, one in tables.items() if _is_replaced(poses, one.record)}
    old = {file: one for file, one in files.items() if file.exists()}
    again = [_again(file, one.record) for file, one in old.items() if file not in chosen]
    targets = chosen | {_target(choice, poses, stem): choice for choice in again} | chosen
    for target, choice in targets.items():
        if (overwrite and target in chosen) or not target.exists():
            continue
        if difference(poses, target, records.get(target.name), choice.exporter) == CHANGED:
            raise DataError(
                f"{target} differs from what {store.name} holds: somebody changed it. "
                "Move it away, or replace it with overwrite=true."
            )
    for file, table in old.items():  # first, because tables share the metadata that is written anew
        if _is_unchanged(file, table.record):
            _say_why(file, table, poses, file in chosen)
            with disk_errors(file, ELSEWHERE):
                file.unlink()
    written: list[Path] = []
    for target, choice in targets.items():
        record = records.get(target.name, {})
        if not overwrite and target.exists() and record == _record(poses, choice, target):
            written.append(target)
            continue
        with _plugin_border(choice, target):
            written += choice.exporter.write(poses, target)
        opened = PoseStore.open(store)
        exports = {**opened.attributes["exports"], target.name: _record(poses, choice, target)}
        opened.update(ELSEWHERE, exports=exports)
    return list(dict.fromkeys(written))


def _target(choice: ExporterChoice, poses: PoseFile, stem: Path) -> Path:
    with _plugin_border(choice, stem):
        return check_name(target_of(choice.exporter, poses, stem), "Shorten the video's name or the run's")


def _again(file: Path, record: Mapping[str, Any]) -> ExporterChoice:
    """Return how a file of replaced poses was exported.

    Raises
    ------
    DataError
        Somebody changed it since, or its exporter is not there any more.
    """
    if not _is_unchanged(file, record):
        raise DataError(
            f"{file} was exported from poses that are replaced now, and somebody changed it since. Move it away, or "
            f"replace it with exporter={record['exporter']} overwrite=true."
        )
    options = {"name": record["exporter"], **record["options"]}
    try:
        exporter = load_plugins().registry("exporter").build(options)
    except DlcError as exc:
        raise DataError(
            f"{file} was exported from poses that are replaced now, and cannot be written again: {exc} Or move it away."
        ) from exc
    return ExporterChoice(record["exporter"], exporter, record["options"])


def _say_why(file: Path, table: TableRecord, poses: PoseFile, is_chosen: bool) -> None:
    """Say that a file is replaced, unless somebody asked for it and it was this store's."""
    if table.store != poses.path:
        say(f"{file.name} held poses by filter={table.filter}; it holds those by filter={filter_name(poses)} now.")
    elif not is_chosen:
        say(f"{file.name} was exported from poses that are replaced now; it is written again.")


@contextmanager
def _plugin_border(choice: ExporterChoice, target: Path) -> Iterator[None]:
    """Turn whatever an exporter raises into one line that names it: one video's export must not stop the others."""
    kind = f"{type(choice.exporter).__module__}.{type(choice.exporter).__name__}"
    what = f"the exporter {choice.name!r} ({kind}) could not write {target.name}"
    with disk_errors(target, ELSEWHERE), blaming(what, (OSError,)):
        yield


def difference(poses: PoseFile, file: Path, record: Mapping[str, Any] | None, reader: object) -> str:
    """Return why `file` does not hold what is exported from `poses`: `REPLACED`, `CHANGED`, or "" if it does.

    Its record decides: of which analysis it was exported, and its hash. A file without a record, of another analysis
    or with another hash, is read if `reader` can: it does not differ when names and poses are equal (to 0.01 px, which
    text formats round to).
    """
    unchanged = record is not None and _is_unchanged(file, record)
    if unchanged and record is not None and not _is_replaced(poses, record):
        return ""
    read = getattr(reader, "read", None)
    if read is not None:
        other = None
        with suppress(DataError):
            other = read(file)
        if other is not None and _equal(poses, other):
            return ""
    return REPLACED if unchanged else CHANGED


def _is_replaced(poses: PoseFile, record: Mapping[str, Any]) -> bool:
    """Tell whether a file was exported from an analysis that this one replaced."""
    return bool(record.get("analysis") != poses.attributes["id"])


def _is_unchanged(file: Path, record: Mapping[str, Any]) -> bool:
    return bool(record["sha256"] == file_hash(file))


def _record(poses: PoseFile, choice: ExporterChoice, target: Path) -> dict[str, Any]:
    """Return what is remembered of an export; the id tells this analysis from one that it replaced."""
    return {
        "exporter": choice.name,
        "options": dict(choice.options),
        "analysis": poses.attributes["id"],
        "sha256": file_hash(target),
    }


def _equal(poses: PoseFile, other: PoseFile) -> bool:
    ours, theirs = poses.skeleton, other.skeleton
    several = len(ours.individuals) > 1  # the name of a single animal is in no table
    if theirs.keypoints != ours.keypoints or (several and theirs.individuals != ours.individuals):
        return False
    if poses.keypoints.shape != other.keypoints.shape:
        return False
    pairs = zip(poses.blocks(), other.blocks(), strict=True)
    return all(
        np.allclose(one.keypoints, two.keypoints, rtol=0, atol=_SAME_PX, equal_nan=True)
        and np.allclose(one.likelihood, two.likelihood, rtol=0, atol=_SAME_LIKELIHOOD, equal_nan=True)
        for one, two in pairs
    )
