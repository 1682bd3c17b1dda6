"""The images of a video's frames in ``labeled-data/<video>/``: their names, their crops, writing them.

A name carries the frame's number, ``img0042.png``. Where the first pixel of a cropped image lies in the frame is
remembered in ``crop.json`` beside the images: ``{"img0042.png": "x1,x2,y1,y2"}``; an image not in it is a whole frame.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.files import write_bytes, write_text
from dlc_core.labels.aside_frames import REMOVED
from dlc_core.video.crop import Crop

CROP_FILE = "crop.json"
_NAME = re.compile(r"img(\d+)\.(?:png|jpe?g|tiff?|bmp)", re.IGNORECASE)


def frame_name(index: int, frame_count: int) -> str:
    """Return the file name of frame `index` of a video of `frame_count` frames: ``img0042.png``."""
    return f"img{index:0{len(str(frame_count - 1))}}.png"


def existing_frames(folder: Path) -> set[int]:
    """Return the numbers of the frames that have an image in `folder`, however many digits their names have."""
    if not folder.is_dir():
        return set()
    return {number for path in folder.iterdir() if (number := frame_number(path.name)) is not None}


def taken_frames(folder: Path) -> set[int]:
    """Return the numbers of the frames that no program chooses again: with an image, or removed by a person."""
    return existing_frames(folder) | existing_frames(folder / REMOVED)


def frame_number(name: str) -> int | None:
    """Return the frame's number in an image's file name, 42 for ``img0042.png``; None for another name."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def read_crops(folder: Path) -> dict[str, Crop]:
    """Return the crop of every cropped image in `folder`, by file name.

    Raises
    ------
    DataError
        ``crop.json`` cannot be read.
    """
    file = folder / CROP_FILE
    if not file.is_file():
        return {}
    try:
        return {str(name): Crop.parse(text) for name, text in json.loads(file.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError) as exc:
        raise DataError(
            f'{file} cannot be read ({exc}); {{"image name": "x1,x2,y1,y2"}} is expected. Mend it, or remove it if no '
            "image of the folder is cropped."
        ) from exc


def remember_crop(folder: Path, names: Iterable[str], crop: Crop | None) -> None:
    """Note in ``crop.json`` that the images `names` show `crop`, None for the whole frame; the others stay."""
    crops = read_crops(folder)
    before = dict(crops)
    for name in names:
        crops.pop(name, None)
        if crop is not None:
            crops[name] = crop
    if crops != before:
        text = json.dumps({name: crops[name].as_text() for name in sorted(crops)}, indent=1)
        write_text(folder / CROP_FILE, text + "\n")


def write_frames(
    folder: Path, frames: Iterable[tuple[int, NDArray[np.uint8]]], frame_count: int, crop: Crop | None
) -> Iterator[int]:
    """Write each (number, RGB image) as PNG and yield its number.

    The crop is remembered before the image appears, so that no cropped image is ever taken for a whole frame.
    """
    for index, image in frames:
        name = frame_name(index, frame_count)
        remember_crop(folder, [name], crop)
        encoded, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if not encoded:
            raise DataError(
                f"frame {index} of shape {image.shape} cannot be stored as {folder / name}. Check the crop."
            )
        write_bytes(folder / name, png.tobytes())
        yield index
