"""The page that shows the whole project: its steps with their state, their options, and what they made.

It runs the commands that a person would type (`dlc_core.gui.jobs`) and says which these are. Steps and options come
from the tables and dataclasses of the package, so a plugin's components appear by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from nicegui import run, ui

from dlc_core.console import counted, say
from dlc_core.errors import DlcError
from dlc_core.gui.add_videos import AddVideosView
from dlc_core.gui.artifacts import Artifacts
from dlc_core.gui.job_files import Job
from dlc_core.gui.job_view import JobView, progress_text, show_files
from dlc_core.gui.jobs import Jobs
from dlc_core.gui.learning_curve import curve_options
from dlc_core.gui.network_states import newest_log, suggestions
from dlc_core.gui.pages import page_frame
from dlc_core.gui.pipeline import DONE, PART, READY, WAITING, Step, next_step, read_pipeline
from dlc_core.gui.step_form import FormView
from dlc_core.gui.workspace import Workspace

PATH = "/pipeline"
_STYLE = Path(__file__).parent / "js" / "pipeline.css"
_ICONS = {DONE: "check_circle", PART: "timelapse", READY: "radio_button_unchecked", WAITING: "remove"}
_SAID = {DONE: "done", PART: "begun", READY: "can be done now", WAITING: "waits for another step"}
_RUNS = "runs now"
_REFRESH_S, _REREAD_EVERY = 1.0, 5
_ITEMS_SHOWN = 50


def add(app: FastAPI, workspace: Workspace) -> None:
    """Register ``/pipeline`` and the pictures and videos that it shows."""
    jobs, artifacts = Jobs(workspace.root), Artifacts(app)
    workspace.services.append(_farewell(jobs))

    @ui.page(PATH, response_timeout=60)
    async def pipeline(step: str = "") -> None:
        with page_frame(workspace, PATH):
            ui.add_css(_STYLE)
            await PipelineView(workspace, jobs, artifacts).begin(step)


@asynccontextmanager
async def _farewell(jobs: Jobs) -> AsyncIterator[None]:
    """Say when the server ends that a step goes on."""
    yield
    if text := jobs.farewell():
        say(text)


class PipelineView:
    """The page of one browser.

    Parameters
    ----------
    workspace : Workspace
    jobs : Jobs
        Shared by all browsers.
    artifacts : Artifacts
    """

    def __init__(self, workspace: Workspace, jobs: Jobs, artifacts: Artifacts) -> None:
        self.workspace, self.jobs, self.artifacts = workspace, jobs, artifacts
        self.steps: list[Step] = []
        self.chosen = ""
        self.ticks = 0
        self.items_shown: object = None
        self.log: tuple[str, list[dict[str, str]]] | None = None
        self.log_shown: object = None
        self.nav_shown: object = None
        self.was_running = False
        self.composing = asyncio.Lock()
        with ui.element("div").classes("dlc-pipeline"):
            self.nav = ui.element("nav").classes("dlc-steps").props('aria-label="Steps"')
            self.main = ui.element("main").classes("dlc-step")
            with ui.element("section").classes("dlc-side").props('aria-label="Last run"'):
                self.elsewhere = ui.link("").classes("dlc-elsewhere").props("data-test=elsewhere")
                self.view = JobView(jobs, artifacts, self._reread)
                self.nothing = ui.label("What this step says and makes is shown here.").classes("dlc-meaning")

    async def begin(self, chosen: str) -> None:
        """Show the step that was asked for, else the one that runs, else the one that comes next."""
        await self._read()
        names = [step.name for step in self.steps]
        running, coming = self.jobs.running(), next_step(self.steps)
        at_work = next((step.name for step in self.steps if running and step.command == running.verb), "")
        await self.choose(chosen if chosen in names else at_work or (coming.name if coming else names[0]))
        ui.timer(_REFRESH_S, self._tick)

    async def choose(self, name: str) -> None:
        """Show a step."""
        self.chosen, self.items_shown, self.log_shown = name, None, None
        step = self._step()
        ui.run_javascript(f"history.replaceState(history.state, '', '?step={name}')")
        self._show_nav()
        self.main.clear()
        with self.main:
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(step.title).classes("dlc-title").props("role=heading aria-level=1")
                if step.page:
                    ui.link("Choose by hand" if step.verb else "Open", step.page).classes("dlc-open")
            self.text = ui.label(step.found.text).classes("dlc-meaning")
            if step.verb is not None:
                ui.label(step.verb.summary).classes("dlc-summary")
            self.items = ui.element("div").classes("w-full")
            self.curve = ui.element("div").classes("w-full")
            self._show_items(step)
            if step.verb is not None:
                form = FormView(self.workspace, step, self._start, suggestions(self.workspace.project))
                async with self.composing:  # of several steps that are looked at quickly, only the last is composed
                    if self.chosen == name:
                        await form.load()
            elif step.command == "add-videos":
                AddVideosView(self._start)
        self._show_job()

    async def _start(self, words: Sequence[str]) -> None:
        self.jobs.start(self._step().command, words)
        await self._tick()

    async def _tick(self) -> None:
        self.ticks += 1
        if self.ticks % _REREAD_EVERY == 0:
            await self._read()
            self._show_nav()
            self._show_items(self._step())
        self._show_job()

    def _reread(self) -> None:
        self.ticks = -1  # with the next tick

    async def _read(self) -> None:
        try:
            project = self.workspace.project
            steps = await run.io_bound(read_pipeline, project)
            self.log = await run.io_bound(newest_log, project)
        except DlcError as exc:  # config.yaml is being edited, and is in disorder
            ui.notify(str(exc), type="negative", timeout=8000)
            return
        self.steps = steps or self.steps

    def _step(self) -> Step:
        return next(step for step in self.steps if step.name == self.chosen)

    def _show_nav(self) -> None:
        running, coming = self.jobs.running(), next_step(self.steps)
        shown = (self.chosen, self.steps, running and running.verb)
        if self.nav_shown == shown:
            return
        self.nav_shown = shown
        self.nav.clear()
        with self.nav:
            for step in self.steps:
                is_running = running is not None and step.command == running.verb
                state = "running" if is_running else step.found.state
                button = ui.element("button").classes(f"dlc-nav {state}").props(f"data-test=step-{step.name}")
                button.on("click", lambda _, name=step.name: self.choose(name))
                if step.name == self.chosen:
                    button.props("aria-current=step")
                with button:
                    ui.icon("autorenew" if is_running else _ICONS[step.found.state]).props('aria-hidden="true"')
                    with ui.element("span").classes("dlc-nav-text"):
                        ui.label(step.title)
                        ui.label(_RUNS if is_running else step.found.text).classes("dlc-meaning")
                    if coming is not None and step.name == coming.name and running is None:
                        ui.label("next").classes("dlc-next")

    def _show_items(self, step: Step) -> None:
        self.text.set_text(step.found.text)
        if self.items_shown != step.found.items:
            self.items_shown = step.found.items
            self.items.clear()
            with self.items:
                self._item_table(step)
        if step.name == "train":
            self._show_curve()

    def _item_table(self, step: Step) -> None:
        with ui.element("ul").classes("dlc-items"):
            for item in step.found.items[:_ITEMS_SHOWN]:
                with ui.element("li").classes(item.state):
                    icon = ui.icon(_ICONS[item.state])
                    icon.props["aria-label"] = _SAID[item.state]
                    ui.label(item.name).classes("dlc-item")
                    ui.label(item.text).classes("dlc-meaning")
        if len(step.found.items) > _ITEMS_SHOWN:
            ui.label(f"and {len(step.found.items) - _ITEMS_SHOWN} more").classes("dlc-meaning")
        for item in step.found.items:
            if item.files:
                self._files_of(item.name, item.files)

    def _files_of(self, name: str, files: Sequence[Any]) -> None:
        expansion = ui.expansion(f"{name}: what there is to see", caption=counted(len(files), "file"))
        expansion.props("dense").classes("w-full dlc-section")

        def fill() -> None:
            if expansion.value and not expansion.default_slot.children:
                with expansion:
                    show_files(files, self.artifacts)

        expansion.on_value_change(fill)

    def _show_curve(self) -> None:
        """Draw the loss and the errors of the newest training."""
        found = self.log
        shown = found and (found[0], len(found[1]), found[1][-1].get("step"))
        if not found or shown == self.log_shown:
            return
        self.log_shown = shown
        self.curve.clear()
        with self.curve:
            ui.echart(curve_options(*found)).classes("dlc-curve").props("data-test=curve")

    def _show_job(self) -> None:
        step, running = self._step(), self.jobs.running()
        job = self.jobs.latest(step.command) if step.command else None
        self.view.refresh(job)
        self.nothing.set_visibility(job is None)
        others = running is not None and (job is None or running.folder != job.folder)
        self.elsewhere.set_visibility(others)
        if running is not None and others:
            self._show_elsewhere(running)
        if (running is not None) != self.was_running:
            self.was_running = running is not None
            self._show_nav()

    def _show_elsewhere(self, running: Job) -> None:
        progress = running.progress()
        name = next((step.name for step in self.steps if step.command == running.verb), "")
        self.elsewhere.set_text(progress_text(progress) if progress else f"{running.verb} runs")
        self.elsewhere.props(f'href="{PATH}?step={name}"')
