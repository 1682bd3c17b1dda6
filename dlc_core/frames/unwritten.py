"""Labels of frames that have no image: they must never be taken for those of an image that shows another part.

``crop.json`` says which part of a frame its image shows, and so where its labels lie. Outlier frames get their crop and
their machine labels before their image, so that no image is ever without; an extraction that is killed, and a person
who moves images away, leave labels alone. They stay: the image may come back. Before one is written, `make_way` looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dlc_core.console import warn
from dlc_core.errors import DataError, DiskError
from dlc_core.files import disk_errors
from dlc_core.frames.frame_files import existing_frames, frame_number, read_crops, remember_crop
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.folder_table import tables_in
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.machine import COPY_NAME, MachineLabels, add_machine, machine_tables, read_machine, write_machine
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.video.crop import Crop


def make_way(folder: Path, frames: Iterable[int], crop: Crop | None) -> None:
    """Remove the machine labels, of every iteration, of frames without an image that lie in pixels of another crop.

    What a person has labelled or corrected is never removed: the images are not written then. A table that cannot be
    read, and so cannot be used either, is named.

    Parameters
    ----------
    folder : Path
        ``labeled-data/<video>``.
    frames : iterable of int
        Numbers of the frames whose images are about to be written.
    crop : Crop or None
        Which part of them the images will show; None for the whole frame.

    Raises
    ------
    DataError
        A person has labelled such a frame, or somebody else is writing the machine labels for long.
    DiskError
        The folder cannot be written.
    """
    absent = set(frames) - existing_frames(folder)
    if not absent or not folder.is_dir():
        return
    crops = read_crops(folder)

    def lies_elsewhere(image: str) -> bool:
        name = image.rsplit("/", 1)[-1]
        return frame_number(name) in absent and crops.get(name) != crop

    tables: list[LabelFiles | MachineFiles] = [MachineFiles(folder, number) for number in machine_tables(folder)]
    tables += [LabelFiles(folder, name.removeprefix("CollectedData_")) for name in tables_in(folder)]
    stale: dict[MachineFiles, set[str]] = {}
    for files in tables:
        try:
            found = snapshot(files).frames
        except DiskError:
            raise
        except DataError as exc:
            warn(str(exc), exc)
            continue
        images = set(filter(lies_elsewhere, found.rows))
        by_hand = images if isinstance(files, LabelFiles) else images & found.done.keys()
        if by_hand:
            name = min(by_hand).rsplit("/", 1)[-1]
            raise _not_written(folder / name, crops.get(name), crop)
        if images and isinstance(files, MachineFiles):
            stale[files] = images
    for files, images in stale.items():
        _remove(files, images)


def note_machine(labels: MachineLabels, files: MachineFiles, crop: Crop | None) -> set[str]:
    """Write the machine labels of frames whose images come next, and their crop; return the frames new to the table.

    Parameters
    ----------
    labels : MachineLabels
        In pixels of the crop.
    files : MachineFiles
        Where they belong.
    crop : Crop or None
        Which part of the frames the images will show; None for the whole frame.

    Raises
    ------
    DataError, DiskError
        As `dlc_core.labels.machine.add_machine`.
    """
    there = set()
    if files.h5.is_file():
        compact(files)  # a frame that was removed, and whose image is gone for good, may come again
        there = set(read_machine(files.h5).images)
    remember_crop(files.folder, [image.rsplit("/", 1)[-1] for image in labels.images], crop)
    add_machine(labels, files.h5)
    return set(labels.images) - there


def drop_unwritten(folder: Path, iteration: int, images: Iterable[str]) -> None:
    """Remove the machine labels of those of `images` that were not written, unless a person has edited them.

    Raises
    ------
    DataError, DiskError
        As `make_way`.
    """
    absent = {image for image in images if not (folder / image.rsplit("/", 1)[-1]).is_file()}
    files = MachineFiles(folder, iteration)
    if absent and files.h5.is_file():
        _remove(files, absent)


def _remove(files: MachineFiles, unwanted: set[str]) -> None:
    """Remove the rows of frames that nobody has edited."""
    compact(files)
    with folder_lock(files.folder):
        labels, edited = read_machine(files.h5), snapshot(files).frames.done
        kept = [row for row, image in enumerate(labels.images) if image in edited or image not in unwanted]
        if len(kept) == len(labels.images):
            return
        if kept or files.journal.exists():
            names = tuple(labels.images[row] for row in kept)
            rest = replace(labels, images=names, keypoints=labels.keypoints[kept], likelihood=labels.likelihood[kept])
            write_machine(rest, files.h5)
            return
        with disk_errors(files.h5):
            files.h5.unlink()
            (files.folder / COPY_NAME).unlink(missing_ok=True)


def _not_written(image: Path, there: Crop | None, asked: Crop | None) -> DataError:
    before, now = (f"the crop {crop.as_text()}" if crop else "the whole frame" for crop in (there, asked))
    return DataError(
        f"{image} is not there, and a person has labelled it on {before}; an image of {now} would have these labels in "
        "the wrong place. Put the image back, extract the frame as it was, or remove the frame on the label page first."
    )
