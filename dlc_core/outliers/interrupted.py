"""Images and their machine labels stay together, whenever an extraction is interrupted.

Machine labels are written before the images, so that no image is ever without; labels whose image did not come are
dropped by the next extraction. A reader in between counts them as frames whose image is gone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.files import disk_errors
from dlc_core.labels.aside_frames import REMOVED
from dlc_core.labels.compact import compact, snapshot
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.machine import COPY_NAME, read_machine, write_machine
from dlc_core.labels.table_files import MachineFiles
from dlc_core.lock import holding

LOCK_NAME = ".extract.lock"


def extracting(folder: Path) -> AbstractContextManager[None]:
    """Return a context in which nobody else extracts outlier frames into `folder`.

    Raises
    ------
    DataError
        Another process does; the message says which.
    DiskError
        The folder cannot be written.
    """

    def refusal(holder: str) -> DataError:
        return DataError(f"outlier frames are being written to {folder} by {holder}. Wait until that is done.")

    return holding(folder / LOCK_NAME, refusal)


def drop_unwritten(folder: Path, iteration: int) -> None:
    """Remove the machine labels of frames without an image, but for those that a person has edited or moved aside.

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
        images = {path.name for place in (folder, folder / REMOVED) if place.is_dir() for path in place.iterdir()}
        kept = [row for row, name in enumerate(labels.images) if name in edited or name.rsplit("/", 1)[-1] in images]
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
