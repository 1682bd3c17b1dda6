"""Machine labels of frames that have no image: they must never be taken for those of an image that is written later.

Machine labels are written before their images, so that no image is ever without. An extraction that is killed, and a
person who moves images away, leave some whose image is not there. They stay, because it may come back, until a program
writes the image of that frame anew: it may show another part of the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dlc_core.files import disk_errors
from dlc_core.frames.frame_files import existing_frames, frame_number
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.machine import COPY_NAME, read_machine, write_machine
from dlc_core.labels.table_files import MachineFiles


def forget_unwritten(folder: Path, iteration: int, frames: Iterable[int]) -> None:
    """Remove the machine labels of those of `frames` that have no image, unless a person has edited them.

    Parameters
    ----------
    folder : Path
        ``labeled-data/<video>``.
    iteration : int
        Of the project.
    frames : iterable of int
        Numbers of the frames whose images are about to be written, or were not.

    Raises
    ------
    DataError
        The machine labels cannot be read, or somebody else is writing them for long.
    DiskError
        The folder cannot be written.
    """
    files = MachineFiles(folder, iteration)
    if not files.h5.is_file():
        return
    compact(files)  # a frame that was removed, and whose image is gone for good, may come again
    with folder_lock(folder):
        labels, edited = read_machine(files.h5), snapshot(files).frames.done
        absent = set(frames) - existing_frames(folder)
        numbers = [None if name in edited else frame_number(name.rsplit("/", 1)[-1]) for name in labels.images]
        kept = [row for row, number in enumerate(numbers) if number not in absent]
        if len(kept) == len(labels.images):
            return
        if kept or files.journal.exists():
            names = tuple(labels.images[row] for row in kept)
            rest = replace(labels, images=names, keypoints=labels.keypoints[kept], likelihood=labels.likelihood[kept])
            write_machine(rest, files.h5)
            return
        with disk_errors(files.h5):
            files.h5.unlink()
            (folder / COPY_NAME).unlink(missing_ok=True)
