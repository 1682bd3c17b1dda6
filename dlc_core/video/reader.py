"""Videos read by frame number: frame N is the N-th frame of a decode from the start, however it is reached.

That holds for variable frame rates, B-frames, edit lists and damaged streams. Memory does not grow with the length of
the video: one frame and a short list of key frames are kept. In a damaged stream the frames and their order are exact;
the blocks that were lost show what FFmpeg leaves there, which may differ from one decode to the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.video.colour import to_grey, to_rgb
from dlc_core.video.crop import Crop
from dlc_core.video.frame_index import FrameIndex, checksum, frame_index
from dlc_core.video.stream import VideoStream

Image = NDArray[np.uint8]

_WORTH_A_SEEK = 24  # frames to be skipped from which on a seek is cheaper than decoding them


class VideoReader:
    """An open video. Not to be shared between threads or processes; open one in each.

    Opening costs milliseconds. The first question after the number of frames, and the first read, decode the video once
    from the start (thousands of frames a second), because nothing else tells how many frames can be read; the answer is
    kept for the process.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    DataError
        The file is missing, empty, not a video, has no video stream, or has no readable frame.

    Examples
    --------
    >>> with VideoReader("mouse.mp4") as video:  # doctest: +SKIP
    ...     last = video.read(video.frame_count - 1)
    ...     for index, image in video.frames(range(0, video.frame_count, 10), gray=True, size=(48, 64)):
    ...         ...
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with VideoStream(self.path) as stream:
            first = next(stream.frames(), None)
            if first is None:
                raise DataError(
                    f"{self.path} has no readable frame ({stream.codec}, {stream.metadata_frames} frames by its "
                    f"header, {stream.errors} damaged packets); at least one is needed. Record or copy it again."
                )
            self._height, self._width = (int(side) for side in to_grey(first).shape)
            self._fps = float(stream.rate)
        self._index: FrameIndex | None = None
        self._stream: VideoStream | None = None
        self._decoded: Iterator[av.VideoFrame] = iter(())
        self._next = 0  # number of the frame that the decoder gives next
        self._origin: int | None = None  # the seek point that the decoder started from, None for the start
        self._current: tuple[int, av.VideoFrame] | None = None
        self._useless_points: set[int] = set()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.frame_count

    def __repr__(self) -> str:
        return f"VideoReader({str(self.path)!r}, {self._width} x {self._height}, {self._fps:g} fps)"

    def close(self) -> None:
        """Close the file."""
        self._current = None
        self._decoded = iter(())
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def index(self) -> FrameIndex:
        """What a decode from the start found."""
        if self._index is None:
            self._index = frame_index(self.path)
        return self._index

    @property
    def frame_count(self) -> int:
        """Exact number of readable frames."""
        return self.index.frame_count

    @property
    def fps(self) -> float:
        """Average frames per second."""
        return self._fps

    @property
    def width(self) -> int:
        """Columns of a frame, upright."""
        return self._width

    @property
    def height(self) -> int:
        """Rows of a frame, upright."""
        return self._height

    @property
    def duration_s(self) -> float:
        """Readable frames over the average frame rate."""
        return self.frame_count / self._fps

    def read(self, index: int) -> Image:
        """Return frame `index` as (H, W, 3) uint8 RGB.

        Raises
        ------
        DataError
            There is no such frame.
        """
        return self._sized(to_rgb(self._decode(index)))

    def frames(
        self,
        indices: Iterable[int] | None = None,
        crop: Crop | None = None,
        gray: bool = False,
        size: tuple[int, int] | None = None,
    ) -> Iterator[tuple[int, Image]]:
        """Yield (index, image) in ascending order, decoding on or seeking, whichever is cheaper.

        Parameters
        ----------
        indices : iterable of int, optional
            Frame numbers; every frame if not given.
        crop : Crop, optional
            The part wanted; pixels of the full frame. It must lie within the frame (`Crop.within`).
        gray : bool
            Whether to yield luma, (h, w) uint8 in full range, and not RGB, (h, w, 3) uint8.
        size : (int, int), optional
            (height, width) to resize to, after the crop: by area when shrinking, else linearly.

        Raises
        ------
        DataError
            There is no such frame.
        """
        for index in self._ascending(indices):
            frame = self._decode(index)
            image = self._sized(to_grey(frame) if gray else to_rgb(frame))
            if crop is not None and not crop.is_whole(self._height, self._width):
                image = np.ascontiguousarray(crop.apply(image))
            yield index, image if size is None else _resized(image, *size)

    def can_seek(self, index: int) -> bool:
        """Tell whether frame `index` can be reached without decoding from the start."""
        return any(
            self.index.points[position].index > 0 and position not in self._useless_points and self._seek(position)
            for position in range(self.index.point_before(index), -1, -1)
        )

    def _ascending(self, indices: Iterable[int] | None) -> Iterable[int]:
        if indices is None:
            return range(self.frame_count)
        if isinstance(indices, range) and indices.step > 0:
            return indices
        return sorted(int(index) for index in indices)

    def _decode(self, index: int) -> av.VideoFrame:
        index = int(index)
        if not 0 <= index < self.frame_count:
            raise DataError(
                f"{self.path} has no frame {index}; it has {self.frame_count} readable frames, "
                f"0 to {self.frame_count - 1}. Ask for one of these."
            )
        if self._current is None or self._current[0] != index:
            self._current = index, self._frame_at(index)
        return self._current[1]

    def _frame_at(self, index: int) -> av.VideoFrame:
        while True:
            self._approach(index)
            frame = self._advance(index)
            if frame is not None and (self._origin is None or self._is_certain(index, frame)):
                return frame
            if self._origin is None:
                break
            self._useless_points.add(self._origin)
            self._next = self.frame_count
        raise DataError(
            f"{self.path} ended at frame {self._next}, but had {self.frame_count} frames before. The file has "
            "changed since it was opened; start again once it is complete."
        )

    def _advance(self, index: int) -> av.VideoFrame | None:
        for frame in self._decoded:
            self._next += 1
            if self._next > index:
                return frame
        return None

    def _is_certain(self, index: int, frame: av.VideoFrame) -> bool:
        return not self.index.is_damaged or self.index.checksums[index] == checksum(frame)

    def _approach(self, index: int) -> None:
        """Put the decoder at or before frame `index`, nearest by cost."""
        position = self.index.point_before(index)
        while position >= 0:
            point = self.index.points[position]
            if self._stream is not None and point.index - _WORTH_A_SEEK < self._next <= index:
                return
            if point.index == 0:
                break
            if position not in self._useless_points and self._seek(position):
                return
            self._useless_points.add(position)
            position -= 1
        if self._stream is None or self._next > index:
            self._restart()

    def _restart(self) -> None:
        self.close()
        self._stream = VideoStream(self.path, threads=not self.index.is_damaged)
        self._decoded = self._stream.frames()
        self._next = 0
        self._origin = None

    def _seek(self, position: int) -> bool:
        """Go to a seek point and tell whether the frame there is the one that the decode from the start gave."""
        point = self.index.points[position]
        if self._stream is None:
            self._restart()
        stream = self._stream
        self._next = self.frame_count  # nothing can be said about the decoder until the point has been found
        if stream is None or not stream.rewind(point.dts):
            return False
        decoded = stream.frames()
        for frame in decoded:
            if frame.pts == point.pts:
                if checksum(frame) != point.checksum:
                    return False
                self._decoded = _then(frame, decoded)
                self._next, self._origin = point.index, position
                return True
            if frame.pts is not None and frame.pts > point.pts:
                return False
        return False

    def _sized(self, image: Image) -> Image:
        if image.shape[:2] == (self._height, self._width):
            return image
        return _resized(image, self._height, self._width)


def _then(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest


def _resized(image: Image, height: int, width: int) -> Image:
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)
