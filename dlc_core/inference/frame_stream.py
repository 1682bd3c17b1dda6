"""Network inputs of a video in batches, decoded in a thread of their own while the network works.

The queue between the two holds two batches, so memory does not depend on the length of the video.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

Image = NDArray[np.uint8]
_QUEUED = 2


def batches(
    video: Path,
    start: int,
    frame_count: int,
    batch_size: int,
    window: Sequence[int],
    prepare: Callable[[Image], Image],
    crop: Crop | None = None,
) -> Generator[Image, None, None]:
    """Yield the network's inputs from frame `start` to the last, `batch_size` at a time.

    Parameters
    ----------
    video : Path
    start, frame_count : int
        First frame wanted, and the number of frames of the whole video.
    batch_size : int
    window : sequence of int
        Offsets of the frames that the network looks at; the edge frame is repeated at the ends of the video.
    prepare : callable
        (H, W, 3) uint8 to the network's input (h, w, 3) uint8; runs in the reading thread.
    crop : Crop or None

    Yields
    ------
    (n, h, w, 3) uint8, or (n, T, h, w, 3) for a window of T > 1 frames

    Raises
    ------
    DataError
        The video has fewer frames, or cannot be read.
    """

    def read() -> Generator[Image, None, None]:
        first = max(0, start + min(*window, 0))
        with VideoReader(video) as reader:
            frames = ((index, prepare(frame)) for index, frame in reader.frames(range(first, frame_count), crop=crop))
            yield from _grouped(windows(frames, start, frame_count, window), batch_size)

    with closing(prefetch(read())) as source:
        yield from source


def windows(
    frames: Iterable[tuple[int, Image]], start: int, frame_count: int, window: Sequence[int]
) -> Iterator[Image]:
    """Yield what the network looks at for each frame from `start` on: (h, w, 3), or (T, h, w, 3) for T > 1 offsets.

    Parameters
    ----------
    frames : iterable of (index, (h, w, 3) uint8)
        Consecutive, from at most ``start + min(window)`` (or 0) on.
    start, frame_count : int
    window : sequence of int
    """
    if tuple(window) == (0,):
        yield from (frame for _, frame in frames)
        return
    behind, ahead = min(*window, 0), max(*window, 0)
    kept: dict[int, Image] = {}
    centre, last = start, frame_count - 1
    for index, frame in frames:
        kept[index] = frame
        while centre <= last and min(centre + ahead, last) <= index:
            yield np.stack([kept[min(max(centre + offset, 0), last)] for offset in window])
            centre += 1
            for old in [known for known in kept if known < centre + behind]:
                del kept[old]


def _grouped(items: Iterable[Image], size: int) -> Iterator[Image]:
    group: list[Image] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield np.stack(group)
            group = []
    if group:
        yield np.stack(group)


@dataclass(frozen=True)
class _Failure:
    error: BaseException


def prefetch(source: Generator[Image, None, None]) -> Generator[Image, None, None]:
    """Yield what `source` yields, read ahead in a thread; its errors come out here, and closing stops the thread."""
    items: queue.Queue[Image | _Failure | None] = queue.Queue(_QUEUED)
    stop = threading.Event()

    def put(item: Image | _Failure | None) -> bool:
        while not stop.is_set():
            try:
                items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            if all(put(item) for item in source):
                put(None)
        except BaseException as exc:  # noqa: BLE001 - raised again in the consumer's thread
            put(_Failure(exc))
        finally:
            source.close()

    thread = threading.Thread(target=work, name="dlc-frames", daemon=True)
    thread.start()
    try:
        while (item := items.get()) is not None:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stop.set()
        thread.join()
