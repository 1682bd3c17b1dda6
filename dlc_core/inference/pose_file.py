"""The poses of one video as every later step sees them: a lazy view over a pose store, or over arrays in memory.

Filters, detectors, exporters and plots get a `PoseFile` and ask it for frames; nothing is read before. Its two arrays
are sliced like NumPy arrays, ``poses.keypoints[100:200]`` or ``poses.likelihood[:, 0, 3]``, and the whole video must be
asked for by name (`PoseFile.load`), so that no step holds a long video in memory by accident.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.inference.chunks import check_chunks, reading
from dlc_core.inference.frame_array import FrameArray
from dlc_core.skeleton import Skeleton

if TYPE_CHECKING:
    from dlc_core.video.crop import Crop

STORE_FORMAT = "dlc-core poses"
STORE_VERSION = 1


@dataclass(frozen=True)
class PoseBlock:
    """Poses of consecutive frames, in memory.

    Parameters
    ----------
    start : int
        Index of the first frame.
    keypoints : (frames, individuals, keypoints, 2) float32
        Full-frame pixels, NaN where absent.
    likelihood : (frames, individuals, keypoints) float32
        In [0, 1].
    """

    start: int
    keypoints: NDArray[np.float32]
    likelihood: NDArray[np.float32]


@dataclass(frozen=True)
class PoseFile:
    """The poses of one video, read lazily. Make it with `open` or `from_arrays`.

    Parameters
    ----------
    keypoints : FrameArray
        (frames, individuals, keypoints, 2) float32: x, y in full-frame pixels, also when only a crop was analysed;
        pixel centres at integers, NaN where absent.
    likelihood : FrameArray
        (frames, individuals, keypoints) float32 in [0, 1].
    skeleton : Skeleton
        Names of individuals and keypoints, in the order of the axes.
    scorer : str
        Who made the poses: the name that stands in file names.
    fps : float
        Frames per second of the video, NaN when unknown.
    frame_size : (int, int) or None
        Height and width of the full frame.
    crop : Crop or None
        The part of the frame the network saw; None for all of it.
    video : Path or None
        The video, if known; it may have moved.
    path : Path or None
        The file the poses come from; None for arrays in memory.
    complete : bool
        False while an analysis is unfinished: then only its leading frames are there.
    attributes : mapping
        Everything else that is known of the analysis: run, snapshot, engine, precision, config, versions, ...
    """

    keypoints: FrameArray
    likelihood: FrameArray
    skeleton: Skeleton
    scorer: str = ""
    fps: float = math.nan
    frame_size: tuple[int, int] | None = None
    crop: Crop | None = None
    video: Path | None = None
    path: Path | None = None
    complete: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return self.keypoints.shape[0]

    def blocks(self, frames: int = 4096) -> Iterator[PoseBlock]:
        """Yield the poses in blocks of `frames` frames, the last one shorter."""
        for start in range(0, self.frame_count, frames):
            part = slice(start, start + frames)
            yield PoseBlock(start, self.keypoints[part], self.likelihood[part])

    def load(self) -> PoseBlock:
        """Return the whole video's poses in memory."""
        return PoseBlock(0, self.keypoints[:], self.likelihood[:])

    @classmethod
    def from_arrays(
        cls,
        keypoints: NDArray[np.floating],
        likelihood: NDArray[np.floating],
        skeleton: Skeleton,
        **about: Any,
    ) -> Self:
        """Return a view over arrays in memory.

        Parameters
        ----------
        keypoints : (frames, individuals, keypoints, 2) float
            Full-frame pixels, NaN where absent; kept as float32.
        likelihood : (frames, individuals, keypoints) float
            In [0, 1]; kept as float32.
        skeleton : Skeleton
            Names of the individuals and keypoints.
        **about
            The other fields of `PoseFile`: scorer, fps, frame_size, crop, video, path, attributes.

        Raises
        ------
        DataError
            The shapes do not fit the skeleton or each other.
        """
        shape = (len(keypoints), len(skeleton.individuals), len(skeleton.keypoints))
        if keypoints.shape != (*shape, 2) or likelihood.shape != shape:
            raise DataError(
                f"keypoints have shape {keypoints.shape} and likelihood {likelihood.shape}; "
                f"this skeleton needs {(*shape, 2)} and {shape}."
            )
        return cls(
            keypoints=FrameArray(np.asarray(keypoints, np.float32), shape[0]),
            likelihood=FrameArray(np.asarray(likelihood, np.float32), shape[0]),
            skeleton=skeleton,
            **about,
        )

    @classmethod
    def open(cls, path: str | Path, partial: bool = False) -> Self:
        """Return a view over a pose store.

        Parameters
        ----------
        path : str or Path
            The folder ``<video stem><scorer>.zarr``.
        partial : bool
            Accept an unfinished analysis, as far as it went.

        Raises
        ------
        DataError
            There is no pose store, it was written by a newer version, its analysis is unfinished, or a chunk of it is
            missing. Reading a damaged chunk raises one too.
        """
        from dlc_core.video.crop import Crop

        path = Path(path)
        about, points, likelihood = _opened(path)
        frames, done = int(points.shape[0]), int(about["frames_done"])
        if done < frames and not partial:
            raise DataError(
                f"the analysis in {path} is unfinished: {done} of {frames} frames. "
                "Repeat the `dlc analyze` command; it goes on where it stopped."
            )
        check_chunks(path, about, points, likelihood)
        return cls(
            keypoints=FrameArray(points, done, functools.partial(reading, path, "keypoints", points)),
            likelihood=FrameArray(likelihood, done, functools.partial(reading, path, "likelihood", likelihood)),
            skeleton=Skeleton.from_dict(about["skeleton"]),
            scorer=about["scorer"],
            fps=math.nan if about["fps"] is None else float(about["fps"]),
            frame_size=None if about["frame_size"] is None else tuple(about["frame_size"]),
            crop=None if about["crop"] is None else Crop(*about["crop"]),
            video=_locate_video(path, about["video"]),
            path=path,
            complete=done == frames,
            attributes=about,
        )


def store_attributes(path: Path) -> dict[str, Any]:
    """Return what is known of the analysis in a pose store, whether its poses can be read or not.

    Raises
    ------
    DataError
        There is no pose store, or it was written by a newer version.
    """
    return _opened(path)[0]


def _opened(path: Path) -> tuple[dict[str, Any], Any, Any]:
    """Return the attributes, keypoints and likelihood of the store at `path`."""
    import zarr

    try:
        group: Any = zarr.open_group(str(path), mode="r")
        about: dict[str, Any] = dict(group.attrs)
        points, likelihood = group["keypoints"], group["likelihood"]
    except (FileNotFoundError, KeyError, ValueError, NotADirectoryError) as exc:
        raise DataError(
            f"{path} holds no pose store, or a damaged one. Analyze the video with `dlc analyze`; overwrite=true "
            "replaces what is there."
        ) from exc
    if about.get("format") != STORE_FORMAT or about.get("format_version", 0) > STORE_VERSION:
        raise DataError(
            f"{path} says it is {about.get('format')!r} version {about.get('format_version')}; this one reads "
            f"{STORE_FORMAT!r} up to version {STORE_VERSION}. Update dlc-core or analyze again with overwrite=true."
        )
    return about, points, likelihood


def _locate_video(store: Path, about: Mapping[str, Any]) -> Path:
    """Return where the video is: beside the store if a file of its name is there, else where it was analysed."""
    beside = store.parent / about["name"]
    return beside if beside.is_file() else Path(about["path"])
