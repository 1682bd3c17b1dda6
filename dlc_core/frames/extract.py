"""Choose new frames of a project's videos with a frame selector and write them as images."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.errors import ConfigError, DataError, DlcError, PluginError, suggest
from dlc_core.frames.frame_files import existing_frames, taken_frames, write_frames
from dlc_core.frames.unwritten import make_way
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.protocols import FrameSelector
from dlc_core.project.project import Project, file_name
from dlc_core.seeds import check_seed
from dlc_core.video.crop import Crop
from dlc_core.video.probe import lost_frames
from dlc_core.video.reader import VideoReader

VIDEO_SETS, WHOLE = "video_sets", "none"


@dataclass(frozen=True)
class ExtractedFrames:
    """What became of one video.

    Parameters
    ----------
    video : Path
    folder : Path
        Where its images are.
    indices : tuple of int
        Frames written now, sorted.
    existing : tuple of int
        Frames that were there before, sorted.
    problem : str
        Why there are no new frames, or not all; "" if there are.
    failed : bool
        Whether that was an error, and not only a shortage of frames.
    """

    video: Path
    folder: Path
    indices: tuple[int, ...]
    existing: tuple[int, ...]
    problem: str = ""
    failed: bool = False


def extract_frames(
    project: Project,
    selector: FrameSelector,
    n: int = 20,
    start: float = 0.0,
    stop: float = 1.0,
    crop: str = VIDEO_SETS,
    seed: int = 0,
    videos: Sequence[str] = (),
) -> list[ExtractedFrames]:
    """Write `n` new frames of each video into ``labeled-data/<video>/``; what is there is kept.

    A video that cannot be used does not stop the others.

    Parameters
    ----------
    project : Project
    selector : FrameSelector
    n : int
        New frames of each video.
    start, stop : float
        Shares of the video between which frames are chosen.
    crop : str
        ``video_sets``, ``none`` or ``x1,x2,y1,y2``.
    seed : int
    videos : sequence of str
        Paths or names of the project's videos; empty for all.

    Raises
    ------
    ConfigError
        `n`, `start`, `stop` or `crop` make no sense.
    DataError
        A video is not in the project, or the project has none.
    """
    check_choice(n, start, stop, seed)
    asked = asked_crop(crop)
    results = []
    for video, own_crop in chosen_videos(project, videos).items():
        folder = project.labeled_data / video.stem
        part = own_crop if crop == VIDEO_SETS else asked
        before = existing_frames(folder)
        try:
            generator = generator_of(video, seed)
            results.append(extract_from_video(video, folder, selector, n, start, stop, part, generator))
        except DlcError as exc:
            written = tuple(sorted(existing_frames(folder) - before))
            results.append(ExtractedFrames(video, folder, written, tuple(sorted(before)), str(exc), True))
    return results


def check_choice(n: int, start: float, stop: float, seed: int) -> None:
    """Raise ConfigError if `n` frames cannot be chosen between these shares of a video, or not with that seed."""
    if n < 1:
        raise ConfigError(f"n is {n}; at least 1 new frame must be asked for.")
    if not 0 <= start < stop <= 1:
        raise ConfigError(
            f"start is {start} and stop is {stop}; shares of the video with 0 <= start < stop <= 1 are needed."
        )
    check_seed(seed)


def asked_crop(crop: str) -> Crop | None:
    """Return the rectangle that the option `crop` spells out; None for ``video_sets`` and ``none``."""
    return None if crop in (VIDEO_SETS, WHOLE) else Crop.parse(crop)


def generator_of(video: Path, seed: int) -> np.random.Generator:
    """Return the source of randomness for a video: of its own, so that it does not depend on the others."""
    return np.random.default_rng([seed, zlib.crc32(video.stem.encode())])


def extract_from_video(
    video: Path,
    folder: Path,
    selector: FrameSelector,
    n: int,
    start: float,
    stop: float,
    crop: Crop | None,
    generator: np.random.Generator,
    among: NDArray[np.int64] | None = None,
    before: Callable[[list[int], Crop | None], None] = lambda *_: None,
) -> ExtractedFrames:
    """Write `n` new frames of one video into `folder`, of those `among` if some are given.

    `before` is called with the chosen frames, sorted, and what part of them is shown, before the first is written.

    Raises
    ------
    DataError
        The video cannot be read, or a person has labelled another part of a frame whose image is gone.
    ConfigError
        The crop lies outside the frame.
    DiskError
        The images cannot be written.
    PluginError
        The selector chose something else than it was asked for.
    """
    existing = existing_frames(folder)
    with VideoReader(video) as reader:
        for loss in lost_frames(reader):
            warn(f"{video}: {loss}")
        if crop is not None:
            crop = crop.within(reader.height, reader.width, str(video))
            crop = None if crop.is_whole(reader.height, reader.width) else crop
        candidates = candidate_frames(reader.frame_count, start, stop, taken_frames(folder))
        if among is not None:
            candidates = np.intersect1d(candidates, among)
        chosen = _chosen(selector, reader, candidates, n, crop, generator).tolist()
        make_way(folder, chosen, crop)
        before(chosen, crop)
        frames = reader.frames(chosen, crop=crop)
        written = tuple(write_frames(folder, frames, reader.frame_count, crop))
    problem = ""
    if len(written) < n:
        problem = f"{video} has only {len(written)} new frames between {start:g} and {stop:g}; {n} were asked for."
    return ExtractedFrames(video, folder, written, tuple(sorted(existing)), problem)


def candidate_frames(frame_count: int, start: float, stop: float, taken: set[int]) -> NDArray[np.int64]:
    """Return the sorted int64 numbers of the frames between two shares of the video that are not taken yet."""
    first, end = math.floor(frame_count * start), math.ceil(frame_count * stop)
    return np.setdiff1d(np.arange(first, end, dtype=np.int64), np.array(sorted(taken), np.int64))


def chosen_videos(project: Project, names: Sequence[str] = ()) -> dict[Path, Crop | None]:
    """Return the project's videos that `names` mean, all if it is empty, each with its crop of ``video_sets``.

    Raises
    ------
    DataError
        The project has no video, not that one, or two that would share a folder of images.
    """
    known = project.videos()
    if not names:
        for missing in project.missing_videos():
            warn(f"the video {missing} of {project.config.path} is not there and is left out.")
    if not known:
        raise DataError(f"{project.config.path} lists no video that exists. Add some with `dlc add-videos VIDEO...`.")
    chosen = {video: known[video] for name in names for video in [_video(project, name, known)]} if names else known
    stems: dict[str, Path] = {}
    for video in chosen:
        if stems.setdefault(video.stem, video) != video:
            raise DataError(
                f"{stems[video.stem]} and {video} would both keep their frames in labeled-data/{video.stem}. "
                "Rename one."
            )
    return chosen


def _video(project: Project, name: str, known: dict[Path, Crop | None]) -> Path:
    path = Path(name).expanduser()
    for video in known:
        if name in (video.name, video.stem) or (path.exists() and path.resolve() == video.resolve()):
            return video
    for missing in project.missing_videos():
        gone = file_name(missing)
        if name in (missing, gone, Path(gone).stem):
            raise DataError(
                f"the video {missing} of {project.config.path} is not there. Put it back, or correct its path in "
                "video_sets."
            )
    names = [video.name for video in known]
    raise DataError(
        f"the video {name!r} is not in {project.config.path}. {suggest(path.name, names)}It lists: {', '.join(names)}. "
        f"Add it with `dlc add-videos`."
    )


def _chosen(
    selector: FrameSelector,
    reader: VideoReader,
    candidates: NDArray[np.int64],
    n: int,
    crop: Crop | None,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    with blaming(f"the frame selector {type(selector).__name__} cannot choose among {len(candidates)} frames"):
        chosen = np.asarray(selector.select(reader, candidates, n, crop, generator))
    expected = min(n, len(candidates))
    if len(np.unique(chosen)) != expected or len(chosen) != expected or not np.isin(chosen, candidates).all():
        raise PluginError(
            f"the frame selector {type(selector).__name__} returned {len(chosen)} frames, not {expected} different "
            f"ones of the {len(candidates)} candidates. Use another selector and tell its author."
        )
    return np.sort(chosen.astype(np.int64))
