"""Frames before and after a labelled one, from the project's video, for heads that look at several frames."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.frames.frame_files import CROP_FILE, read_crops
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_OPEN_VIDEOS = 8
_CACHE_BYTES = 256 * 2**20


class Neighbours:
    """Windows of frames around labelled images; beyond the ends of a video its first or last frame is repeated.

    Videos are opened when a frame is first needed, in each worker process anew. Decoded frames are kept, up to 256
    MiB a process, because an epoch needs the same ones again.

    Parameters
    ----------
    window : sequence of int
        Offsets of the frames; offset 0 is the labelled image itself.
    videos : mapping of Path to Crop or None
        The project's videos, each with its crop in ``video_sets``; a label folder belongs to the video of the same
        name.
    corners : mapping of str to (x, y)
        Where an image's first pixel lies in the video's frame, by image name, as far as that is remembered.

    Attributes
    ----------
    corners : dict of str to (x, y)
        The same, completed by `check`; (0, 0) for images not listed.
    """

    def __init__(
        self,
        window: Sequence[int],
        videos: Mapping[Path, Crop | None],
        corners: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self.window = tuple(window)
        self._videos = {Path(video).stem: Path(video) for video in videos}
        self._cut = {Path(video).stem: crop for video, crop in videos.items()}
        self.corners = dict(corners or {})
        self._process = 0
        self._readers: OrderedDict[str, VideoReader] = OrderedDict()
        self._frames: OrderedDict[tuple[Path, int, Crop], NDArray[np.uint8]] = OrderedDict()

    def check(self, images: Mapping[str, tuple[int, int]]) -> None:
        """Check, before anything is trained, that every window can be read, and complete `corners`.

        DeepLabCut cuts the frames that it extracts and remembers nothing beside them: an image that is smaller than
        its video and has no corner is taken for what the video's crop in ``video_sets`` shows, if the size fits.

        Parameters
        ----------
        images : mapping of str to (height, width)
            Size of each labelled image, by name ``labeled-data/<folder>/<file>``.

        Raises
        ------
        DataError
            A video is missing or unreadable, shorter than a frame number says, or of another size than the images;
            an image may have been cut out anywhere; or a file name holds no frame number.
        """
        folders: dict[str, list[str]] = {}
        for name in images:
            folders.setdefault(_folder(name), []).append(name)
        for folder, names in folders.items():
            reader = self._reader(folder, names[0])
            for name in names:
                frame = frame_index(name)
                if frame >= reader.frame_count:
                    raise DataError(
                        f"{name} would be frame {frame} of {reader.path}, which has {reader.frame_count} frames. "
                        "Put the video back that the frames were taken from."
                    )
                if name not in self.corners and _is_part(images[name], reader):
                    self.corners[name] = self._corner(name, images[name], reader)
                crop = self._crop(name, images[name])
                if not (crop.x2 <= reader.width and crop.y2 <= reader.height):
                    raise DataError(
                        f"{name} is {images[name][1]} x {images[name][0]} pixels from "
                        f"({crop.x1}, {crop.y1}) on, which does not fit into {reader.path} with "
                        f"{reader.width} x {reader.height} (width x height). Put back the video that the frames were "
                        "taken from; the corner of cropped frames is in their folder's crop.json."
                    )

    def around(self, name: str, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the window of a labelled image.

        Parameters
        ----------
        name : str
            Of the image.
        image : (H, W, 3) uint8

        Returns
        -------
        (T, H, W, 3) uint8
        """
        if self.window == (0,):
            return image[None]
        folder, centre = _folder(name), frame_index(name)
        reader = self._reader(folder, name)
        wanted = [min(max(centre + offset, 0), reader.frame_count - 1) for offset in self.window]
        crop = self._crop(name, (image.shape[0], image.shape[1]))
        decoded = self._decoded(reader, {frame for frame in wanted if frame != centre}, crop)
        return np.stack([image if frame == centre else decoded[frame] for frame in wanted])

    def _decoded(self, reader: VideoReader, frames: set[int], crop: Crop) -> dict[int, NDArray[np.uint8]]:
        keys = {frame: (reader.path, frame, crop) for frame in frames}
        found = {frame: self._frames[key] for frame, key in keys.items() if key in self._frames}
        for frame, pixels in reader.frames(sorted(frames - found.keys()), crop=crop):
            found[frame] = self._frames[keys[frame]] = np.ascontiguousarray(pixels)
        while sum(kept.nbytes for kept in self._frames.values()) > _CACHE_BYTES:
            self._frames.popitem(last=False)
        return found

    def _reader(self, folder: str, name: str) -> VideoReader:
        if self._process != os.getpid():  # a fork shares the file position with its parent: open again
            self._readers, self._process = OrderedDict(), os.getpid()
        if folder not in self._readers:
            video = self._videos.get(folder)
            if video is None or not video.is_file():
                where = f"{video} is not there" if video else f"no video of the project is named {folder!r}"
                raise DataError(
                    f"the frames around {name} are needed, but {where}. "
                    "Put the video back, add it (dlc add-videos), or choose a head that looks at one frame."
                )
            self._readers[folder] = VideoReader(video)
            if len(self._readers) > _OPEN_VIDEOS:
                _, oldest = self._readers.popitem(last=False)
                oldest.close()
        self._readers.move_to_end(folder)
        return self._readers[folder]

    def _crop(self, name: str, size: tuple[int, int]) -> Crop:
        x, y = self.corners.get(name, (0, 0))
        return Crop(x, x + size[1], y, y + size[0])

    def _corner(self, name: str, size: tuple[int, int], reader: VideoReader) -> tuple[int, int]:
        """Return the corner of the crop in ``video_sets``, if the image can be what that shows."""
        crop = self._cut[_folder(name)]
        if crop is not None:
            inside = min(crop.y2, reader.height) - max(crop.y1, 0), min(crop.x2, reader.width) - max(crop.x1, 0)
            if inside == size:
                return max(crop.x1, 0), max(crop.y1, 0)
        listed = f"the crop {crop.as_text()}, which is of another size" if crop else "no crop"
        raise DataError(
            f"{name} is a part of a frame, {size[1]} x {size[0]} of {reader.width} x {reader.height} pixels (width x "
            f"height), and which part is not known: video_sets has {listed}. Write it into {CROP_FILE} beside the "
            f'image, {{"{PurePosixPath(name).name}": "x1,x2,y1,y2"}}, or choose a head that looks at one frame.'
        )

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_process": 0, "_readers": OrderedDict(), "_frames": OrderedDict()}


def frame_index(name: str) -> int:
    """Return the frame number in an image's file name: 42 for ``labeled-data/mouse/img0042.png``.

    Raises
    ------
    DataError
        The name does not end in digits.
    """
    found = re.search(r"(\d+)$", PurePosixPath(name).stem)
    if found is None:
        raise DataError(
            f"the file name of {name} holds no frame number, so its neighbours in the video are unknown. "
            "Name frames img<number>.png, as dlc extract-frames does, or choose a head that looks at one frame."
        )
    return int(found[1])


def frame_corners(root: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return where the first pixel of cropped images lies in the video's frame.

    Parameters
    ----------
    root : Path
        The project's folder.
    names : iterable of str
        Of the images, ``labeled-data/<folder>/<file>``.

    Returns
    -------
    dict of str to (x, y)
        By image name; an image that is not cropped is not in it.
    """
    crops: dict[Path, dict[str, Crop]] = {}
    corners: dict[str, tuple[int, int]] = {}
    for name in names:
        image = root / name
        if image.parent not in crops:
            crops[image.parent] = read_crops(image.parent)
        crop = crops[image.parent].get(image.name)
        if crop is not None:
            corners[name] = crop.x1, crop.y1
    return corners


def videos_of(project: Project, names: Iterable[str]) -> dict[Path, Crop | None]:
    """Return the project's videos with their crops, and those that labelled images come from without being listed.

    Parameters
    ----------
    project : Project
    names : iterable of str
        Of the images, ``labeled-data/<folder>/<file>``.
    """
    videos = project.videos()
    for folder in sorted({_folder(name) for name in names} - {video.stem for video in videos}):
        video = project.video_of(folder)
        if video is not None:
            videos[video] = None
    return videos


def _is_part(size: tuple[int, int], reader: VideoReader) -> bool:
    whole = reader.height, reader.width
    return size != whole and size[0] <= whole[0] and size[1] <= whole[1]


def _folder(name: str) -> str:
    return PurePosixPath(name).parent.name
