"""What a detector says it needs, found for one video: the video, labels, the poses of other networks.

A detector declares ``needs``; `detector_input` provides that, or says what is missing and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import counted, say, warn
from dlc_core.errors import ConfigError, DataError, PluginError, suggest
from dlc_core.export.sources import Candidate, candidates, installed_readers, read_poses
from dlc_core.frames.frame_files import frame_number, read_crops
from dlc_core.inference.pose_file import PoseFile
from dlc_core.labels.files import read_folder
from dlc_core.outliers.place import place_of
from dlc_core.outliers.structures import DetectorInput
from dlc_core.plugin_api.protocols import OutlierDetector
from dlc_core.project.project import Project
from dlc_core.project.runs import runs_of
from dlc_core.skeleton import Skeleton
from dlc_core.video.reader import VideoReader

ALL = "all"
_PROVIDED = ("video", "labels", "ensemble")
_ELSEWHERE = "out_of_fold"


def check_needs(detector: OutlierDetector, name: str) -> None:
    """Raise if no video can have what a detector needs.

    Raises
    ------
    ConfigError
        It judges labelled frames, not videos.
    PluginError
        It needs something that is unknown here.
    """
    if _ELSEWHERE in detector.needs:
        raise ConfigError(
            f"detector={name} compares labels with networks that did not train on them, and finds no frames of videos. "
            f"Run `dlc check-labels detector={name}`, or choose another detector."
        )
    unknown = sorted(set(detector.needs) - set(_PROVIDED))
    if unknown:
        raise PluginError(
            f"detector={name} needs {unknown[0]!r}, which nobody provides; known: "
            f"{', '.join((*_PROVIDED, _ELSEWHERE))}. Choose another detector and tell its author."
        )


def counted_bodyparts(skeleton: Skeleton, bodyparts: str | Sequence[str]) -> NDArray[np.bool_]:
    """Return which keypoints count, (keypoints,) bool.

    Parameters
    ----------
    skeleton : Skeleton
        Of the poses, or of the project.
    bodyparts : str or sequence of str
        ``all``, a name, or names.

    Raises
    ------
    ConfigError
        A name is no body part; near names are suggested.
    """
    wanted = [bodyparts] if isinstance(bodyparts, str) else [str(name) for name in bodyparts]
    if wanted == [ALL]:
        wanted = list(skeleton.keypoints)
    if not wanted:
        raise ConfigError("bodyparts is empty; name at least one body part, or all.")
    for name in wanted:
        if name not in skeleton.keypoints:
            several = f"Several are written bodyparts=[{name}]. " if "," in name else ""
            raise ConfigError(
                f"bodyparts has {name!r}, which is no body part here. {several or suggest(name, skeleton.keypoints)}"
                f"Known: all, {', '.join(skeleton.keypoints)}."
            )
    return np.array([name in wanted for name in skeleton.keypoints])


@contextmanager
def detector_input(
    detector: OutlierDetector,
    poses: PoseFile,
    bodyparts: NDArray[np.bool_],
    video: Path,
    project: Project,
    ensemble: str | Sequence[str] = ALL,
    destfolder: Path | None = None,
) -> Iterator[DetectorInput]:
    """Yield what `detector` is asked about one video; a reader of the video is open within the block.

    Parameters
    ----------
    detector : OutlierDetector
    poses : PoseFile
        Of the video.
    bodyparts : (keypoints,) bool
        Which keypoints count.
    video : Path
    project : Project
        Its labels of this video are found by the video's name.
    ensemble : str or sequence of str
        Which other networks' poses: ``all``, or names of runs or scorers.
    destfolder : Path or None
        Where the analyses put their results; None: beside the video.

    Raises
    ------
    DataError
        Something that the detector needs is not there.
    """
    with ExitStack() as stack:
        yield DetectorInput(
            poses=poses,
            bodyparts=bodyparts,
            video=stack.enter_context(VideoReader(video)) if "video" in detector.needs else None,
            labels=_labels(video, poses, project) if "labels" in detector.needs else None,
            ensemble=_ensemble(video, poses, bodyparts, project, ensemble, destfolder)
            if "ensemble" in detector.needs
            else (),
        )


def _ensemble(
    video: Path,
    poses: PoseFile,
    bodyparts: NDArray[np.bool_],
    project: Project,
    names: str | Sequence[str],
    destfolder: Path | None,
) -> tuple[PoseFile, ...]:
    """Return the poses of other networks on the same video."""
    wanted = [names] if isinstance(names, str) else [str(name) for name in names]
    readers = installed_readers()
    found: dict[str, Candidate] = {}
    for one in candidates(video, destfolder or video.parent, [reader.suffix for reader in readers]):
        if one.scorer != poses.scorer:
            found.setdefault(one.scorer, one)  # stores come first
    chosen = list(found.values())
    if wanted != [ALL]:
        chosen = [one for one in chosen if {_run(one), one.scorer} & set(wanted)]
        for name in wanted:
            if all(name not in (_run(one), one.scorer) for one in found.values()):
                others = list(dict.fromkeys(_run(one) or one.scorer for one in found.values()))
                raise _not_compared(name, video, poses, others, project)
    if not chosen:
        raise DataError(
            f"the detector compares networks, and {video.name} was analyzed by {poses.scorer} alone. "
            "Analyze it with another one as well: `dlc analyze VIDEO run=NAME`, or another snapshotindex=."
        )
    say(f"{video.name}: compared with {', '.join(one.scorer for one in chosen)}")
    return tuple(_comparable(poses, read_poses(one.path, readers), bodyparts, video) for one in chosen)


def _not_compared(name: str, video: Path, poses: PoseFile, others: list[str], project: Project) -> DataError:
    """Return why no poses of another network have the name that ``ensemble=`` has, and what to do."""
    judged = (poses.scorer, poses.attributes.get("run"))
    if name in judged:
        there = f"Name others: {', '.join(others)}." if others else "Analyze the video with another one as well."
        return DataError(f"ensemble has {name!r}, the network whose poses of {video.name} are judged. {there}")
    runs = [run.name for folder in sorted(project.models_folder().glob("*/")) for run in runs_of(folder)]
    if name in runs:
        return DataError(
            f"ensemble has {name!r}, but there are no poses of {video.name} by it, only those by "
            f"{', '.join(others) or 'no other network'}. Run `dlc analyze {video} run={name}`."
        )
    known = list(dict.fromkeys([*others, *(run for run in runs if run not in judged)]))
    return DataError(
        f"ensemble has {name!r}; iteration {project.iteration} has no such run, and {video.name} no poses by it. "
        f"{suggest(name, known)}Known: {', '.join(known) or 'none'}."
    )


def _run(candidate: Candidate) -> str:
    return "" if candidate.about is None else str(candidate.about.get("run", ""))


def _comparable(poses: PoseFile, other: PoseFile, bodyparts: NDArray[np.bool_], video: Path) -> PoseFile:
    """Return `other` if its animals and frames are those of `poses`; say which body parts that count it lacks."""
    ours, theirs = poses.skeleton, other.skeleton
    several = len(ours.individuals) > 1 or len(theirs.individuals) > 1  # the name of a single animal is in no table
    if several and theirs.individuals != ours.individuals:
        raise DataError(
            f"{other.path} has the animals {', '.join(theirs.individuals)}, the poses of {poses.scorer} have "
            f"{', '.join(ours.individuals)}: they cannot be compared. Choose others with ensemble=."
        )
    counted = [name for name, counts in zip(ours.keypoints, bodyparts, strict=True) if counts]
    lacking = [name for name in counted if name not in theirs.keypoints]
    if lacking == counted:
        raise DataError(
            f"{other.path} has the body parts {', '.join(theirs.keypoints)}, the poses of {poses.scorer} have "
            f"{', '.join(ours.keypoints)}: of those that count none can be compared. Choose other networks "
            "with ensemble=."
        )
    if lacking:
        say(f"{video.name}: {other.scorer} lacks {', '.join(lacking)}; the others are compared")
    if other.frame_count != poses.frame_count:
        raise DataError(
            f"{other.path} has {other.frame_count} frames, the poses of {poses.scorer} {poses.frame_count}; one is of "
            f"another version of {video.name}. Analyze it again: dlc analyze overwrite=true"
        )
    return other


def _labels(video: Path, poses: PoseFile, project: Project) -> NDArray[np.float32]:
    """Return the human labels of a video, (frames, 1, keypoints, 2) in full-frame pixels, NaN where unlabelled."""
    folder = place_of(project, video).folder
    try:
        table = read_folder(folder, project.scorer).with_bodyparts(poses.skeleton.keypoints)
    except DataError as exc:
        raise DataError(f"the detector needs labels of {video.name}: {exc}") from exc
    labels = np.full((poses.frame_count, 1, len(table.bodyparts), 2), np.nan, np.float32)
    crops = read_crops(folder)
    unplaced = 0
    for image, points in zip(table.images, table.keypoints, strict=True):
        name = image.rsplit("/", 1)[-1]
        frame = frame_number(name)
        if frame is None or frame >= poses.frame_count:
            unplaced += 1
            continue
        labels[frame] = points + (crops[name].offset() if name in crops else 0.0)
    if unplaced:
        warn(f"{folder}: {counted(unplaced, 'labelled image')} named like no frame of {video.name}, and left out.")
    return labels
