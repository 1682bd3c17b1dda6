"""``dlc filter``: smoother trajectories of analysed videos, stored and exported."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.console import Outcome, say, warn
from dlc_core.errors import ConfigError, DlcError
from dlc_core.export.network_choice import NetworkChoice
from dlc_core.export.run import chosen_network, same_poses
from dlc_core.export.sources import find_poses
from dlc_core.filtering.store import FilterChoice, filter_video
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.run import build_exporters
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.video.probe import find_videos

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project


def filter_poses(project: Project | None, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Filter the poses of videos. A video without poses does not stop the others.

    ``data`` holds ``videos``: for each its ``store`` and ``files``, or its ``error``.

    Raises
    ------
    DlcError
        What concerns all videos: an unknown filter, exporter or option, or no such run.
    """
    if not arguments:
        raise ConfigError("no video was given. Name videos or folders: `dlc filter VIDEO... filter=median`.")
    config = composed.config
    choice = build_filter(composed)
    exporters = build_exporters(composed)
    network = chosen_network(project, composed)
    destfolder = Path(config.destfolder).expanduser() if config.destfolder else None
    results: list[dict[str, Any]] = []
    for argument in arguments:
        try:
            videos = find_videos([argument], str(config.videotype))
        except DlcError as exc:
            results.append({"video": str(argument), "error": str(exc)})
            warn(str(exc), exc)
            continue
        for video in videos:
            if all(result["video"] != str(video) for result in results):
                results.append(_one(video, choice, network, destfolder, exporters, bool(config.overwrite)))
    good = next((result["video"] for result in results if "error" not in result), None)
    next_step = f"dlc plot {shlex.quote(good)} filtered={choice.name}{same_poses(composed)}" if good else ""
    return Outcome({"videos": results}, next_step, sum("error" in result for result in results))


def build_filter(composed: Composed) -> FilterChoice:
    """Return the filter that was chosen.

    Raises
    ------
    ConfigError, PluginError
        It is unknown, cannot be imported, or has no such option.
    """
    registry = load_plugins().registry("filter")
    node = composed.plain()["filter"]
    smoother = registry.build(node)
    options = json.loads(json.dumps(node, default=str))
    return FilterChoice(str(composed.choices["filter"]), smoother, options, registry[str(node["name"])].provider)


def _one(
    video: Path,
    choice: FilterChoice,
    network: NetworkChoice | None,
    destfolder: Path | None,
    exporters: list[ExporterChoice],
    overwrite: bool,
) -> dict[str, Any]:
    """Filter and export one video; an error becomes part of the result."""
    result: dict[str, Any] = {"video": str(video)}
    try:
        poses = find_poses(video, destfolder=destfolder, network=network)
        filtered = filter_video(video, poses, choice, overwrite)
        result |= {"store": str(filtered.store), "filter": choice.name, "new": filtered.is_new}
        result["files"] = [str(path) for path in export_store(filtered.store, exporters, overwrite)]
        say(f"{video.name}: wrote {', '.join(Path(path).name for path in result['files'])}")
    except DlcError as exc:
        result["error"] = str(exc) if video.name in str(exc) else f"{video.name}: {exc}"
        warn(result["error"], exc)
    return result
