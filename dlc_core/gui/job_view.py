"""What a started step looks like on the pipeline page: progress, what it says, its question, pictures and videos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nicegui import ui

from dlc_core.errors import DlcError
from dlc_core.gui.artifacts import Artifacts, is_picture, shown_files
from dlc_core.gui.job_files import CANCELLED, DONE, FAILED, LOST, RUNNING, Job, Progress
from dlc_core.gui.jobs import Jobs

_LINES = 400
_WORDS = {RUNNING: "runs", DONE: "done", FAILED: "failed", CANCELLED: "cancelled", LOST: "was killed"}
_FIRST_SHOWN = 12


class JobView:
    """The latest start of one step, kept up to date by `refresh`; elements in the current slot.

    Parameters
    ----------
    jobs : Jobs
    artifacts : Artifacts
    changed : callable
        Called when a step ended, or was asked to.
    """

    def __init__(self, jobs: Jobs, artifacts: Artifacts, changed: Callable[[], None]) -> None:
        self.jobs, self.artifacts, self.changed = jobs, artifacts, changed
        self.shown: Job | None = None
        self.lines: list[str] = []
        self.box = ui.column().classes("w-full gap-2 dlc-job")
        with self.box:
            with ui.row().classes("w-full items-center gap-2 no-wrap"):
                self.title = ui.label().classes("dlc-job-title").props("data-test=job-state")
                ui.space()
                self.cancel = (
                    ui.button("Cancel", on_click=self._cancel).props("flat dense no-caps").props("data-test=cancel")
                )
            self.bar = ui.linear_progress(0, show_value=False).props("instant-feedback rounded").classes("w-full")
            self.far = ui.label().classes("dlc-meaning").props("data-test=progress")
            self.asked = ui.column().classes("w-full gap-2 dlc-question")
            self.problem = ui.label().classes("dlc-problem").props("role=alert")
            self.log = ui.label().classes("dlc-log").props('tabindex=0 role=log aria-label="What the step says"')
            self.log.props("data-test=log")
            self.results = ui.column().classes("w-full gap-3").props("data-test=results")
        self.question = ""
        self.box.set_visibility(False)

    def refresh(self, job: Job | None) -> None:
        """Show a step as it is now; None for one that was never started."""
        self.box.set_visibility(job is not None)
        if job is None:
            self.shown = None
            return
        has_changed = job != self.shown
        if has_changed:
            self._show_state(job)
        if has_changed or job.state == RUNNING:
            self._show_progress(job)
            self._show_lines(job)
            self._show_question(job)
        self.shown = job

    def _show_state(self, job: Job) -> None:
        before, running = self.shown, job.state == RUNNING
        word = "is ending" if running and job.is_cancelling else _WORDS[job.state]
        until = f" until {job.ended[11:16]}" if job.ended else ""
        self.title.set_text(f"{job.verb} {word}, {job.started[:10]} {job.started[11:16]}{until}")
        self.title.classes(replace=f"dlc-job-title {job.state}")
        self.title.props["title"] = " ".join(["dlc", job.verb, *job.words])
        self.cancel.set_visibility(running)
        self.cancel.set_text("End it at once" if job.is_cancelling else "Cancel")
        self.bar.set_visibility(running)
        self.problem.set_text(job.message)
        self.problem.set_visibility(bool(job.message))
        self.results.clear()
        if not running:
            with self.results:
                show_files(shown_files(job.result()), self.artifacts)
        if before is not None and before.folder == job.folder and before.state == RUNNING and not running:
            self.changed()

    def _show_progress(self, job: Job) -> None:
        progress = job.progress() if job.state == RUNNING else None
        self.far.set_visibility(progress is not None)
        self.bar.props("indeterminate" if progress is None else "", remove="" if progress is None else "indeterminate")
        if progress is None:
            return
        self.bar.set_value(progress.share)
        self.far.set_text(progress_text(progress))

    def _show_lines(self, job: Job) -> None:
        lines = job.lines(_LINES)
        if lines != self.lines:
            self.lines = lines
            self.log.set_text("\n".join(lines))
            ui.run_javascript(f"{{const e = getHtmlElement({self.log.id}); if (e) e.scrollTop = e.scrollHeight}}")
        self.log.set_visibility(any(line.strip() for line in lines))

    def _show_question(self, job: Job) -> None:
        question = job.question()
        if question == self.question:
            return
        self.question = question
        self.asked.clear()
        if question:
            with self.asked:
                ui.label(question).classes("dlc-name")
                with ui.row().classes("gap-2"):
                    yes = ui.button("Yes", on_click=lambda: self._answer(job, True)).props("data-test=yes")
                    yes.props("color=primary no-caps unelevated")
                    ui.button("No", on_click=lambda: self._answer(job, False)).props("flat no-caps dense").props(
                        "data-test=no"
                    )

    def _answer(self, job: Job, yes: bool) -> None:
        self.asked.clear()
        try:
            job.answer(yes)
        except DlcError as exc:
            ui.notify(str(exc), type="negative", timeout=0, close_button=True)

    def _cancel(self) -> None:
        if self.shown is not None:
            try:
                self.jobs.cancel(self.shown, at_once=self.shown.is_cancelling)
            except DlcError as exc:
                ui.notify(str(exc), type="negative", timeout=0, close_button=True)
            self.changed()


def show_files(files: Sequence[Path], artifacts: Artifacts) -> None:
    """Show videos, and pictures of which a press opens the large one, in the current slot."""
    pictures = [file for file in files if is_picture(file)]
    for file in files:
        if not is_picture(file):
            ui.label(file.name).classes("dlc-meaning")
            ui.video(artifacts.url(file), autoplay=False, controls=True, loop=True).classes("w-full").props(
                "data-test=video"
            )
    _show_pictures(pictures[:_FIRST_SHOWN], artifacts)
    if len(pictures) > _FIRST_SHOWN:
        more = ui.expansion(f"{len(pictures) - _FIRST_SHOWN} more pictures").props("dense").classes("w-full")

        def fill() -> None:
            if more.value and not more.default_slot.children:
                with more:
                    _show_pictures(pictures[_FIRST_SHOWN:], artifacts)

        more.on_value_change(fill)


def _show_pictures(pictures: Sequence[Path], artifacts: Artifacts) -> None:
    if not pictures:
        return
    with ui.element("div").classes("dlc-pictures"):
        for file in pictures:
            link = ui.link(target=artifacts.url(file), new_tab=True).classes("dlc-picture")
            with link:
                ui.element("img").props(f'src="{artifacts.url(file)}" loading=lazy').props["alt"] = file.stem
                ui.label(file.name)


def progress_text(progress: Progress) -> str:
    """Return how far a step is, for people: ``Training: 120 of 400 steps, 2.5 steps/s, 2 min left``."""
    left = "" if progress.left_s is None else f", {duration_text(progress.left_s)} left"
    rate = f", {progress.rate:.1f} {progress.unit}/s" if progress.rate else ""
    return f"{progress.description}: {progress.done:,} of {progress.total:,} {progress.unit}{rate}{left}"


def duration_text(seconds: float) -> str:
    """Return a length of time in its largest unit: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
