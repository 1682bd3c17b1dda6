"""The names of filtered pose stores, and of the tables that several of them share.

What a filter makes of ``<video><scorer>.zarr`` is ``<video><scorer>_filtered_<name>.zarr``; its attribute ``filter``
holds the ``name``, the ``options``, and ``of``, the id of the poses that were smoothed. The tables of all filters are
named ``<video><scorer>_filtered.h5``, ``.csv``, ... as DeepLabCut's; so it is known of each table which store it is a
copy of (`table_records`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_core.errors import DataError
from dlc_core.files import check_name, file_hash
from dlc_core.inference.pose_file import PoseFile, store_attributes
from dlc_core.inference.pose_store import LONGEST_SUFFIX
from dlc_core.inference.store_files import SUFFIX

FILTERED = "_filtered"
"""What DeepLabCut puts behind the scorer in the names of filtered tables."""


@dataclass(frozen=True)
class TableRecord:
    """What is remembered of a table.

    Parameters
    ----------
    store : Path
        Of whose poses it is a copy.
    name : str
        Of its file, in the folder of the store.
    record : mapping
        ``exporter``, ``options``, ``analysis`` and ``sha256``, as the store keeps them.
    filter : str
        Which filter made these poses; "" for poses as the network gave them.
    """

    store: Path
    name: str
    record: Mapping[str, Any]
    filter: str

    @property
    def is_unchanged(self) -> bool:
        """Whether the table is there as it was exported."""
        file = self.store.with_name(self.name)
        return file.is_file() and bool(self.record["sha256"] == file_hash(file))


def filtered_path(video: Path, scorer: str, name: str, folder: Path) -> Path:
    """Return where the poses of `video` by `scorer` are kept in `folder` as the filter `name` smoothed them.

    Raises
    ------
    DiskError
        The name, or that of a table, is longer than 255 bytes.
    """
    remedy = "Shorten the video's name or the run's (`dlc train run=NAME`)"
    stem = f"{video.stem}{scorer}{FILTERED}"
    check_name(folder / (stem + LONGEST_SUFFIX), remedy)
    return check_name(folder / f"{stem}_{name}{SUFFIX}", remedy)


def store_name(video: Path, about: Mapping[str, Any]) -> str:
    """Return the name of the store with the attributes `about` if it holds poses of `video`."""
    ending = f"{FILTERED}_{_name(about)}" if _name(about) else ""
    return f"{video.stem}{about['scorer']}{ending}{SUFFIX}"


def tables_stem(store: Path, about: Mapping[str, Any]) -> Path:
    """Return the path, without its suffix, of the tables that are exported from a store with the attributes `about`."""
    stem = store.with_name(store.name.removesuffix(SUFFIX))
    return stem.with_name(stem.name.removesuffix(f"_{_name(about)}")) if _name(about) else stem


def filter_name(poses: PoseFile) -> str:
    """Return which filter made the poses in a store, "" if none did."""
    return _name(poses.attributes)


def filter_ending(poses: PoseFile) -> str:
    """Return what tells the names of pictures and videos of filtered poses from those of others: ``_filtered_median``.

    ``_filtered`` for a table of which nobody knows the filter, "" for poses as the network gave them.
    """
    if filter_name(poses):
        return f"{FILTERED}_{filter_name(poses)}"
    return FILTERED if poses.path is not None and poses.path.stem.endswith(FILTERED) else ""


def poses_id(path: Path) -> str:
    """Return what tells the poses in a store or table from those that may replace them under the same name.

    Raises
    ------
    DataError
        There is no such store.
    """
    return str(store_attributes(path)["id"]) if path.suffix == SUFFIX else file_hash(path)


def table_records(store: Path, about: Mapping[str, Any]) -> dict[str, TableRecord]:
    """Return what is remembered of the tables of a store, by file name.

    A table that is there as another filter's store exported it counts as that one's.
    """
    records = {name: TableRecord(store, name, record, _name(about)) for name, record in about["exports"].items()}
    for other, theirs in _siblings(store, about):
        for name, record in theirs["exports"].items():
            table = TableRecord(other, name, record, _name(theirs))
            if table.is_unchanged and not (name in records and records[name].is_unchanged):
                records[name] = table
    return records


def _siblings(store: Path, about: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the stores whose tables have the same names, with their attributes."""
    if not _name(about):
        return
    start = f"{tables_stem(store, about).name}_"
    for path in sorted(store.parent.iterdir()):
        if path == store or not path.name.startswith(start) or path.suffix != SUFFIX:
            continue
        try:
            theirs = store_attributes(path)
        except DataError:
            continue
        if _name(theirs) and tables_stem(path, theirs) == tables_stem(store, about):
            yield path, theirs


def _name(about: Mapping[str, Any]) -> str:
    return str((about.get("filter") or {}).get("name", ""))
