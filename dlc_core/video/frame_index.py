"""Where in a stream frame N is: found by decoding the stream once from the start.

Neither a container's header nor its packets say what a decoder will make of them: frames are hidden, cut off by edit
lists, or lost to damage. The number of a frame is therefore its place in a decode from the start, and a place to seek
to counts only if the frame found there is, pixel by pixel, the one that was there in that decode.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av

from dlc_core.console import progress
from dlc_core.video.colour import to_rgb
from dlc_core.video.stream import VideoStream

_APART = 16  # frames between two places to seek to; decoding so few costs less than a seek
_LONG = 20_000  # packets from which on a progress bar is shown
_REMEMBERED_KEYS = 64


@dataclass(frozen=True)
class SeekPoint:
    """A key frame that decoding can start from.

    Parameters
    ----------
    index : int
        Its frame number.
    pts, dts : int
        When it is shown and when its packet is decoded, in time-base units.
    checksum : int
        CRC-32 of its RGB pixels in a decode from the start.
    """

    index: int
    pts: int
    dts: int
    checksum: int


@dataclass(frozen=True)
class FrameIndex:
    """What a decode from the start found.

    Parameters
    ----------
    frame_count : int
        Readable frames.
    packets : int
        Packets of the stream, readable or not.
    points : tuple of SeekPoint
        In ascending order.
    damaged_frames : int
        Frames that the decoder gave but marked as incomplete.
    errors : int
        Packets that gave no frame because they could not be decoded.
    checksums : array of unsigned int
        CRC-32 of every frame's RGB pixels, only for a damaged stream: what a decoder puts in the place of lost pixels
        depends on frames before the key frame, so there every frame reached by a seek has to be checked.
    """

    frame_count: int
    packets: int
    points: tuple[SeekPoint, ...]
    damaged_frames: int
    errors: int
    checksums: array[int]

    @property
    def is_damaged(self) -> bool:
        """Whether anything in the stream could not be decoded as it was encoded."""
        return bool(self.checksums or self.damaged_frames or self.errors)

    def point_before(self, index: int) -> int:
        """Return the position in `points` of the last one at or before frame `index`, -1 if there is none."""
        return bisect_right(self.points, index, key=lambda point: point.index) - 1


def frame_index(path: Path) -> FrameIndex:
    """Return the index of a video, made once per process for each state of the file (its size and time of change).

    Raises
    ------
    DataError
        The file is not a video.
    """
    path = path.resolve()
    state = path.stat()
    return _frame_index(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _frame_index(path: Path, _size: int, _mtime_ns: int) -> FrameIndex:
    index = _scan(path)
    if index.frame_count == index.packets and not index.is_damaged:
        return index
    # A decoder with several threads can lose the last frames of a damaged stream without a word; other streams have
    # packets that are not shown.
    careful = _scan(path, is_damaged=True)
    is_sound = not (index.is_damaged or careful.errors or careful.damaged_frames)
    return index if is_sound and careful.frame_count == index.frame_count else careful


def _scan(path: Path, is_damaged: bool = False) -> FrameIndex:
    frame_count = packets = damaged = 0
    points: list[SeekPoint] = []
    keys: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_KEYS)
    checksums = array("I")
    with VideoStream(path, threads=not is_damaged) as stream, ExitStack() as stack:
        expected = stream.metadata_frames
        show = expected >= _LONG
        advance = (
            stack.enter_context(progress(f"counting the frames of {path.name}", expected, "frames")) if show else None
        )
        for packet in stream.packets():
            packets += packet.size > 0
            if packet.is_keyframe and packet.pts is not None and packet.dts is not None:
                keys.append((packet.pts, packet.dts))
            for frame in stream.decode(packet):
                damaged += frame.is_corrupt
                if frame.key_frame and (not points or frame_count - points[-1].index >= _APART):
                    points += _seek_point(frame, frame_count, keys)
                if is_damaged:
                    checksums.append(checksum(frame))
                frame_count += 1
                if advance:
                    advance(1)
        return FrameIndex(frame_count, packets, tuple(points), damaged, stream.errors, checksums)


def _seek_point(frame: av.VideoFrame, index: int, keys: deque[tuple[int, int]]) -> list[SeekPoint]:
    decoded_at = [dts for pts, dts in keys if pts == frame.pts]
    return (
        [SeekPoint(index, frame.pts, decoded_at[-1], checksum(frame))] if decoded_at and frame.pts is not None else []
    )


def checksum(frame: av.VideoFrame) -> int:
    """Return the CRC-32 of the frame's RGB pixels."""
    return zlib.crc32(to_rgb(frame).tobytes())
