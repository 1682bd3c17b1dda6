"""Videos written frame by frame: H.264, which every player and browser shows, aside and then into place."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, DataError
from dlc_core.files import disk_error, replacing
from dlc_core.video.colour import BT601, LIMITED_RANGE, from_rgb

_ENCODERS = ("libx264", "libopenh264", "mpeg4")


class VideoWriter:
    """A video being written; the file appears under its name when the ``with`` block ends without an error.

    Parameters
    ----------
    path : path-like
        Its suffix chooses the container: ``.mp4``, ``.avi``, ``.mkv``, ``.mov``.
    fps : float
        Frames per second.
    height, width : int
        Of the frames. An odd side is stored one pixel larger, the last row or column repeated.
    preset : str
        Speed of x264: ``ultrafast`` ... ``veryslow``.
    quality : int
        Constant rate factor of x264: 0 lossless, 18 hardly visible, 23 x264's default.

    Raises
    ------
    ConfigError
        `fps` or the size is not positive, or the suffix names no container.
    DiskError
        The disk is full, read-only, or the name is too long.

    Examples
    --------
    >>> with VideoWriter("copy.mp4", 30, 480, 640) as video:  # doctest: +SKIP
    ...     video.write(rgb)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fps: float,
        height: int,
        width: int,
        preset: str = "veryfast",
        quality: int = 20,
    ) -> None:
        if not fps > 0 or min(height, width) < 1:
            raise ConfigError(
                f"a video of {width} x {height} pixels at {fps} fps cannot be written; a positive size and rate are "
                "needed. Check fps and crop."
            )
        self.path = Path(path)
        self._rate = Fraction(fps).limit_denominator(1_000_000)
        self._size = height, width
        self._options = {"preset": preset, "crf": str(quality)}
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> VideoWriter:
        temporary = self._stack.enter_context(replacing(self.path))
        try:
            self._container = av.open(str(temporary), mode="w")
            self._stream = self._new_stream()
        except (ValueError, av.error.FFmpegError) as exc:
            self._stack.__exit__(type(exc), exc, exc.__traceback__)
            raise self._refusal(exc) from exc
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except BaseException as exc:
            self._abandon()
            self._stack.__exit__(type(exc), exc, exc.__traceback__)
            raise
        else:
            if error is not None:
                self._abandon()
            self._stack.__exit__(kind, error, trace)

    @property
    def frame_count(self) -> int:
        """Frames written so far."""
        return self._count

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append one frame, (H, W, 3) uint8 RGB.

        Raises
        ------
        DataError
            The image has another size or type than the video.
        DiskError
            The disk is full.
        """
        if image.shape != (*self._size, 3) or image.dtype != np.uint8:
            raise DataError(
                f"an image of shape {image.shape}, {image.dtype}, does not fit {self.path}; its frames are "
                f"{(*self._size, 3)}, uint8. Resize the image or open another video."
            )
        frame = from_rgb(image)
        frame.pts = self._count
        frame.time_base = 1 / self._rate
        try:
            self._container.mux(self._stream.encode(frame))
        except av.error.FFmpegError as exc:
            raise self._refusal(exc) from exc
        self._count += 1

    def _finish(self) -> None:
        if not self._count:
            raise DataError(
                f"no frame was written to {self.path}; a video needs at least one. Check the range of frames."
            )
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except av.error.FFmpegError as exc:
            raise self._refusal(exc) from exc

    def _abandon(self) -> None:
        with suppress(av.error.FFmpegError):  # closing writes the rest of the file, for which there may be no room
            self._container.close()

    def _new_stream(self) -> av.VideoStream:
        encoder = next(name for name in _ENCODERS if name in av.codecs_available)
        options = self._options if encoder == "libx264" else {}
        stream = self._container.add_stream(encoder, rate=self._rate, options=options)
        assert isinstance(stream, av.VideoStream)
        height, width = self._size
        stream.height, stream.width = height + height % 2, width + width % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = 1 / self._rate
        stream.codec_context.colorspace = BT601
        stream.codec_context.color_range = LIMITED_RANGE
        return stream

    def _refusal(self, exc: Exception) -> ConfigError | DataError:
        if isinstance(exc, av.error.FFmpegError) and isinstance(exc.errno, int) and 0 < exc.errno < 200:
            return disk_error(self.path, OSError(exc.errno, exc.strerror or str(exc)))
        return ConfigError(
            f"{self.path} cannot be written as a video ({exc}); the suffix {self.path.suffix!r} was found, one like "
            ".mp4, .mkv, .mov or .avi is needed. Choose another name."
        )
