"""Write poses with exporters, and remember what was written, so that an edited file is noticed and never lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.errors import DataError, DlcError, PluginError
from dlc_core.files import check_name, disk_error, file_hash
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.plugin_api.protocols import Exporter

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
    """Return which file an exporter will write for a store ``<stem>.zarr``.

    An exporter that names its file otherwise says so with a method ``target(poses, path) -> Path``.
    """
    path = stem.with_name(stem.name + exporter.suffix)
    rename = getattr(exporter, "target", None)
    return path if rename is None else Path(rename(poses, path))


def export_store(store: Path, choices: list[ExporterChoice], overwrite: bool = False) -> list[Path]:
    """Write the poses of a finished store with each exporter and return the files; what is up to date stays as it is.

    Parameters
    ----------
    store : Path
        ``<video stem><scorer>.zarr``.
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
    stem = store.with_name(store.name.removesuffix(store.suffix))
    written: list[Path] = []
    for choice in choices:
        with _plugin_border(choice, stem):
            target = target_of(choice.exporter, poses, stem)
        check_name(target, "Shorten the video's name or the run's")
        record = poses.attributes["exports"].get(target.name)
        if target.exists() and not overwrite:
            if not matches(poses, target, record, choice.exporter):
                raise DataError(
                    f"{target} differs from what {store.name} holds: somebody changed it. "
                    "Move it away, or replace it with overwrite=true."
                )
            if record is not None and record == _record(poses, choice, target):
                written.append(target)
                continue
        with _plugin_border(choice, target):
            written += choice.exporter.write(poses, target)
        opened = PoseStore.open(store)
        opened.update(exports={**opened.attributes["exports"], target.name: _record(poses, choice, target)})
    return list(dict.fromkeys(written))


@contextmanager
def _plugin_border(choice: ExporterChoice, target: Path) -> Iterator[None]:
    """Turn whatever an exporter raises into one line that names it: one video's export must not stop the others."""
    try:
        yield
    except DlcError:
        raise
    except OSError as exc:
        raise disk_error(target, exc) from exc
    except Exception as exc:
        kind = f"{type(choice.exporter).__module__}.{type(choice.exporter).__name__}"
        raise PluginError(
            f"the exporter {choice.name!r} ({kind}) could not write {target.name}: {type(exc).__name__}: {exc}. "
            "Choose others with exporter=; a plugin's author can tell what is wrong."
        ) from exc


def matches(poses: PoseFile, file: Path, record: Mapping[str, Any] | None, reader: object) -> bool:
    """Tell whether `file` still holds what was exported from `poses`.

    Its hash decides; a file without a record, or with another hash, is read if `reader` can: it matches when names and
    poses are equal (to 0.01 px, which text formats round to).
    """
    if record is not None and record["sha256"] == file_hash(file):
        return True
    read = getattr(reader, "read", None)
    if read is None:
        return False
    try:
        return _equal(poses, read(file))
    except DataError:
        return False


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
