"""Images as a browser shows them: labelled frames and frames of videos, as the bytes of a PNG or JPEG.

A PNG or JPEG of 8 bits is sent as it is. Everything else (16 bits, TIFF, BMP, transparency, a camera's note that the
image is to be turned) is converted, the values of 16 bits scaled like training does: all bits in use become white.
Pixels keep their places, so a click means the same pixel in the browser and in the file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.image_files import bits_in_use, read_content, stored_image, to_8_bits
from dlc_core.video.reader import VideoReader

T = TypeVar("T")

_CACHE_BYTES = 256 << 20
_SENT_AS_IT_IS = 4 << 20  # a larger file is sent as JPEG: through a tunnel it would be slow
_DEPTH_SAMPLE = 16
_JPEG_QUALITY = 92
_OPEN_VIDEOS = 4
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PNG_DEPTH_AT, _PNG_COLOUR_AT = 24, 25
_CAMERA_NOTE, _NOTE_WITHIN = b"Exif\x00\x00", 1 << 16  # browsers would turn such an image, training does not
_PLAIN_PNG = {0, 2, 3}  # grey, RGB, palette: no transparency channel


@dataclass(frozen=True)
class ImageBytes:
    """An image ready to be sent.

    Parameters
    ----------
    content : bytes
    media_type : str
        ``image/png`` or ``image/jpeg``.
    tag : str
        Changes when the image does.
    """

    content: bytes
    media_type: str
    tag: str


class FrameImages:
    """Images of frames, cached; all methods may be called from any thread and may take as long as a disk does."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self._cache = _Cache(cache_bytes)
        self._depths: dict[Path, int] = {}
        self._videos = _Videos()

    @property
    def kept_bytes(self) -> int:
        """How much the cache holds."""
        return self._cache.size

    def close(self) -> None:
        """Close the videos."""
        self._videos.close()

    def image(self, file: Path, siblings: Sequence[Path] = ()) -> ImageBytes:
        """Return an image file as a browser can show it.

        Parameters
        ----------
        file : Path
            PNG, JPEG, TIFF or BMP of 8 or 16 bits, grey or colour, of any size.
        siblings : sequence of Path
            The images of the same folder: a sample of them tells how many of 16 bits are in use.

        Raises
        ------
        DataError
            The file cannot be read or is no image.
        """
        try:
            state = file.stat()
        except OSError as exc:
            raise DataError(f"{file} cannot be read: {exc.strerror}. Restore the image, or remove its frame.") from exc
        tag = f"{state.st_mtime_ns:x}-{state.st_size:x}"
        return self._cache.get((str(file), tag), lambda: self._converted(file, siblings, tag))

    def video_frame(self, video: Path, index: int) -> ImageBytes:
        """Return frame `index` of a video as JPEG, in its full size.

        Raises
        ------
        DataError
            The video cannot be read or has no such frame.
        """
        tag = f"{index}-{'-'.join(map(str, _state_of(video)))}"
        return self._cache.get((str(video), tag), lambda: self._from_video(video, index, tag))

    def video_size(self, video: Path) -> tuple[int, int, int, float]:
        """Return (width, height, number of readable frames, frames per second); decodes the video once."""
        return self._videos.ask(video, lambda reader: (reader.width, reader.height, reader.frame_count, reader.fps))

    def with_video(self, video: Path, question: Callable[[VideoReader], T]) -> T:
        """Return what `question` finds out from an open video, in the thread that reads videos.

        Raises
        ------
        DataError
            The video cannot be read.
        """
        return self._videos.ask(video, question)

    def _from_video(self, video: Path, index: int, tag: str) -> ImageBytes:
        return _as_jpeg(self._videos.ask(video, lambda reader: reader.read(index)), tag)

    def _converted(self, file: Path, siblings: Sequence[Path], tag: str) -> ImageBytes:
        content = read_content(file)
        kind = _shown_as_it_is(content)
        if kind and len(content) <= _SENT_AS_IT_IS:
            stored_image(content, str(file))  # a damaged file is an error here and not an empty page
            return ImageBytes(content, kind, tag)
        stored = stored_image(content, str(file))
        bits = (
            max(self._depth(file.parent, siblings), bits_in_use(int(stored.max()))) if stored.dtype != np.uint8 else 8
        )
        pixels = to_8_bits(stored, bits)
        return _as_jpeg(pixels, tag) if len(content) > _SENT_AS_IT_IS else _as_png(pixels, tag)

    def _depth(self, folder: Path, siblings: Sequence[Path]) -> int:
        """Return the bits in use in a sample of the folder's 16-bit images, so that one dark image is shown dark."""
        if folder not in self._depths:
            step = max(1, len(siblings) // _DEPTH_SAMPLE)
            highest = 0
            for file in siblings[::step]:
                try:
                    stored = stored_image(read_content(file), str(file))
                except DataError:
                    continue  # it is shown as damaged when its turn comes
                highest = max(highest, int(stored.max()) if stored.dtype == np.uint16 else 0)
            self._depths[folder] = bits_in_use(highest)
        return self._depths[folder]


class _Cache:
    """The last images that were asked for, up to a size in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self._kept: OrderedDict[tuple[str, str], ImageBytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str], make: Callable[[], ImageBytes]) -> ImageBytes:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self.size += len(made.content)
            while self.size > self._limit and len(self._kept) > 1:
                self.size -= len(self._kept.popitem(last=False)[1].content)
        return made


class _Videos:
    """Open videos, each read by one thread: decoders are not to be shared."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dlc-video")
        self._open: OrderedDict[Path, VideoReader] = OrderedDict()
        self._states: dict[Path, tuple[int, int]] = {}

    def ask(self, video: Path, question: Callable[[VideoReader], T]) -> T:
        return self._pool.submit(lambda: question(self._reader(video))).result()

    def close(self) -> None:
        self._pool.submit(self._close_all)
        self._pool.shutdown(wait=True)

    def _close_all(self) -> None:
        for reader in self._open.values():
            reader.close()
        self._open.clear()

    def _reader(self, video: Path) -> VideoReader:
        state = _state_of(video)
        if video in self._open and self._states[video] != state:  # another file has its name now
            self._open.pop(video).close()
        if video not in self._open:
            self._open[video], self._states[video] = VideoReader(video), state
            if len(self._open) > _OPEN_VIDEOS:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(video)
        return self._open[video]


def _state_of(video: Path) -> tuple[int, int]:
    """Return what changes when another file gets the name of a video."""
    try:
        state = video.stat()
    except OSError as exc:
        raise DataError(f"{video} cannot be read: {exc.strerror}. Put the video back.") from exc
    return state.st_mtime_ns, state.st_size


def _shown_as_it_is(content: bytes) -> str:
    """Return the media type of a file that browsers show with the pixels that training sees, "" for any other."""
    if content.startswith(_JPEG):
        return "" if _CAMERA_NOTE in content[:_NOTE_WITHIN] else "image/jpeg"
    if content.startswith(_PNG) and len(content) > _PNG_COLOUR_AT:
        plain = content[_PNG_DEPTH_AT] <= 8 and content[_PNG_COLOUR_AT] in _PLAIN_PNG
        return "image/png" if plain else ""
    return ""


def _as_png(pixels: NDArray[np.uint8], tag: str) -> ImageBytes:
    return ImageBytes(_encoded(pixels, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]), "image/png", tag)


def _as_jpeg(pixels: NDArray[np.uint8], tag: str) -> ImageBytes:
    return ImageBytes(_encoded(pixels, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]), "image/jpeg", tag)


def _encoded(pixels: NDArray[np.uint8], suffix: str, options: list[int]) -> bytes:
    encoded, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not encoded:
        raise DataError(f"an image of shape {pixels.shape} cannot be sent as {suffix}. Export it in a smaller size.")
    return data.tobytes()
