"""``dlc export``: write analysed poses in other formats."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlc_core.console import Outcome, say, warn
from dlc_core.errors import ConfigError, DlcError
from dlc_core.export.filtered import Filtered
from dlc_core.export.network_choice import NetworkChoice
from dlc_core.export.sources import find_store
from dlc_core.inference.exports import export_store
from dlc_core.inference.network import training_of
from dlc_core.inference.run import build_exporters, snapshot_index
from dlc_core.plugin_api.hydra_bridge import Composed
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.project.runs import find_run
from dlc_core.video.probe import find_videos

_NETWORK = ("run", "shuffle", "trainingsetindex", "iteration", "snapshotindex")


def export(project: Project | None, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Write the poses of videos with every chosen exporter. A video without poses does not stop the others.

    Raises
    ------
    DlcError
        What concerns all videos: an unknown exporter or option, or no such run.
    """
    if not arguments:
        raise ConfigError("no video was given. Name videos or folders: `dlc export VIDEO... exporter=csv`.")
    config = composed.config
    exporters = build_exporters(composed)
    network = chosen_network(project, composed)
    destfolder = Path(config.destfolder).expanduser() if config.destfolder else None
    results: list[dict[str, Any]] = []
    for argument in arguments:
        try:
            for video in find_videos([argument], str(config.videotype)):
                results.append(_one(video, network, destfolder, exporters, config.filtered, bool(config.overwrite)))
        except DlcError as exc:
            results.append({"video": str(argument), "error": str(exc)})
            warn(str(exc), exc)
    return Outcome({"videos": results}, "", sum("error" in result for result in results))


def chosen_network(project: Project | None, composed: Composed) -> NetworkChoice | None:
    """Return the network if the user chose one, None otherwise: then any poses of a video will do.

    Raises
    ------
    RunError
        There is no such run or snapshot.
    """
    config, sources = composed.config, composed.sources
    if not any(sources.get(option) == "command line" for option in _NETWORK):
        return None
    index = snapshot_index(config.snapshotindex)
    run = find_run(project, RunAddress(config.shuffle, config.trainingsetindex, config.iteration, config.run, index))
    snapshots = run.select(index)
    training = training_of(run, project, run.config())
    return NetworkChoice(run.name, training, snapshots[0].step if len(snapshots) == 1 else None)


def same_poses(composed: Composed, *more: str) -> str:
    """Return what was typed of the options that say whose poses and where, and of `more`: the next step needs it, too.

    Each has a space before it; "" if nothing was typed.
    """
    names = (*_NETWORK, "destfolder", *more)
    typed = {name: composed.config[name] for name in names if composed.sources.get(name) == "command line"}
    return "".join(f" {name}={shlex.quote(str(value))}" for name, value in typed.items() if value is not None)


def _one(
    video: Path,
    network: NetworkChoice | None,
    destfolder: Path | None,
    exporters: list[Any],
    filtered: Filtered,
    overwrite: bool,
) -> dict[str, Any]:
    result: dict[str, Any] = {"video": str(video)}
    try:
        store = find_store(video, destfolder=destfolder, network=network, filtered=filtered)
        result["files"] = [str(path) for path in export_store(store, exporters, overwrite)]
        say(f"{video.name}: wrote {', '.join(Path(path).name for path in result['files'])}")
    except DlcError as exc:
        result["error"] = f"{video.name}: {exc}"
        warn(result["error"], exc)
    return result
