"""Which file the poses of a video are read from. Every step that needs poses asks `find_poses`.

The order is: a file that was named, the pose store, h5, csv; the choice is printed. A table beside a store is a copy
of it; one that somebody changed is refused, because nobody could tell which of the two was meant. With several
scorers on one video the run decides, else the error lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dlc_core.console import say, warn
from dlc_core.errors import ConfigError, DataError, DlcError
from dlc_core.export.filtered import Filtered, check_fresh, check_one_filter, how_to_filter, of_filter
from dlc_core.export.network_choice import NetworkChoice
from dlc_core.inference.exports import REPLACED, difference
from dlc_core.inference.filtered_stores import FILTERED, filter_name, store_name, table_records, tables_stem
from dlc_core.inference.pose_file import PoseFile, store_attributes
from dlc_core.inference.store_files import SUFFIX
from dlc_core.plugin_api.discovery import load_plugins

_FIRST_READERS = ("h5", "csv")
_SCORER_STARTS = ("DLC", "DeepCut")
_NOT_POSES = (FILTERED, "_full", "_meta", "_skeleton", "_assemblies", "_labeled")


class Reader(Protocol):
    """An exporter that can read as well."""

    suffix: str

    def read(self, path: Path) -> PoseFile:
        """Return the poses in a file."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A file with poses of a video.

    Parameters
    ----------
    path : Path
    scorer : str
    about : mapping or None
        The attributes of a store; None for a table, of which only the scorer is known.
    """

    path: Path
    scorer: str
    about: Mapping[str, Any] | None = None

    @property
    def is_store(self) -> bool:
        """Whether it is a pose store."""
        return self.about is not None

    @property
    def exports(self) -> Mapping[str, Mapping[str, Any]]:
        """What a store has exported, by file name; nothing for a table."""
        exports: Mapping[str, Mapping[str, Any]] = {} if self.about is None else self.about["exports"]
        return exports

    def is_of(self, network: NetworkChoice | None) -> bool:
        """Tell whether `network` made it; None stands for any."""
        if network is None:
            return True
        if self.about is None or "run" not in self.about:  # filtered from a table
            return network.made_table(self.scorer)
        return network.made_store(self.about)


def find_poses(
    video: Path,
    *,
    destfolder: Path | None = None,
    network: NetworkChoice | None = None,
    file: Path | None = None,
    filtered: Filtered = False,
) -> PoseFile:
    """Return the poses of a video and print where they come from.

    Parameters
    ----------
    video : Path
        It need not exist: its name and folder say where to look.
    destfolder : Path or None
        Where the analysis put its results; None: beside the video.
    network : NetworkChoice or None
        Who made the poses; None for any. Pass what the user chose, not the default ``latest``.
    file : Path or None
        A pose store or table to read instead.
    filtered : bool or str
        Take the poses that a filter made: True if there is one, or its name.

    Raises
    ------
    ConfigError
        Both `file` and `filtered` were given.
    DataError
        There are no poses, those of several scorers and `network` does not decide, those of several filters and
        `filtered` does not decide, an unfinished analysis, filtered poses of an analysis that was replaced, or a table
        that somebody changed.
    """
    readers = installed_readers()
    if file is not None and filtered:
        raise ConfigError(f"file={file} names the poses, so filtered={filtered} chooses nothing. Give one of them.")
    if file is not None:
        return _announced(video, file, read_poses(file, readers))
    chosen = _chosen(video, destfolder, network, [reader.suffix for reader in readers], filtered)
    store = next((one for one in chosen if one.is_store), None)
    if store is None:
        return _announced(video, chosen[0].path, read_poses(chosen[0].path, readers))
    poses = PoseFile.open(store.path)
    _check_tables(poses, store, readers)
    return _announced(video, store.path, poses)


def find_store(
    video: Path,
    *,
    destfolder: Path | None = None,
    network: NetworkChoice | None = None,
    filtered: Filtered = False,
) -> Path:
    """Return the pose store of a video; parameters as for `find_poses`.

    Raises
    ------
    DataError
        There is none, or there are those of several scorers or filters, and `network` and `filtered` do not decide.
    """
    return _chosen(video, destfolder, network, [], filtered)[0].path


def candidates(video: Path, folder: Path, suffixes: Sequence[str], filtered: bool = False) -> Iterator[Candidate]:
    """Yield the files in `folder` that hold poses of `video`: stores first, then tables in the order of `suffixes`.

    Tables that a store has exported under another scorer's name are part of that store and are left out. A store that
    cannot be read is left out with a notice. With `filtered` the files are those that filters made, else the others.
    """
    if not folder.is_dir():
        return
    files = sorted(path for path in folder.iterdir() if path.name.startswith(video.stem))
    exported: set[str] = set()
    for path in files:
        if path.suffix == SUFFIX and (store := _store_candidate(video, path, filtered)):
            own = tables_stem(path, store.about or {}).name
            exported |= {name for name in store.exports if Path(name).stem != own}
            yield store
    for suffix in suffixes:
        for path in files:
            scorer = path.stem[len(video.stem) :]
            if filtered and scorer.endswith(FILTERED):
                scorer = scorer.removesuffix(FILTERED)
            elif filtered:
                continue
            if (
                path.suffix == suffix
                and scorer.startswith(_SCORER_STARTS)
                and not scorer.endswith(_NOT_POSES)
                and path.name not in exported
            ):
                yield Candidate(path, scorer)


def installed_readers() -> list[Reader]:
    """Return the installed exporters that can read, with their defaults: h5, csv, then others by name."""
    registry = load_plugins().registry("exporter")
    names = [name for name in _FIRST_READERS if name in registry]
    names += sorted(name for name in registry if name not in names)
    readers: list[Reader] = []
    for name in names:
        try:
            if hasattr(registry.load(name), "read"):
                reader = registry.build({"name": name})
                if all(reader.suffix != other.suffix for other in readers):
                    readers.append(reader)
        except DlcError:  # one that cannot be imported, or not be built without options of the user's
            continue
    return readers


def _store_candidate(video: Path, path: Path, filtered: bool) -> Candidate | None:
    """Return the store at `path` if it holds poses of `video` (a longer name may start like this video's)."""
    try:
        about = store_attributes(path)
    except DataError as exc:
        if path.stem[len(video.stem) :].startswith(_SCORER_STARTS) and (f"{FILTERED}_" in path.stem) == filtered:
            warn(f"{path.name} is left out: {exc}")
        return None
    if path.name != store_name(video, about) or bool(about.get("filter")) != filtered:
        return None
    return Candidate(path, about["scorer"], about)


def _chosen(
    video: Path,
    destfolder: Path | None,
    network: NetworkChoice | None,
    suffixes: Sequence[str],
    filtered: Filtered = False,
) -> list[Candidate]:
    folder = video.parent if destfolder is None else destfolder
    found = list(candidates(video, folder, suffixes, bool(filtered)))
    step, which = ("filter", "filtered ") if filtered else ("analyze", "")
    if not found:
        kind = f"are no {which}poses" if suffixes else f"is no {which}pose store"
        how = how_to_filter(video, filtered) if isinstance(filtered, str) else f"Run `dlc {step} {video}` first."
        raise DataError(f"there {kind} of {video.name} in {folder}. {how}")
    chosen = _one_scorer(video, [one for one in found if one.is_of(network)], found, network, step)
    if isinstance(filtered, str):
        chosen = of_filter(video, chosen, filtered)
    if filtered:
        check_one_filter(video, chosen)
        if chosen[0].about is not None:
            check_fresh(video, chosen[0].path, chosen[0].about)
    return chosen


def _one_scorer(
    video: Path, matching: list[Candidate], found: list[Candidate], network: NetworkChoice | None, step: str
) -> list[Candidate]:
    """Return the candidates of the only scorer among `matching`; `step` makes more."""
    if not matching:
        raise DataError(
            f"no poses of {video.name} are by {network}. There are poses by {_listed(found)}. "
            f"Choose one of these, or run `dlc {step}` with that network first."
        )
    if len({one.scorer for one in matching}) > 1:
        raise DataError(
            f"{video.name} was analyzed by several networks: {_listed(matching)}. "
            "Choose one with run= (and shuffle=, trainingsetindex=, iteration=, snapshotindex=), or name a file with "
            "file=."
        )
    return matching


def _listed(found: Sequence[Candidate]) -> str:
    """Return the scorers, each once; what is known of a network stands in its store, which comes before its tables."""
    by_scorer: dict[str, Candidate] = {}
    for one in found:
        by_scorer.setdefault(one.scorer, one)
    return ", ".join(f"{scorer}{_options(one.about or {})}" for scorer, one in by_scorer.items())


def _options(about: Mapping[str, Any]) -> str:
    """Return the options that choose the network of a store, in brackets; "" if nothing is known of it."""
    where = about.get("project") or {}
    options = {"run": about.get("run"), "shuffle": where.get("shuffle"), "iteration": where.get("iteration")}
    text = " ".join(f"{name}={value}" for name, value in options.items() if value is not None)
    return f" ({text})" if text else ""


def _check_tables(poses: PoseFile, store: Candidate, readers: Sequence[Reader]) -> None:
    """Refuse to go on when a table of this store was changed; what another filter's store exported is that one's."""
    stem = tables_stem(store.path, poses.attributes)
    tables = table_records(store.path, poses.attributes)
    for reader in readers:
        table = stem.with_name(stem.name + reader.suffix)
        known = tables.get(table.name)
        if not table.is_file() or (known is not None and known.store != store.path):
            continue
        record = None if known is None else known.record
        if not (why := difference(poses, table, record, reader)):
            continue
        chosen = f" filtered={filter_name(poses)}" if filter_name(poses) else ""
        again = f"`dlc export VIDEO{chosen} overwrite=true`"
        if why == REPLACED and record is not None:
            again = f"`dlc export VIDEO{chosen} exporter={record['exporter']}`"
        raise DataError(
            f"{table} differs from {store.path}, of which it should be a copy: {why}. "
            f"Name the one that counts with file=, or export again: {again}."
        )


def read_poses(path: Path, readers: Sequence[Reader]) -> PoseFile:
    """Return the poses in a store or in a table that one of the `readers` can read.

    Raises
    ------
    DataError
        There is no such file, none of them reads it, or it is damaged or unfinished.
    """
    if path.suffix == SUFFIX:
        return PoseFile.open(path)
    reader = next((reader for reader in readers if reader.suffix == path.suffix), None)
    if reader is None:
        known = ", ".join([SUFFIX, *(reader.suffix for reader in readers)])
        raise DataError(f"{path} cannot be read: poses are read from {known}. `dlc plugins` lists the exporters.")
    if not path.is_file():
        raise DataError(f"there is no file {path}. Check the path.")
    return reader.read(path)


def _announced(video: Path, path: Path, poses: PoseFile) -> PoseFile:
    say(f"{video.name}: poses from {path}")
    return poses
