"""Folders that are open for editing, each shared by all browsers of a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlc_core.errors import DataError, DlcError, EditConflict, suggest
from dlc_core.labels.compact import compact
from dlc_core.labels.compactor import Compactor
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.journal import KEEP, Edit
from dlc_core.refine.editing import RefineEditor

State = dict[str, Any]
Editor = LabelEditor | RefineEditor

_REST_S = 1.0
_RETRY_S = 5.0
_REST_PER_COMPACTION = 3.0  # a large folder takes longer to write, and waits longer for a pause
_LARGE = 5_000  # points; writing fewer is done before anybody notices
_FAR_PX = 1e7
_NAME_LENGTH = 80


class FrameChangedError(DlcError):
    """Somebody else changed the frame first.

    Parameters
    ----------
    message : str
    state : dict
        The frame as it is now, as `Desk.frame` returns it.
    """

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state


class Desk:
    """One open folder; its methods may be called from any thread.

    Parameters
    ----------
    name : str
        Of the folder.
    editor : LabelEditor or RefineEditor
    extra : callable or None
        Given an image's name, returns more of its state (whether it is done).
    compactor : Compactor or None
        Writes large tables in a process of its own; None writes them here.
    """

    def __init__(
        self,
        name: str,
        editor: Editor,
        extra: Callable[[str], State] | None = None,
        compactor: Compactor | None = None,
    ) -> None:
        self.name = name
        self.editor = editor
        self._compactor = compactor
        self._extra = extra or (lambda _image: {})
        self._prefix = f"labeled-data/{name}/"
        self._edited: float | None = None
        self._pause_s = _REST_S

    def file_names(self) -> list[str]:
        """Return the names of the image files, in order."""
        return [Path(image).name for image in self.editor.images]

    def marks(self) -> list[State]:
        """Return for every frame ``name`` of its file, ``marks`` (a 1 or 0 per body part), ``missing`` and `extra`."""
        parts, missing = self.editor.bodyparts, self.editor.missing
        found = []
        for image in self.editor.images:
            points = self.editor.points(image)
            marks = "".join("1" if part in points else "0" for part in parts)
            state = {"name": Path(image).name, "marks": marks, "missing": image in missing}
            found.append({**state, **self._extra(image)})
        return found

    def frame(self, file: str) -> State:
        """Return a frame's ``revision``, ``points`` {body part: [x, y, likelihood]} and what `extra` says."""
        return self._state(self._image(file))

    def edit(self, file: str, changes: Mapping[str, Any], seen: int) -> State:
        """Make an edit durable; return the ``frame`` as it is now and the ``inverse`` edit.

        Parameters
        ----------
        file : str
            Name of the image file.
        changes : mapping
            ``set``, ``unset``, ``row``, ``drop``, ``done``, ``by`` of `Edit`.
        seen : int
            The frame's revision that the person saw.

        Raises
        ------
        FrameChangedError
            The frame has changed since.
        DataError
            There is no such frame or body part, or the disk refused.
        """
        image = self._image(file)
        edit = self._checked(image, changes)
        try:
            inverse = self.editor.apply(edit, seen)
        except EditConflict as exc:
            raise FrameChangedError(str(exc), self._state(image)) from exc
        self._edited = time.monotonic()
        return {"frame": self._state(image), "inverse": _plain(inverse)}

    def remove(self, file: str, seen: int, by: str) -> None:
        """Move a frame and its labels aside; nothing is deleted. Parameters and exceptions as for `edit`."""
        image = self._image(file)
        try:
            self.editor.remove_frame(image, seen, by=by[:_NAME_LENGTH])
        except EditConflict as exc:
            raise FrameChangedError(str(exc), self._state(image)) from exc
        self._edited = time.monotonic()

    def poll(self) -> list[str]:
        """Return the file names of the frames that were changed elsewhere; "" first if frames or body parts differ."""
        before = self.editor.images, self.editor.bodyparts
        changed = sorted(Path(image).name for image in self.editor.poll())
        return changed if before == (self.editor.images, self.editor.bodyparts) else ["", *changed]

    def rest(self) -> None:
        """Write csv and h5 if the last edit is long enough ago."""
        if self._edited is None or time.monotonic() - self._edited < self._pause_s:
            return
        begun, self._edited = time.monotonic(), None
        self._pause_s, is_done = _RETRY_S, False
        elsewhere = self._compactor if self.editor.size() > _LARGE else None
        try:
            is_done = self.editor.compact(elsewhere.compact if elsewhere else compact)
            self._pause_s = max(_REST_S, _REST_PER_COMPACTION * (time.monotonic() - begun))
        finally:
            if not is_done:  # others kept writing, or the disk is full: later
                self._edited = time.monotonic()

    def close(self) -> None:
        """Write csv and h5, and let go of the folder."""
        self.editor.close()

    def _image(self, file: str) -> str:
        image = self._prefix + file
        if image not in self.editor.images:
            names = [Path(known).name for known in self.editor.images]
            raise DataError(
                f"{self._prefix} has no frame {file!r}. {suggest(file, names)}Reload the page: was it moved or removed?"
            )
        return image

    def _state(self, image: str) -> State:
        points = {part: list(point) for part, point in self.editor.points(image).items()}
        return {"revision": self.editor.revision(image), "points": points, **self._extra(image)}

    def _checked(self, image: str, changes: Mapping[str, Any]) -> Edit:
        """Return what a browser sent as an edit; only known body parts and finite numbers get through."""
        known = set(self.editor.bodyparts)
        try:
            points = {str(part): tuple(map(float, place)) for part, place in changes.get("set", {}).items()}
            unset = tuple(map(str, changes.get("unset", ())))
            done = changes.get("done", KEEP)
            done = done if done is None or done == KEEP else float(done)
        except (TypeError, ValueError, AttributeError) as exc:
            raise DataError(f"an edit of {image} cannot be read ({exc}). Reload the page.") from exc
        if not (done is None or done == KEEP or 0 <= float(done) <= 1):
            raise DataError(f"{image} is to be done with the cutoff {done}; a likelihood from 0 to 1 is expected.")
        for part in (*points, *unset):
            if part not in known:
                raise DataError(f"{part!r} is no body part of this folder. Reload the page to see those there are.")
        for part, place in points.items():
            if len(place) not in (2, 3) or not all(abs(value) < _FAR_PX for value in place):
                raise DataError(f"{part} of {image} is to be at {place}; x and y in pixels are expected. Click again.")
        return Edit(
            image=image,
            set=points,
            unset=unset,
            row=bool(changes.get("row")),
            drop=bool(changes.get("drop")),
            done=done,
            by=str(changes.get("by", ""))[:_NAME_LENGTH],
        )


def _plain(edit: Edit) -> State:
    """Return an edit as a browser sends it back to undo."""
    found: State = {"set": {part: list(place) for part, place in edit.set.items()}, "unset": list(edit.unset)}
    found |= {"row": edit.row, "drop": edit.drop}
    return found if edit.done == KEEP else {**found, "done": edit.done}
