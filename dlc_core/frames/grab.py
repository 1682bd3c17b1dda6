"""Take single frames of a video that a person chose, as extraction takes those that a selector chose."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dlc_core.frames.extract import ExtractedFrames
from dlc_core.frames.frame_files import existing_frames, write_frames
from dlc_core.frames.unwritten import make_way
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader


def grab_frames(reader: VideoReader, folder: Path, indices: Iterable[int], crop: Crop | None) -> ExtractedFrames:
    """Write frames of an open video into ``labeled-data/<video>``; those that have an image already are left alone.

    Parameters
    ----------
    reader : VideoReader
    folder : Path
        Where its images are.
    indices : iterable of int
        Frame numbers.
    crop : Crop or None
        The part that is written, remembered beside the images; None for the whole frame.

    Raises
    ------
    DataError
        There is no such frame, or a person has labelled another part of it and its image is gone.
    ConfigError
        The crop lies outside the frame.
    DiskError
        An image cannot be written.
    """
    if crop is not None:
        crop = crop.within(reader.height, reader.width, str(reader.path))
        crop = None if crop.is_whole(reader.height, reader.width) else crop
    existing = existing_frames(folder)
    new = sorted(set(indices) - existing)
    make_way(folder, new, crop)
    written = tuple(write_frames(folder, reader.frames(new, crop=crop), reader.frame_count, crop))
    return ExtractedFrames(reader.path, folder, written, tuple(sorted(existing)))
