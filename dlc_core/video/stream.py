"""One open video stream: packets in, frames out in presentation order, damage survived and counted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from stat import S_ISDIR
from types import TracebackType

import av
import av.error

from dlc_core.errors import DataError

_NOT_VIDEO_FORMATS = frozenset({"tty", "image2", "png_pipe", "jpeg_pipe", "bmp_pipe", "tiff_pipe", "webp_pipe"})
_UNKNOWN_RATE = Fraction(25)  # what FFmpeg assumes for streams that carry no timing


class VideoStream:
    """The first video stream of a file, decoded from the start or from a key frame.

    Parameters
    ----------
    path : Path
    threads : bool
        Whether the decoder may use several threads. A damaged stream is decoded with one, because what a decoder with
        several makes of damage depends on their timing.

    Attributes
    ----------
    errors : int
        Packets that could not be decoded so far.

    Raises
    ------
    DataError
        The file is missing, empty, not a video, or has no video stream.
    """

    def __init__(self, path: Path, threads: bool = True) -> None:
        self.path = path
        self.errors = 0
        self._container = _open(path)
        streams = [stream for stream in self._container.streams.video if not _is_cover(stream)]
        if not streams:
            kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "none"
            self._container.close()
            raise DataError(
                f"{path} has no video stream (streams found: {kinds}); a video is expected. "
                "Give the file with the pictures."
            )
        self._stream = streams[0]
        if threads:
            self._stream.thread_type = "AUTO"
        else:
            self._stream.thread_type = "NONE"
            self._stream.codec_context.thread_count = 1

    def __enter__(self) -> VideoStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def rate(self) -> Fraction:
        """Average frames per second by the file's metadata; 25 where it has none."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return Fraction(rate) if rate else _UNKNOWN_RATE

    @property
    def has_rate(self) -> bool:
        """Whether the file says how fast it is to be played."""
        return bool(self._stream.average_rate or self._stream.guessed_rate)

    @property
    def metadata_frames(self) -> int:
        """Frames by the container's header; 0 where the header does not say."""
        return int(self._stream.frames)

    @property
    def codec(self) -> str:
        """The codec's name, as FFmpeg calls it."""
        return str(self._stream.codec_context.name)

    @property
    def pixel_format(self) -> str:
        """The decoder's pixel format, as FFmpeg calls it."""
        return str(self._stream.codec_context.pix_fmt or "unknown")

    def packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """Yield the packets from here on, the empty one that flushes the decoder last; damage ends them, counted."""
        try:
            yield from self._container.demux(self._stream)
        except (av.error.FFmpegError, OSError):
            self.errors += 1

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield the frames from here on, in the order of presentation."""
        for packet in self.packets():
            yield from self.decode(packet)

    def decode(self, packet: av.Packet[av.VideoStream]) -> list[av.VideoFrame]:
        """Return the frames that become complete with `packet`; none, and one more error, if it is damaged."""
        try:
            return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, OSError):
            self.errors += 1
            return []

    def rewind(self, dts: int) -> bool:
        """Go to the key frame whose packet is decoded at `dts` (time-base units); False if that cannot be done."""
        try:
            self._container.seek(dts, stream=self._stream, backward=True)
        except (av.error.FFmpegError, OSError):
            return False
        return True


def _open(path: Path) -> av.container.InputContainer:
    try:
        state = path.stat()
    except PermissionError as exc:
        raise _forbidden(path) from exc
    except OSError as exc:
        raise DataError(f"there is no file {path}; a video is expected. Check the path.") from exc
    if S_ISDIR(state.st_mode):
        raise DataError(f"{path} is a folder; a video file is expected. Name a video in it.")
    if state.st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); a video is expected. Copy or record it again.")
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except PermissionError as exc:
        raise _forbidden(path) from exc
    except (av.error.FFmpegError, OSError) as exc:
        raise DataError(
            f"{path} is not a video that FFmpeg can open ({exc.strerror or exc}); it may be damaged, cut off, or of "
            "another kind. Copy it again, or repair it (`ffmpeg -i OLD -c copy NEW`)."
        ) from exc
    if container.format.name in _NOT_VIDEO_FORMATS:
        name = container.format.name
        container.close()
        raise DataError(f"{path} is no video but a text or a single image (read as {name!r}). Give a video file.")
    return container


def _forbidden(path: Path) -> DataError:
    return DataError(f"{path} may not be read: permission denied. Give yourself the right to read it.")


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)
