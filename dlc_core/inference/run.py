"""``dlc analyze``: poses in every frame of videos, stored and exported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlc_core.allocator import keep_memory
from dlc_core.console import Outcome, say, warn
from dlc_core.errors import ConfigError, DlcError
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.network import Network, load_network
from dlc_core.inference.predictor import check_precision
from dlc_core.model.device import resolve_device
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_bridge import Composed
from dlc_core.processor import settle_half_precision
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.project.runs import find_run
from dlc_core.video.crop import Crop
from dlc_core.video.probe import find_videos


def analyze(project: Project | None, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Analyze videos with one or several snapshots of a run.

    A video that cannot be analysed does not stop the others; the outcome counts it as failed.

    Raises
    ------
    DlcError
        What concerns all videos: no run, no snapshot, an unknown device, exporter or option.
    """
    keep_memory()
    config = composed.config
    address = RunAddress(
        config.shuffle, config.trainingsetindex, config.iteration, config.run, snapshot_index(config.snapshotindex)
    )
    options = _options(composed)
    if options.precision != "float32":
        settle_half_precision()
    exporters = build_exporters(composed)
    run = find_run(project, address)
    videos, failures = _videos(arguments, str(config.videotype))
    destfolder = Path(config.destfolder).expanduser() if config.destfolder else None
    crops = Crops(str(config.crop), project)
    results: list[dict[str, Any]] = [{"video": name, "error": reason} for name, reason in failures]
    snapshots = run.select(address.snapshotindex)
    for snapshot in snapshots if videos else ():
        network = load_network(run, snapshot, project)
        say(f"Network: {run.name}, step {snapshot.step}, on {options.device} in {options.precision}.")
        if snapshot.selected_on_test:
            warn(f"{snapshot.name} was selected on the test images, so its test error is too good.")
        for video in videos:
            results.append(_one(video, network, options, exporters, crops, destfolder))
    failed = sum("error" in result for result in results)
    if failed:
        names = ", ".join(Path(result["video"]).name for result in results if "error" in result)
        warn(f"{failed} of {len(results)} analyses failed: {names}. The reasons stand above.")
    good = next((result["video"] for result in results if "error" not in result), None)
    following = f" destfolder={shlex.quote(str(destfolder))}" if destfolder else ""
    if project is None:
        following = f" run={shlex.quote(str(run.folder))}{following}"
    next_step = f"dlc plot {shlex.quote(good)}{following}" if good else ""
    return Outcome({"videos": results}, next_step, failed)


class Crops:
    """What the option ``crop`` means for each video.

    Raises
    ------
    ConfigError
        The text is no crop, or ``video_sets`` was asked for outside a project.
    """

    def __init__(self, text: str, project: Project | None) -> None:
        self._fixed: Crop | None = None
        self._videos: dict[Path, Crop | None] | None = None
        if text == "video_sets":
            if project is None:
                raise ConfigError("crop=video_sets needs a project, and there is none here. Give crop=x1,x2,y1,y2.")
            self._videos = {path.resolve(): crop for path, crop in project.videos().items()}
        elif text not in ("none", ""):
            self._fixed = Crop.parse(text.strip("[]()"))

    def of(self, video: Path) -> Crop | None:
        """Return the crop of a video, None for the full frame.

        Raises
        ------
        ConfigError
            The video is not in ``video_sets``.
        """
        if self._videos is None:
            return self._fixed
        if video.resolve() not in self._videos:
            raise ConfigError(
                f"{video} is not in video_sets of config.yaml, so it has no crop there. "
                "Add it with `dlc add-videos`, or give crop=none or crop=x1,x2,y1,y2."
            )
        return self._videos[video.resolve()]


def build_exporters(composed: Composed) -> list[ExporterChoice]:
    """Return the exporters that were chosen, in their order.

    Raises
    ------
    ConfigError, PluginError
        One is unknown, cannot be imported, or has no such option.
    """
    registry = load_plugins().registry("exporter")
    nodes = composed.plain().get("exporters") or {}
    chosen = composed.choices.get("exporter") or []
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    return [
        ExporterChoice(
            name, registry.build(nodes[name]), {"name": nodes[name]["name"], **registry.options(nodes[name])}
        )
        for name in names
    ]


def _one(
    video: Path,
    network: Network,
    options: AnalysisOptions,
    exporters: list[ExporterChoice],
    crops: Crops,
    destfolder: Path | None,
) -> dict[str, Any]:
    """Analyze and export one video; an error becomes part of the result."""
    result: dict[str, Any] = {"video": str(video), "scorer": network.scorer}
    try:
        analysed = analyze_video(video, network, options, crops.of(video), destfolder)
        result |= {
            "store": str(analysed.store),
            "frames": analysed.frame_count,
            "new_frames": analysed.new_frames,
            "frames_per_s": round(analysed.new_frames / analysed.seconds, 2) if analysed.new_frames else None,
        }
        result["files"] = [str(path) for path in export_store(analysed.store, exporters, options.overwrite)]
    except DlcError as exc:
        result["error"] = f"{video.name}: {exc}"
        warn(result["error"], exc)
    return result


def _options(composed: Composed) -> AnalysisOptions:
    config = composed.config
    size = config.batch_size
    if size is not None and size < 1:
        raise ConfigError(f"batch_size is {size}; at least 1 is needed.")
    only_limit = composed.sources.get("batch_size", "").startswith("config.yaml")
    return AnalysisOptions(
        device=resolve_device(str(config.device)),
        precision=check_precision(str(config.precision)),
        batch_size=None if only_limit else size,
        batch_limit=size if only_limit else None,
        overwrite=bool(config.overwrite),
        config=composed.plain(),
    )


def snapshot_index(value: int | str) -> int | str:
    """Return a snapshot index as a number if it is one."""
    text = str(value)
    return int(text) if text.lstrip("-").isdigit() else text


def _videos(arguments: Sequence[str], videotype: str) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the videos, and what could not be used with the reason."""
    if not arguments:
        raise ConfigError("no video was given. Name videos or folders: `dlc analyze VIDEO...`.")
    videos: list[Path] = []
    failures: list[tuple[str, str]] = []
    for argument in arguments:
        try:
            videos += find_videos([argument], videotype)
        except DlcError as exc:
            failures.append((str(argument), str(exc)))
            warn(str(exc), exc)
    return list(dict.fromkeys(videos)), failures
