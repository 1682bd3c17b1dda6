"""All open folders of one kind of editing: opening, telling every browser what changed, writing tables at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import Any
from weakref import WeakSet

from nicegui.element import Element

from dlc_core.console import warn
from dlc_core.errors import DlcError
from dlc_core.gui.desk import Desk

_POLL_S = 0.7


class Desks:
    """Folders that are open, by name, and the canvases that show them.

    Parameters
    ----------
    open_desk : callable
        Given a folder's name, returns it open.
    version : callable
        Returns what an open folder depends on (the project's iteration); when that changes it is opened anew.
    """

    def __init__(self, open_desk: Callable[[str], Desk], version: Callable[[], object]) -> None:
        self._open_desk = open_desk
        self._version = version
        self._opened_as: dict[str, object] = {}
        self._desks: dict[str, Desk] = {}
        self._lock = Lock()  # of what is open, never held for long
        self._opening: dict[str, Lock] = {}
        self._canvases: WeakSet[Element] = WeakSet()
        self._said: dict[tuple[str, str], str] = {}

    def desk(self, folder: str) -> Desk:
        """Return an open folder, opening it first if it is not; raises DlcError if it cannot be opened."""
        version = self._version()
        with self._lock:
            if self._is_open(folder, version):
                return self._desks[folder]
            opening = self._opening.setdefault(folder, Lock())
        with opening:  # a large folder takes seconds, and those who edit others must not wait for it
            with self._lock:
                if self._is_open(folder, version):
                    return self._desks[folder]
                old = self._desks.pop(folder, None)
            if old is not None:
                old.close()
            new = self._open_desk(folder)
            with self._lock:
                self._desks[folder], self._opened_as[folder] = new, version
            return new

    def opened(self) -> dict[str, Desk]:
        """Return the folders that are open, by name."""
        return dict(self._desks)

    def shown_by(self, canvas: Element) -> None:
        """Tell `canvas` what others change from now on."""
        self._canvases.add(canvas)

    def tell(self, folder: str, files: Iterable[str], sender: str = "") -> None:
        """Tell every browser which frames of a folder have changed; to be called in the event loop.

        Parameters
        ----------
        folder : str
        files : iterable of str
            Names of image files; "" stands for the list of frames or body parts.
        sender : str
            The page that made the change and knows it already.
        """
        news = {"folder": folder, "files": list(files), "sender": sender}
        for canvas in list(self._canvases):
            if not canvas.is_deleted:  # one whose connection is lost for a moment is told when it is back
                with canvas.client:
                    canvas.run_method("changed", news)

    def close(self) -> None:
        """Write the tables of all folders and let go of them."""
        with self._lock:
            for desk in self._desks.values():
                self._safely(desk.name, desk.close)
            self._desks.clear()

    @asynccontextmanager
    async def service(self) -> AsyncIterator[None]:
        """Watch the open folders as long as the server runs; all tables are written at its end."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await asyncio.to_thread(self.close)

    def _is_open(self, folder: str, version: object) -> bool:
        return folder in self._desks and self._opened_as[folder] == version

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            for desk in list(self._desks.values()):
                await asyncio.to_thread(self._safely, desk.name, desk.rest)
                changed = await asyncio.to_thread(self._safely, desk.name, desk.poll)
                if changed:
                    self.tell(desk.name, changed)

    def _safely(self, folder: str, work: Callable[[], Any]) -> Any:
        """Do `work`; an error is said once on the terminal, because the edits are in the journal all the same."""
        what = folder, work.__name__
        try:
            result = work()
        except (DlcError, OSError) as exc:  # a folder that is gone must not end the watch over the others
            if str(exc) not in (self._said.get(known) for known in self._said if known[0] == folder):
                warn(f"{folder}: {exc}", exc)
            self._said[what] = str(exc)
            return None
        self._said.pop(what, None)
        return result
