"""What the editors of human and of machine labels share: one table of one folder, edited by several people at once.

Every edit is a line in the table's journal, on the disk before `FolderEditor.apply` returns. What others do meanwhile,
in this program or another, is noticed by the state of the files (`poll`, and before every edit). All methods may be
called from several threads; only `compact` takes long, and nothing waits for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Generic, Self, TypeVar

from dlc_core.console import warn
from dlc_core.errors import DataError, EditConflict, suggest
from dlc_core.labels.aside_frames import take_out
from dlc_core.labels.compact import Stamp, compact, snapshot, stamp_of
from dlc_core.labels.frame_state import inverse_of, revision_of, whole_points, with_floats
from dlc_core.labels.journal import Edit, Entry, append, folder_lock
from dlc_core.labels.known_files import file_stamp
from dlc_core.labels.replay import Conflict, Frames, Row, put
from dlc_core.labels.table_files import TableFiles, changed
from dlc_core.project.project import Project

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
"""What counts as an image of a frame."""


Table = TypeVar("Table", bound=TableFiles)
Compact = Callable[[TableFiles, Callable[[Stamp, Stamp], None]], bool]


class FolderEditor(Generic[Table]):
    """The frames of one folder and one table of their points.

    Parameters
    ----------
    project : Project
        The project.
    folder : Path
        A folder below ``labeled-data``.
    by : str
        Who edits, unless an edit says otherwise.
    files : TableFiles
        The table.

    Raises
    ------
    DataError
        The table cannot be read.
    """

    def __init__(self, project: Project, folder: Path, by: str, files: Table) -> None:
        self.project, self.folder, self.by = project, folder, by
        self._files = files
        self._mutex = threading.RLock()
        self._elsewhere: set[str] = set()
        self._conflicts: list[Conflict] = []
        self._moves: dict[Stamp, Stamp] = {}
        self._config_stamp = _changed_at(project.config.path)
        self._frames = Frames()
        self._stamp: Stamp | None = None
        self._on_disk = self._list_images()
        self._read()
        self._elsewhere.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def images(self) -> tuple[str, ...]:
        """All frames, sorted by name: those with an image, and those with a row whose image is `missing`."""
        with self._mutex:
            return tuple(sorted({*self._on_disk, *self._frames.rows}))

    @property
    def missing(self) -> frozenset[str]:
        """The frames that have a row and no image."""
        with self._mutex:
            return frozenset(self._frames.rows.keys() - self._on_disk)

    @property
    def bodyparts(self) -> tuple[str, ...]:
        """The body parts of config.yaml, in its order."""
        return self.project.config.bodyparts

    @property
    def unused(self) -> tuple[str, ...]:
        """Body parts of the table that config.yaml does not list; their points stay as they are."""
        return tuple(name for name in self._frames.bodyparts if name not in self.bodyparts)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Edits that another program's later changes have overruled, since the editor was opened."""
        return tuple(self._conflicts)

    def is_labelled(self, image: str) -> bool:
        """Tell whether a frame has a row, be it without points."""
        with self._mutex:
            return self._known(image) in self._frames.rows

    def revision(self, image: str) -> int:
        """Return a number that changes whenever the frame does, and is the same after a restart; below 2**53."""
        with self._mutex:
            return revision_of(self._frames, self._known(image))

    def apply(self, edit: Edit, seen: int | None = None) -> Edit:
        """Make an edit, which is on the disk when this returns, and return the edit that takes it back.

        Parameters
        ----------
        edit : Edit
            What to do.
        seen : int or None
            The `revision` of the frame that the person saw; None to edit whatever is there.

        Raises
        ------
        EditConflict
            The frame is another one than the person saw. It holds the present state.
        DataError
            There is no such frame or body part, a coordinate is no number, or the table cannot be read any more.
        DiskError
            It could not be written: nothing has changed, here or on the disk.
        """
        with self._mutex, folder_lock(self.folder):
            self._catch_up()
            edit = with_floats(edit)
            self._check(edit)
            self._refuse_unseen(edit.image, seen)
            entry, inverse = self._entry(edit), inverse_of(self._frames, edit)
            self._append(entry)
            return inverse

    def remove_frame(self, image: str, seen: int | None = None, by: str = "") -> Path | None:
        """Take a frame out: its image and its labels move to ``removed/`` in the folder; nothing is deleted.

        Parameters
        ----------
        image : str
            The frame.
        seen : int or None
            As in `apply`.
        by : str
            Who does it.

        Returns
        -------
        Path or None
            Where the image is now; None if it was missing.

        Raises
        ------
        EditConflict, DataError, DiskError
            As in `apply`.
        """
        with self._mutex, folder_lock(self.folder):
            self._catch_up()
            self._refuse_unseen(self._known(image), seen)
            rows: dict[Path, Row] = {}
            for files in self._tables():
                found = (self._frames if files == self._files else snapshot(files).frames).rows
                if image in found:
                    rows[files.journal] = found[image]
            moved = take_out(self.folder, image, rows, by or self.by)
            put(self._frames, Entry(edit=Edit(image=image, drop=True)))
            self._note_append()
            self._on_disk = self._list_images()
            return moved

    def poll(self) -> set[str]:
        """Return the frames that changed elsewhere since the last call, new and removed ones included.

        An edit made through another editor, a journal that another process wrote, a table that another program saved,
        an image that came or went; after a change of config.yaml all frames.

        Raises
        ------
        DataError
            The table cannot be read any more, as it is when a spreadsheet has saved it in another format.
        """
        with self._mutex:
            self._catch_up()
            on_disk = self._list_images()
            self._elsewhere |= on_disk ^ self._on_disk
            self._on_disk = on_disk
            found, self._elsewhere = self._elsewhere, set()
            return found

    def size(self) -> int:
        """Return how many points the table has room for: frames times body parts."""
        with self._mutex:
            return len(self._frames.rows) * len(self._frames.bodyparts)

    def compact(self, by: Compact = compact) -> bool:
        """Put the journal into the table; return whether that happened, False if others kept writing.

        Edits do not wait for this, so that it can run in a thread of its own.

        Parameters
        ----------
        by : callable
            `dlc_core.labels.compact.compact`, or that of a `Compactor`, which does it in another process.

        Raises
        ------
        DataError, DiskError
            It could not be done. Nothing is lost: the journal stays, and everybody reads it.
        """
        return by(self._files, self._note_move)

    def close(self) -> None:
        """Compact; if that cannot be done, say so and leave the journal."""
        try:
            self.compact()
        except DataError as exc:
            warn(f"the edits stay in {self._files.journal} for now, where every step reads them: {exc}", exc)

    def _tables(self) -> Iterable[TableFiles]:
        """Return all tables of the folder that may have a row for a frame that is removed.

        That of the human labels comes first: a death in between may leave a machine's row without an image.
        """
        return (self._files,)

    def _entry(self, edit: Edit) -> Entry:
        """Return what is written for `edit`."""
        row = self._frames.rows.get(edit.image)
        touched = (row or {}) if edit.drop else (*edit.set, *edit.unset)
        was = None if row is None else {name: row.get(name) for name in touched}
        columns = () if self._frames.bodyparts else self.bodyparts
        return Entry(edit=replace(edit, by=edit.by or self.by), was=was, bodyparts=columns)

    def _append(self, entry: Entry) -> None:
        """Write an entry, and only then make it part of the state."""
        try:
            append(self._files.journal, entry)
        except BaseException:
            self._stamp = None  # look again at what is on the disk
            raise
        put(self._frames, entry)
        self._note_append()

    def _note_append(self) -> None:
        """Note what this editor wrote; what other programs saved meanwhile is noticed the next time."""
        if self._stamp is not None:
            self._stamp = (*self._stamp[:-1], file_stamp(self._files.journal))

    def _check(self, edit: Edit) -> None:
        image = self._known(edit.image)
        if image not in self._frames.rows and not (self.folder / image.rsplit("/", 1)[-1]).is_file():
            raise self._no_frame(image)
        known = dict.fromkeys((*self.bodyparts, *self._frames.bodyparts))
        for name in (*edit.set, *edit.unset):
            if name not in known:
                raise DataError(f"there is no body part {name!r}. {suggest(name, known)}Known: {', '.join(known)}.")
        for name, values in edit.set.items():
            if len(values) != 2 or not all(math.isfinite(value) for value in values):
                self._check_values(image, name, values)
        if set(edit.set) & set(edit.unset) or (edit.drop and (edit.set or edit.unset or edit.row)):
            raise DataError(f"an edit of {image} both places and removes a point. Send two edits.")

    def _check_values(self, image: str, name: str, values: tuple[float, ...]) -> None:
        raise DataError(f"{name} in {image} is placed at {values}; two finite numbers x, y are expected.")

    def _known(self, image: str) -> str:
        if image not in self._on_disk and image not in self._frames.rows:
            raise self._no_frame(image)
        return image

    def _no_frame(self, image: str) -> DataError:
        others = [name for name in self.images if name != image]
        return DataError(
            f"there is no frame {image!r} in {self.folder}. {suggest(image, others)}Is it removed or renamed?"
        )

    def _refuse_unseen(self, image: str, seen: int | None) -> None:
        now = self.revision(image)
        if seen is not None and seen != now:
            raise EditConflict(
                f"{image} was changed by somebody else since it was shown; the edit was not made. Look at it again.",
                image,
                whole_points(self._frames.rows.get(image, {})),
                now,
            )

    def _catch_up(self) -> None:
        """Read the files again if anybody else changed them, config.yaml included."""
        config = _changed_at(self.project.config.path)
        if config != self._config_stamp:
            self.project = Project.open(self.project.root)
            self._config_stamp = config
            self._elsewhere |= set(self.images)
        now = stamp_of(self._files)
        if now == self._stamp:
            return
        if self._stamp is not None and self._moves.pop(self._stamp, None) == now:
            self._stamp = now
            return
        self._read()

    def _read(self) -> None:
        state = snapshot(self._files)
        before = self._frames
        self._frames, self._stamp = state.frames, state.stamp
        self._elsewhere |= changed(before.rows, state.frames.rows)
        self._elsewhere |= {
            image
            for image in before.done.keys() | state.frames.done.keys()
            if before.done.get(image, "") != state.frames.done.get(image, "")
        }
        self._conflicts += [conflict for conflict in state.conflicts if conflict not in self._conflicts]

    def _note_move(self, before: Stamp, after: Stamp) -> None:
        self._moves[before] = after  # called under the folder's lock: the mutex is not to be waited for here

    def _list_images(self) -> set[str]:
        try:
            names = [path.name for path in self.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        except OSError as exc:
            raise DataError(
                f"{self.folder} cannot be read: {exc.strerror}. Check that the drive is connected."
            ) from exc
        return {f"labeled-data/{self.folder.name}/{name}" for name in names if not name.startswith(".")}


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
