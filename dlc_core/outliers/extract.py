"""Find the frames of a video whose poses are probably wrong, and write some of them with the poses for a person.

Poses are in pixels of the full frame; machine labels are in pixels of the image file, which may show a crop of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.errors import DataError, DlcError, PluginError
from dlc_core.frames.extract import (
    VIDEO_SETS,
    ExtractedFrames,
    asked_crop,
    candidate_frames,
    extract_from_video,
    generator_of,
)
from dlc_core.frames.frame_files import frame_name, taken_frames
from dlc_core.frames.unwritten import drop_unwritten, note_machine
from dlc_core.inference.pose_file import PoseFile
from dlc_core.labels.files import check_readable
from dlc_core.labels.machine import MachineLabels, check_network, machine_file
from dlc_core.labels.table_files import MachineFiles
from dlc_core.lock import holding
from dlc_core.outliers.inputs import ALL, counted_bodyparts, detector_input
from dlc_core.outliers.place import place_of
from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.protocols import FrameSelector, OutlierDetector
from dlc_core.project.create import add_videos
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

_LOCK_NAME = ".extract.lock"


@dataclass(frozen=True)
class Outliers:
    """The frames of one video that meet a detector's criterion.

    Parameters
    ----------
    video : Path
    folder : Path
        Where the images of its frames belong.
    poses : PoseFile
        What the detector judged.
    scores : FrameScores
        Of every frame.
    frames : (m,) int64
        Sorted outliers between the shares of the video that were asked for.
    candidates : (k,) int64
        Those of them that have no image yet, and were not removed by a person.
    worst : int or None
        The frame between these shares with the worst score; None if none has a score.
    """

    video: Path
    folder: Path
    poses: PoseFile
    scores: FrameScores
    frames: NDArray[np.int64]
    candidates: NDArray[np.int64]
    worst: int | None


@dataclass(frozen=True)
class Choice:
    """Which of a video's outliers become images, and which part of the frame they show.

    Parameters
    ----------
    selector : FrameSelector
    n : int
        New frames of a video.
    start, stop : float
        Shares of the video between which frames are chosen.
    crop : str
        ``video_sets``, ``none`` or ``x1,x2,y1,y2``.
    seed : int
    copy_videos : bool
        Copy a video that is new to the project instead of linking to it.
    """

    selector: FrameSelector
    n: int = 20
    start: float = 0.0
    stop: float = 1.0
    crop: str = VIDEO_SETS
    seed: int = 0
    copy_videos: bool = False


def find_outliers(
    project: Project,
    video: Path,
    poses: PoseFile,
    detector: OutlierDetector,
    choice: Choice,
    bodyparts: str | Sequence[str] = ALL,
    ensemble: str | Sequence[str] = ALL,
    destfolder: Path | None = None,
) -> Outliers:
    """Score every frame of a video and return those that meet the criterion; nothing is written.

    Parameters
    ----------
    project : Project
    video : Path
    poses : PoseFile
        Of this video.
    detector : OutlierDetector
        Built for the skeleton of `poses`.
    choice : Choice
    bodyparts : str or sequence of str
        Which count: ``all``, a name, or names.
    ensemble : str or sequence of str
        Which other networks' poses: ``all``, or names of runs or scorers.
    destfolder : Path or None
        Where the analyses put their results; None: beside the video.

    Raises
    ------
    DataError
        The poses are of another version of the video or of several animals, something that the detector needs is not
        there, the project has another video of that name, or its folder holds machine labels of another network.
    PluginError
        The detector failed.
    """
    place = place_of(project, video)
    check_readable(place.folder)
    if len(poses.skeleton.individuals) > 1:
        raise DataError(
            f"the poses of {video.name} are of {len(poses.skeleton.individuals)} animals; machine labels of one animal "
            "can be written so far. Correct these frames with DeepLabCut."
        )
    if place.instead_of:
        warn(f"{place.instead_of} of {project.config.path} is not there; {video} is taken for it.")
    check_network(machine_file(place.folder, project.iteration), poses.scorer)
    with VideoReader(video) as reader:
        _check_version(reader, poses)
    counts = counted_bodyparts(poses.skeleton, bodyparts)
    with detector_input(detector, poses, counts, video, project, ensemble, destfolder) as given:
        scores = _scores(detector, given)
    between = candidate_frames(poses.frame_count, choice.start, choice.stop, set())
    frames = np.intersect1d(scores.outliers(), between)
    taken = np.array(sorted(taken_frames(place.folder)), np.int64)
    candidates = np.setdiff1d(frames, taken)
    return Outliers(video, place.folder, poses, scores, frames, candidates, _worst(scores, between))


def extract_outliers(project: Project, outliers: Outliers, choice: Choice) -> tuple[Project, ExtractedFrames]:
    """Write some of a video's outliers as images and their poses as machine labels.

    A video that is new to the project is added to it. Machine labels come first, so that an image is never without,
    whatever happens. Those whose image did not come are removed; after a kill they stay for that image.

    Returns
    -------
    Project
        As it is now.
    ExtractedFrames
        What was written; without a `problem` if all the candidates were taken.

    Raises
    ------
    DataError, DiskError, ConfigError, PluginError
        As `dlc_core.frames.extract.extract_from_video`, or another process extracts outliers of this video.
    """
    place = place_of(project, outliers.video)
    if not place.listed:
        project = add_videos(project, [outliers.video], copy_videos=choice.copy_videos)
        place = place_of(project, outliers.video)
    crop = place.crop if choice.crop == VIDEO_SETS else asked_crop(choice.crop)
    generator = generator_of(outliers.video, choice.seed)

    noted: list[str] = []

    def note(frames: list[int], shown: Crop | None) -> None:
        if frames:  # else somebody else has taken them all meanwhile
            labels = machine_labels(outliers.poses, place.folder, frames, shown)
            noted.extend(note_machine(labels, MachineFiles(place.folder, project.iteration), shown))

    with _extracting(place.folder):
        try:
            extracted = extract_from_video(
                outliers.video,
                place.folder,
                choice.selector,
                choice.n,
                choice.start,
                choice.stop,
                crop,
                generator,
                among=outliers.candidates,
                before=note,
            )
        except BaseException:
            with suppress(DlcError):  # else they are as after a kill
                drop_unwritten(place.folder, project.iteration, noted)
            raise
    return project, extracted


def _extracting(folder: Path) -> AbstractContextManager[None]:
    """Return a context in which nobody else extracts outliers into `folder`; raises DataError if somebody does."""

    def refusal(holder: str) -> DataError:
        return DataError(f"outlier frames are being written to {folder} by {holder}. Wait until that is done.")

    return holding(folder / _LOCK_NAME, refusal)


def machine_labels(poses: PoseFile, folder: Path, frames: list[int], crop: Crop | None) -> MachineLabels:
    """Return the poses of some frames in pixels of their images in `folder`.

    Parameters
    ----------
    poses : PoseFile
        Of one animal, in pixels of the full frame.
    folder : Path
        ``labeled-data/<video>``.
    frames : list of int
        Sorted.
    crop : Crop or None
        Which part of the frame the images show; None for all of it.
    """
    corner = np.array((0.0, 0.0) if crop is None else crop.offset())
    return MachineLabels(
        poses.scorer,
        tuple(f"labeled-data/{folder.name}/{frame_name(frame, poses.frame_count)}" for frame in frames),
        poses.skeleton.keypoints,
        poses.keypoints[frames].astype(np.float64) - corner,
        poses.likelihood[frames].astype(np.float64),
    )


def _check_version(reader: VideoReader, poses: PoseFile) -> None:
    again = "Name the video that was analyzed, or analyze this one again: dlc analyze overwrite=true"
    if reader.frame_count != poses.frame_count:
        raise DataError(
            f"{reader.path} has {reader.frame_count} readable frames, the poses {poses.frame_count}; they belong to "
            f"another video or to an earlier version of it. {again}"
        )
    if poses.frame_size not in (None, (reader.height, reader.width)):
        height, width = poses.frame_size or (0, 0)
        raise DataError(
            f"{reader.path} has frames of {reader.width} x {reader.height} pixels, those of the poses had {width} x "
            f"{height}; they belong to another version of the video. {again}"
        )


def _scores(detector: OutlierDetector, given: DetectorInput) -> FrameScores:
    who = f"the detector {type(detector).__name__}"
    with blaming(f"{who} cannot judge {given.poses.frame_count} frames"):
        scores = detector.score(given)
    shape = np.shape(scores.score)
    if shape != (given.poses.frame_count,):
        raise PluginError(
            f"{who} returned scores of shape {shape} for {given.poses.frame_count} frames; one a frame is expected. "
            "Use another detector and tell its author."
        )
    return scores


def _worst(scores: FrameScores, between: NDArray[np.int64]) -> int | None:
    values = np.asarray(scores.score, np.float64)[between]
    if not np.isfinite(values).any():
        return None
    best = np.nanargmax(values) if scores.higher_is_worse else np.nanargmin(values)
    return int(between[best])
