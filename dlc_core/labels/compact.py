"""Read a table with its journal, and put the journal into the table (compaction), while others read and edit.

Reading takes no lock: it is repeated until nothing has changed meanwhile. Compaction builds the new files aside without
a lock, so that no edit waits for it; then, under the folder's lock, it looks whether anything but the end of the
journal has changed, moves the files into place and cuts off the part of the journal that is in them. A process that is
killed in between leaves a journal whose entries are in the table already: they are put in again, to the same result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from dlc_core.aside import aside
from dlc_core.console import counted, warn
from dlc_core.errors import DataError
from dlc_core.labels.aside_frames import finish_removals
from dlc_core.labels.csv_file import elsewhere
from dlc_core.labels.journal import Entry, Journal, begins_with, cut, folder_lock, keep_lines, read_journal
from dlc_core.labels.known_files import FileStamp, file_stamp, is_known, remember_as
from dlc_core.labels.replay import Conflict, Frames, replay
from dlc_core.labels.table_files import Commit, TableFiles

Stamp = tuple[FileStamp | None, ...]
"""Of every file of a table and of its journal; None for one that is not there."""

SETTLED_S = 0.25
"""A table that another program has written more recently may be half written."""
_ATTEMPTS = 20
_LARGEST_SKEW_S = 600.0


@dataclass(frozen=True)
class Snapshot:
    """A table with its journal at one moment.

    Parameters
    ----------
    frames : Frames
        The table with the edits put in.
    journal : Journal
        The edits.
    conflicts : tuple of Conflict
        Edits that came too late.
    stamp : Stamp
        The state of the files, the journal's last; `journal` may hold more than that says.
    """

    frames: Frames
    journal: Journal
    conflicts: tuple[Conflict, ...]
    stamp: Stamp


def stamp_of(files: TableFiles) -> Stamp:
    """Return the state of the files, cheaply: equal stamps mean equal content."""
    return (*(file_stamp(path) for path in files.sources()), file_stamp(files.journal))


def snapshot(files: TableFiles) -> Snapshot:
    """Return a table with its journal; both of the same moment.

    Raises
    ------
    DataError
        A file cannot be read, or other programs never stop writing.
    """
    for _ in range(_ATTEMPTS):
        _wait_until_settled(files)
        before = stamp_of(files)
        try:
            journal = read_journal(files.journal, files.width)
            stored = files.read()
        except DataError:
            if before == stamp_of(files):
                raise
            continue
        after = stamp_of(files)
        if before[:-1] == after[:-1] and (before[-1] is None or _grew(before[-1], after[-1])):
            journal = _of_folder(journal, files.folder, stored)
            frames, conflicts = replay(stored, journal.entries)
            return Snapshot(frames, journal, tuple(conflicts), before)
    raise DataError(f"{files.sources()[0]} is being written again and again. Close the program that does so.")


def compact(files: TableFiles, moved: Callable[[Stamp, Stamp], None] = lambda *_: None) -> bool:
    """Put the journal into the table; return whether there is none left, or only what was edited meanwhile.

    Parameters
    ----------
    files : TableFiles
        The table.
    moved : callable
        Called under the lock with the stamps before and after, which stand for the same content.

    Raises
    ------
    DataError
        The table cannot be read, or somebody holds the lock.
    DiskError
        The folder cannot be written. Nothing is lost: the journal stays.
    """
    for _ in range(3):
        state = snapshot(files)
        if not state.journal.size:
            return True
        if not state.journal.entries and not state.journal.damaged:  # nothing but lines that never counted
            with folder_lock(files.folder):
                if stamp_of(files) == state.stamp:
                    cut(files.journal, state.journal.size)
            return True
        with files.prepared(state.frames) as commit, folder_lock(files.folder):
            before = stamp_of(files)
            if before[:-1] == state.stamp[:-1] and begins_with(files.journal, state.journal):
                moved(before, commit_locked(files, state, commit))
                return True
    return False


def commit_locked(files: TableFiles, state: Snapshot, commit: Commit) -> Stamp:
    """Keep what cannot join the table, move the new files into place, and cut the journal. The lock is held.

    Returns the stamp of what was written here; another program may have saved something else by now.
    """
    _keep_the_rest(files, state)
    finish_removals(files.folder, state.journal.entries)
    written = [_placed(path, stamp) for path, stamp in zip(files.sources(), commit(), strict=True)]
    for path, stamp in zip(files.sources(), written, strict=True):
        remember_as(path, stamp)
    if state.journal.size:
        cut(files.journal, state.journal.size)
    return (*written, file_stamp(files.journal))


def say_conflicts(files: TableFiles, conflicts: tuple[Conflict, ...] | list[Conflict]) -> None:
    """Tell the person at the terminal which edits came too late."""
    if conflicts:
        first = conflicts[0]
        warn(
            f"{counted(len(conflicts), 'point')} of {files.sources()[0]} changed in another program after being edited "
            f"here; the other program's count, the first is {first.bodypart} in {first.image}."
        )


def _of_folder(journal: Journal, folder: Path, stored: Frames) -> Journal:
    """Return the journal with frames of this folder, which may have had another name when the edits were made.

    While the rows of the table have the old name, too, the edits are theirs.
    """
    if elsewhere(stored.rows, folder):
        return journal

    def renamed(entry: Entry) -> Entry:
        image = f"labeled-data/{folder.name}/{entry.edit.image.rsplit('/', 1)[-1]}"
        return entry if entry.edit.image in ("", image) else replace(entry, edit=replace(entry.edit, image=image))

    return replace(journal, entries=tuple(map(renamed, journal.entries)))


def _keep_the_rest(files: TableFiles, state: Snapshot) -> None:
    if state.conflicts:
        kept = files.journal.with_suffix(".conflicts")
        keep_lines(kept, [json.dumps(asdict(conflict)).encode() for conflict in state.conflicts])
        say_conflicts(files, state.conflicts)
        warn(f"what the edits said is in {kept}.")
    if state.journal.damaged:
        kept = files.journal.with_suffix(".damaged")
        keep_lines(kept, list(state.journal.damaged))
        warn(f"{counted(len(state.journal.damaged), 'line')} of {files.journal} cannot be read and went to {kept}.")


def _placed(path: Path, written: FileStamp | None) -> FileStamp | None:
    """Return the stamp of a file that was moved to `path`; some network drives give it another inode."""
    now = file_stamp(path)
    return now if now and written and now[1:] == written[1:] else written


def _grew(before: FileStamp | None, now: FileStamp | None) -> bool:
    return before is not None and now is not None and before[0] == now[0] and before[1] <= now[1]


def _wait_until_settled(files: TableFiles) -> None:
    for path in files.sources():
        stamp = file_stamp(path)
        if stamp is None or is_known(path) or abs(time.time() - stamp[2] / 1e9) > _LARGEST_SKEW_S:
            continue
        age = _clock_of(files.folder) - stamp[2] / 1e9
        if 0 <= age < SETTLED_S:
            time.sleep(SETTLED_S - age)


def _clock_of(folder: Path) -> float:
    """Return what time it is where the folder is: the clock of a network drive may differ from ours."""
    with suppress(OSError), aside(folder / "clock") as probe:
        probe.touch()
        return probe.stat().st_mtime
    return time.time()
