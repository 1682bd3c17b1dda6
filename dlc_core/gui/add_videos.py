"""The form of ``dlc add-videos`` on the pipeline page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from dlc_core.errors import DlcError
from dlc_core.gui.step_form import form_row


class AddVideosView:
    """The form of ``dlc add-videos``: paths on the machine on which the server runs."""

    def __init__(self, start: Callable[[list[str]], Awaitable[None]]) -> None:
        self.start = start
        with form_row(
            "Videos", "paths on the machine where the server runs, one a line; a folder stands for its videos", "paths"
        ):
            self.paths = ui.textarea().props("outlined dense autogrow").classes("w-full")
        with form_row("copy", "copy the videos instead of linking to them", "copies"):
            self.copies = ui.switch()
        self.problem = ui.label().classes("dlc-problem").props("role=alert")
        self.problem.set_visibility(False)
        ui.button("Add videos", on_click=self._start).classes("self-start").props(
            "color=primary no-caps unelevated icon=add"
        ).props("data-test=start")

    async def _start(self) -> None:
        paths = [line.strip() for line in (self.paths.value or "").splitlines() if line.strip()]
        problem = "" if paths else "Give the path of at least one video."
        try:
            if paths:
                await self.start([*(["--copy-videos"] if self.copies.value else []), "--", *paths])
        except DlcError as exc:
            problem = str(exc)
        self.problem.set_text(problem)
        self.problem.set_visibility(bool(problem))
