"""What a video file holds, against what its header says; and which files of a folder are videos."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.video.frame_index import FrameIndex
from dlc_core.video.reader import VideoReader
from dlc_core.video.stream import VideoStream

SUFFIXES = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv", ".flv", ".mj2"}
)
_WRITTEN_BY_US = "_labeled"  # what label-video, and DeepLabCut's create_labeled_video, call their results
_FINGERPRINT_BYTES = 1 << 20
_NEEDS_SEEKING = 300  # frames; shorter videos are decoded from the start in no time


@dataclass(frozen=True, kw_only=True)
class VideoReport:
    """What one video holds.

    Parameters
    ----------
    path : Path
    metadata_frames : int
        Frames by the header; 0 where it does not say.
    readable : int
        Frames that a decode from the start gives.
    seekable : bool
        Whether late frames can be reached without decoding all before them.
    fps : float
        Average frames per second.
    codec, pixel_format : str
        As FFmpeg calls them.
    height, width : int
        Upright.
    duration_s : float
        Readable frames over the average frame rate.
    problems : tuple of str
        One sentence each; empty for a sound video.
    """

    path: Path
    metadata_frames: int
    readable: int
    seekable: bool
    fps: float
    codec: str
    pixel_format: str
    height: int
    width: int
    duration_s: float
    problems: tuple[str, ...]


def probe(path: str | os.PathLike[str]) -> VideoReport:
    """Decode a video once and report what it holds.

    Raises
    ------
    DataError
        It is missing, empty, not a video, has no video stream, or no readable frame.
    """
    file = Path(path)
    with VideoReader(file) as reader, VideoStream(file) as stream:
        index = reader.index
        seekable = reader.can_seek(index.frame_count - 1)
        return VideoReport(
            path=file,
            metadata_frames=stream.metadata_frames,
            readable=index.frame_count,
            seekable=seekable,
            fps=reader.fps,
            codec=stream.codec,
            pixel_format=stream.pixel_format,
            height=reader.height,
            width=reader.width,
            duration_s=reader.duration_s,
            problems=tuple(_problems(index, stream, seekable)),
        )


def lost_frames(reader: VideoReader) -> list[str]:
    """Return what speaks for frames that cannot be read any more, one sentence each; empty for a sound video.

    A header that does not say how many frames there are speaks for nothing.
    """
    with VideoStream(reader.path) as stream:
        return _losses(reader.index, stream)


def _losses(index: FrameIndex, stream: VideoStream) -> list[str]:
    problems = []
    if stream.metadata_frames and stream.metadata_frames != index.frame_count:
        problems.append(
            f"the header says {stream.metadata_frames} frames, but {index.frame_count} can be read; these "
            "count. Copy the video again if it was cut off."
        )
    if index.errors:
        problems.append(f"{index.errors} packets could not be decoded, so frames are missing and later ones move up.")
    if index.damaged_frames:
        problems.append(f"{index.damaged_frames} frames are damaged and show in part what the decoder guessed.")
    return problems


def _problems(index: FrameIndex, stream: VideoStream, seekable: bool) -> list[str]:
    problems = _losses(index, stream)
    if not seekable and index.frame_count > _NEEDS_SEEKING:
        problems.append(
            "single frames are reached only by decoding from the start, which is slow. Encode with key frames: "
            "`ffmpeg -i OLD -c:v libx264 -crf 15 -g 50 NEW.mp4`."
        )
    if not stream.has_rate:
        problems.append(f"the file does not say its frame rate; {float(stream.rate):g} fps is assumed.")
    return problems


def fingerprint(video: Path) -> str:
    """Return a hash of the size and of the first and last MiB of a file: enough to tell one recording from another."""
    size = video.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with video.open("rb") as file:
        digest.update(file.read(_FINGERPRINT_BYTES))
        file.seek(max(0, size - _FINGERPRINT_BYTES))
        digest.update(file.read(_FINGERPRINT_BYTES))
    return digest.hexdigest()


def find_videos(paths: Iterable[str | os.PathLike[str]], videotype: str = "") -> list[Path]:
    """Return the video files among files and folders, in the order given, those of a folder sorted by name.

    Parameters
    ----------
    paths : iterable of path-like
        ``~`` is the user's folder. A file is taken as it is. Of a folder, the videos directly in it; labelled videos
        (``..._labeled.mp4``) are left out.
    videotype : str
        Only files of a folder with this suffix, ``"mp4"``, ``".avi"``, or several separated by commas; "" for every
        usual one.

    Raises
    ------
    DataError
        A path does not exist, or a folder holds no such video.
    """
    wanted = {f".{kind.strip().lstrip('.').lower()}" for kind in videotype.split(",") if kind.strip()} or SUFFIXES
    found: list[Path] = []
    for given in paths:
        path = _expanded(given)
        if _tells(path.is_dir):
            found += _in_folder(path, wanted)
        elif _tells(path.is_file, unknown=True):
            found.append(path)
        else:
            raise DataError(f"there is no file or folder {path}; a video or a folder of videos is needed. Check it.")
    return list(dict.fromkeys(found))


def _expanded(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no user of that name: the file's name begins with ~
        return Path(path)


def _tells(question: Callable[[], bool], unknown: bool = False) -> bool:
    """Return the answer, `unknown` where this user may not ask: whoever opens the file then says so."""
    try:
        return question()
    except PermissionError:
        return unknown


def _in_folder(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    videos = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes
        and _tells(path.is_file, unknown=True)
        and not path.name.startswith(".")
        and not path.stem.endswith(_WRITTEN_BY_US)
    ]
    if not videos:
        raise DataError(
            f"the folder {folder} holds no video ({', '.join(sorted(suffixes))} were looked for). "
            "Check the folder, or `videotype=`."
        )
    return videos
