"""``dlc extract-outliers``: frames whose poses are probably wrong, with machine labels for a person to correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import Outcome, ask, can_ask, counted, say, warn
from dlc_core.errors import ConfigError, DiskError, DlcError
from dlc_core.export.network_choice import NetworkChoice
from dlc_core.export.run import chosen_network
from dlc_core.export.sources import find_poses
from dlc_core.files import check_name
from dlc_core.frames.extract import asked_crop, candidate_frames, check_choice
from dlc_core.frames.frame_files import existing_frames
from dlc_core.inference.filtered_stores import filter_ending
from dlc_core.labels.machine import machine_file
from dlc_core.outliers.extract import Choice, Outliers, find_outliers
from dlc_core.outliers.extract import extract_outliers as extract_some
from dlc_core.outliers.inputs import ALL, check_needs, counted_bodyparts
from dlc_core.outliers.plots import PlotText, plot_outliers
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.project.project import Project
from dlc_core.video.probe import find_videos

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.plugin_api.protocols import OutlierDetector
    from dlc_core.skeleton import Skeleton

_NEXT = "dlc refine"


def extract_outliers(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Find the outliers of analysed videos, say how many there are, ask, and write some with machine labels.

    A video that fails does not stop the others. ``data`` holds ``videos``: for each ``outliers`` (how many frames meet
    the criterion), ``frames`` (those written now), ``machine_labels``, ``plots``, or its ``error``.

    Parameters
    ----------
    project : Project
    composed : Composed
        With the fields of `dlc_core.outliers.settings.ExtractOutliersSettings`.
    arguments : sequence of str
        Videos, folders of videos, or names of videos of the project.

    Raises
    ------
    ConfigError
        No video was given, an option cannot be used, or nobody is there to be asked and ``yes`` is false.
    """
    options = composed.plain()
    choice = _choice(options)
    name = str(options["detector"]["name"])
    detector = _detector(options, project.skeleton)
    check_needs(detector, name)
    if options["ensemble"] != ALL and "ensemble" not in detector.needs:
        raise ConfigError(
            f"ensemble={options['ensemble']} names networks to compare with, and detector={name} compares none. "
            "Choose detector=ensemble, or leave it out."
        )
    counted_bodyparts(project.skeleton, options["bodyparts"])
    if not arguments:
        raise ConfigError("no video was given. Name videos or folders: `dlc extract-outliers VIDEO...`.")
    if not options["yes"] and not can_ask():
        raise ConfigError(
            "frames are extracted after a question, and nobody can answer it here: this is no terminal. "
            "Add --yes (yes=true) to extract without it."
        )
    videos, results = _videos(project, arguments, str(options["videotype"]))
    if options["file"] and len(videos) > 1:
        raise ConfigError(f"file={options['file']} holds the poses of one video, but {len(videos)} were given.")
    network = chosen_network(project, composed)
    found: list[Outliers] = []
    for video in videos:
        entry: dict[str, Any] = {"video": str(video)}
        results.append(entry)
        try:
            found.append(_found(project, video, network, choice, options, entry))
        except DlcError as exc:
            _fail(entry, video, exc)
    written = _extract(project, [one for one in found if len(one.candidates)], choice, options, results)
    failed = sum("error" in entry for entry in results)
    return Outcome({"videos": results}, _NEXT if written and not failed else "", failed)


def _choice(options: dict[str, Any]) -> Choice:
    """Return which outliers are taken, all options checked before the first video."""
    check_choice(options["n"], options["start"], options["stop"], options["seed"])
    asked_crop(str(options["crop"]))
    selector = load_plugins().registry("frame_selector").build(options["selector"])
    names = ("n", "start", "stop", "crop", "seed", "copy_videos")
    return Choice(selector, **{name: options[name] for name in names})


def _detector(options: dict[str, Any], skeleton: Skeleton) -> OutlierDetector:
    detector: OutlierDetector = (
        load_plugins().registry("outlier_detector").build(options["detector"], skeleton=skeleton)
    )
    return detector


def _videos(project: Project, arguments: Sequence[str], videotype: str) -> tuple[list[Path], list[dict[str, Any]]]:
    """Return the videos that the arguments mean, each once, and the entries of arguments that mean none."""
    videos: list[Path] = []
    failures: list[dict[str, Any]] = []
    for argument in arguments:
        own = [path for path in project.videos() if argument in (path.name, path.stem)]
        try:
            videos += own if own and not Path(argument).exists() else find_videos([argument], videotype)
        except DlcError as exc:
            failures.append({"video": str(argument)})
            _fail(failures[-1], Path(argument), exc)
    files: dict[Path, Path] = {}
    for video in videos:
        files.setdefault(video.resolve(), video)
    return list(files.values()), failures


def _found(
    project: Project,
    video: Path,
    network: NetworkChoice | None,
    choice: Choice,
    options: dict[str, Any],
    entry: dict[str, Any],
) -> Outliers:
    """Return the outliers of one video, drawn if that is asked for, and say how many there are."""
    destfolder = Path(options["destfolder"]).expanduser() if options["destfolder"] else None
    file = Path(options["file"]).expanduser() if options["file"] else None
    poses = find_poses(video, destfolder=destfolder, network=network, file=file, filtered=options["filtered"])
    found = find_outliers(
        project,
        video,
        poses,
        _detector(options, poses.skeleton),
        choice,
        options["bodyparts"],
        options["ensemble"],
        destfolder,
    )
    between = candidate_frames(poses.frame_count, choice.start, choice.stop, set())
    entry |= {"outliers": len(found.frames), "candidates": len(found.candidates), "frames": []}
    if options["plotting"]:
        try:
            entry["plots"] = [str(path) for path in _plots(found, between, destfolder or video.parent, options)]
        except DiskError as exc:  # of a disk for reading alone, say; the frames go elsewhere
            warn(f"{video.name}: no pictures: {exc} Or leave them out with plotting=false.", exc)
    say(f"{video.name}: {_counts(found, len(between), choice, options)}")
    return replace(found, scores=replace(found.scores, curves={}))  # which are large


def _plots(found: Outliers, between: NDArray[np.int64], place: Path, options: dict[str, Any]) -> list[Path]:
    detector, poses = options["detector"], found.poses
    folder = check_name(place / "plot-poses" / f"{found.video.stem}{filter_ending(poses)}")
    folder /= f"outliers-{detector['name']}"
    interval = f"{100 * (1 - detector['alpha']):g} % interval" if "alpha" in detector else "interval"
    text = PlotText(f"{found.video.stem} {poses.scorer}   detector={detector['name']}", interval=interval)
    bodyparts = counted_bodyparts(poses.skeleton, options["bodyparts"])
    written = plot_outliers(poses, found.scores, found.frames, bodyparts, folder, text, between)
    say(f"{found.video.name}: wrote {counted(len(written), 'picture')} to {folder}")
    return written


def _counts(found: Outliers, asked: int, choice: Choice, options: dict[str, Any]) -> str:
    """Return in words how many of the frames that were asked for meet the criterion, and how many can be taken."""
    scores = found.scores
    side = "above" if scores.higher_is_worse else "below"
    criterion = f"detector={options['detector']['name']} (score {side} {scores.threshold:g})"
    frames = counted(asked, "frame")
    if (choice.start, choice.stop) != (0, 1):
        frames += f" between {choice.start:g} and {choice.stop:g}"
    if not len(found.frames):
        worst = "no frame has a score"
        if found.worst is not None:
            worst = f"the worst score is {scores.score[found.worst]:.3g}, of frame {found.worst}"
        return (
            f"none of {frames} meets {criterion}; {worst}. Nothing is extracted. Change the detector's "
            "options, or choose another detector."
        )
    text = f"{len(found.frames)} of {frames} {'meets' if len(found.frames) == 1 else 'meet'} {criterion}"
    if taken := len(found.frames) - len(found.candidates):
        text += f", {taken} of which {'was' if taken == 1 else 'were'} taken before"
    if not len(found.candidates):
        text += ": there is no new one"
    elif len(found.candidates) < choice.n:
        all_new = "all new ones are" if len(found.candidates) > 1 else "the only new one is"
        text += f"; {len(found.candidates)} is fewer than n={choice.n}, so {all_new} taken"
    return f"{text}."


def _extract(
    project: Project, found: list[Outliers], choice: Choice, options: dict[str, Any], results: list[dict[str, Any]]
) -> int:
    """Ask, extract, say what was written, and return how many frames that are."""
    total = sum(min(choice.n, len(one.candidates)) for one in found)
    if not total:
        return 0
    question = f"Extract {counted(total, 'frame')} of {counted(len(found), 'video')}?"
    if not options["yes"] and not ask(question):
        say("Nothing was extracted. Change the detector's options, bodyparts=, start= or stop= and start again.")
        return 0
    written = 0
    entries = {entry["video"]: entry for entry in results}
    for one in found:
        entry = entries[str(one.video)]
        before = existing_frames(one.folder)
        try:
            project, extracted = extract_some(project, one, choice)
        except DlcError as exc:
            entry["frames"] = sorted(existing_frames(one.folder) - before)
            written += len(entry["frames"])
            _fail(entry, one.video, exc)
            continue
        new = len(extracted.indices)
        written += new
        machine = machine_file(extracted.folder, project.iteration)
        entry |= {"folder": str(extracted.folder), "frames": list(extracted.indices), "machine_labels": str(machine)}
        added = f", added to the {len(before)} that were there" if before else ""
        say(f"{extracted.folder}: {counted(new, 'new frame')} with machine labels in {machine.name}{added}")
    return written


def _fail(entry: dict[str, Any], video: Path, exc: DlcError) -> None:
    message = str(exc)
    entry["error"] = message if video.name in message else f"{video.name}: {message}"
    warn(entry["error"], exc)
