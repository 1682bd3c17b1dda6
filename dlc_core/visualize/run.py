"""``dlc plot`` and ``dlc label-video``: pictures and videos of poses."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.colors import named_color
from dlc_core.console import Outcome, progress, say, warn
from dlc_core.errors import ConfigError, DlcError
from dlc_core.export.run import chosen_network, same_poses
from dlc_core.export.sources import find_poses
from dlc_core.files import check_name
from dlc_core.inference.filtered_stores import filter_ending
from dlc_core.inference.pose_file import PoseFile
from dlc_core.video.probe import find_videos
from dlc_core.video.reader import VideoReader
from dlc_core.visualize.labeled_video import DotStyle, other_size, write_labeled_video
from dlc_core.visualize.summary import summarise
from dlc_core.visualize.tracks import Tracks, choose_tracks
from dlc_core.visualize.trajectories import plot_poses

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project
    from dlc_core.skeleton import Skeleton

_LONGEST_WITH_BACKGROUND = 20_000  # frames; finding a frame of a longer video takes longer than the pictures

Draw = Callable[[Path, PoseFile, Tracks, Path, Mapping[str, Any]], list[Path]]


def plot(project: Project | None, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Draw trajectories, positions, likelihoods and jumps of analysed videos.

    A video without poses does not stop the others. ``data`` holds ``videos``: for each its ``files`` or its ``error``.

    Raises
    ------
    ConfigError
        No video was given, or an option cannot be used.
    """
    data, failed = _each(project, composed, arguments, "plot", _plot)
    good = next((one["video"] for one in data if "error" not in one), None)
    next_step = f"dlc label-video {shlex.quote(good)}{same_poses(composed, 'file', 'filtered')}" if good else ""
    return Outcome({"videos": data}, next_step, failed)


def label_video(project: Project | None, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Write analysed videos with the poses drawn in, as ``<video><scorer>_labeled.mp4``.

    A video without poses does not stop the others. ``data`` holds ``videos``: for each its ``files`` or its ``error``.

    Raises
    ------
    ConfigError
        No video was given, or an option cannot be used.
    """
    if composed.config.trailpoints < 0 or composed.config.dotsize <= 0:
        raise ConfigError(
            f"trailpoints is {composed.config.trailpoints} and dotsize {composed.config.dotsize}; a number of earlier "
            "positions (0 for none) and a diameter above 0 pixels are needed."
        )
    named_color(composed.config.skeleton_color)
    data, failed = _each(project, composed, arguments, "label-video", _label)
    good = next((one["video"] for one in data if "error" not in one), None) if project is not None else None
    again = same_poses(composed, "file")
    next_step = f"dlc extract-outliers {shlex.quote(good)}{again}, if frames went wrong" if good else ""
    return Outcome({"videos": data}, next_step, failed)


def _each(
    project: Project | None, composed: Composed, arguments: Sequence[str], verb: str, draw: Draw
) -> tuple[list[dict[str, Any]], int]:
    """Draw each video; return what was written or went wrong, and how often it went wrong.

    What one video's poses cannot give, a body part for instance, is that video's failure.
    """
    if not arguments:
        raise ConfigError(f"no video was given. Name videos or folders: `dlc {verb} VIDEO...`.")
    options = composed.plain()
    for key in ("pcutoff", "alphavalue"):
        if not 0 <= options[key] <= 1:
            raise ConfigError(f"{key} is {options[key]}; a number from 0 to 1 is needed.")
    if project is not None:  # a misspelt name is better found before the first video than with it
        choose_tracks(project.skeleton, options["displayedbodyparts"], options["colormap"])
    network = chosen_network(project, composed)
    destfolder = Path(options["destfolder"]).expanduser() if options["destfolder"] else None
    file = Path(options["file"]).expanduser() if options["file"] else None
    videos, results = _found(arguments, options["videotype"])
    if file is not None and len(videos) > 1:
        raise ConfigError(
            f"file={file} holds the poses of one video, but {len(videos)} were given: "
            f"{', '.join(video.name for video in videos)}. Name that one alone."
        )
    for video in videos:
        try:
            poses = find_poses(video, destfolder=destfolder, network=network, file=file, filtered=options["filtered"])
            tracks = choose_tracks(
                drawn_skeleton(poses.skeleton, project), options["displayedbodyparts"], options["colormap"]
            )
            files = draw(video, poses, tracks, destfolder or video.parent, options)
            results.append({"video": str(video), "files": [str(path) for path in files]})
        except DlcError as exc:
            results.append(_failure(str(video), exc))
    return results, sum("error" in one for one in results)


def _found(arguments: Sequence[str], videotype: str) -> tuple[list[Path], list[dict[str, Any]]]:
    """Return the videos that the arguments mean, each once, and the failures of arguments that mean none."""
    videos: list[Path] = []
    failures = []
    for argument in arguments:
        try:
            videos += find_videos([argument], videotype)
        except DlcError as exc:
            failures.append(_failure(str(argument), exc))
    return list(dict.fromkeys(videos)), failures


def drawn_skeleton(skeleton: Skeleton, project: Project | None) -> Skeleton:
    """Return the skeleton of poses with the edges of the project's config.yaml of today, by name.

    Outside a project the edges are those that the poses remember; a table remembers none.
    """
    if project is None:
        return skeleton
    known = set(skeleton.keypoints)
    return replace(skeleton, edges=tuple(edge for edge in project.skeleton.edges if known.issuperset(edge)))


def _plot(video: Path, poses: PoseFile, tracks: Tracks, place: Path, options: Mapping[str, Any]) -> list[Path]:
    folder = check_name(place / "plot-poses" / f"{video.stem}{filter_ending(poses)}")
    files = plot_poses(
        poses,
        tracks,
        folder,
        pcutoff=options["pcutoff"],
        alphavalue=options["alphavalue"],
        background=_background(video, poses),
    )
    say(f"{video.name}: wrote {', '.join(path.name for path in files)} to {folder}")
    return files


def _label(video: Path, poses: PoseFile, tracks: Tracks, place: Path, options: Mapping[str, Any]) -> list[Path]:
    path = check_name(
        place / f"{video.stem}{poses.scorer}{filter_ending(poses)}_labeled.mp4", "Shorten the video's name or the run's"
    )
    style = DotStyle(
        dotsize=options["dotsize"],
        alphavalue=options["alphavalue"],
        pcutoff=options["pcutoff"],
        line_color=named_color(options["skeleton_color"]) if options["draw_skeleton"] else None,
        trailpoints=options["trailpoints"],
    )
    if options["draw_skeleton"] and not tracks.edges:
        warn(f"{video.name}: no line is drawn, because `skeleton` of config.yaml joins none of these body parts.")
    if empty := summarise(poses, tracks, options["pcutoff"]).emptiness(video.name, options["pcutoff"]):
        warn(f"{empty}.")
    crop = poses.crop if options["displaycropped"] else None
    with progress(f"Labelling {video.name}", poses.frame_count, "frames") as advance:
        write_labeled_video(video, poses, path, tracks, style, crop, advance)
    say(f"{video.name}: wrote {path}")
    return [path]


def _background(video: Path, poses: PoseFile) -> NDArray[np.uint8] | None:
    """Return a frame from the middle of the video, None if it is not there or too long to look for one."""
    if not video.is_file() or not 0 < poses.frame_count <= _LONGEST_WITH_BACKGROUND:
        return None
    try:
        with VideoReader(video) as reader:
            if poses.frame_size not in (None, (reader.height, reader.width)):
                warn(f"{video.name} is not shown behind the trajectories: {other_size(reader, poses)}.")
                return None
            return reader.read(min(poses.frame_count, reader.frame_count) // 2)
    except DlcError:  # the pictures need no video
        return None


def _failure(video: str, exc: DlcError) -> dict[str, Any]:
    message = str(exc) if Path(video).name in str(exc) else f"{Path(video).name}: {exc}"
    warn(message, exc)
    return {"video": video, "error": message}
