"""The form of one step on the pipeline page: what is chosen and typed becomes words of the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nicegui import run, ui

from dlc_core.console import counted
from dlc_core.errors import DlcError
from dlc_core.gui.options import CHOICE, SWITCH, ChoiceField, OptionField, StepForm, command_line, step_form
from dlc_core.gui.pipeline import Step
from dlc_core.gui.workspace import Workspace

_ALL_BY_DEFAULT = ("extract_frames", "check_labels")
"""Steps that take every video or folder when none is named."""

_SWEEPS = ("train", "evaluate", "analyze", "create_dataset")


class FormView:
    """What a step is told, as elements in the current slot.

    Parameters
    ----------
    workspace : Workspace
    step : Step
        A configured one.
    start : callable
        Called with the words of the command line.
    known : mapping of str to sequence of str
        Options for which values are suggested: names of runs, say.
    """

    def __init__(
        self,
        workspace: Workspace,
        step: Step,
        start: Callable[[list[str]], Awaitable[None]],
        known: Mapping[str, Sequence[str]],
    ) -> None:
        assert step.verb is not None
        self.workspace, self.step, self.verb, self.start, self.known = workspace, step, step.verb, start, known
        self.chosen: dict[str, list[str]] = {}
        self.typed: dict[str, str] = {}
        self.optional: set[str] = set()
        self.open_sections: set[str] = set()
        self.form = StepForm((), ())
        self.fields: dict[str, OptionField] = {}
        self.files: list[str] = self._files() if self.verb.name not in _ALL_BY_DEFAULT else []
        self.sweeps = False
        self.body = ui.column().classes("w-full gap-1 dlc-form")
        with self.body:
            ui.label("Reading the options ...").classes("dlc-meaning")
        with ui.column().classes("w-full gap-2 dlc-actions"):
            self.problem = ui.label().classes("dlc-problem").props("role=alert")
            self.line = ui.label().classes("dlc-command").props("data-test=command")
            with ui.row().classes("items-center gap-3"):
                self.button = ui.button(f"Run {self.verb.command}", on_click=self._start).props("data-test=start")
                self.button.props("color=primary no-caps unelevated icon=play_arrow")
                if self.verb.name in _SWEEPS:
                    ui.checkbox("Several values, separated by commas: a sweep", on_change=self._sweep).props("dense")

    async def load(self) -> None:
        """Compose the step with what is chosen and show its options."""
        self._wait(True)  # nothing is typed into fields that are about to be replaced
        try:
            form = await run.io_bound(step_form, self.verb.name, self.workspace.project, self._choice_words())
        except DlcError as exc:
            self._complain(str(exc))
            self._wait(False)
            return
        if form is None or self.body.is_deleted:  # the server ends, or another step was chosen meanwhile
            return
        self._wait(False)
        self.form, self.fields = form, {option.name: option for option in form.options}
        self.typed = {name: text for name, text in self.typed.items() if name in self.fields}
        self._show()
        self._show_line()

    def words(self) -> list[str]:
        """Return the overrides, as on the command line."""
        typed = [self.fields[name].override(text) for name, text in self.typed.items()]
        return [*(["-m"] if self.sweeps else []), *self._choice_words(), *typed]

    def _wait(self, waits: bool) -> None:
        self.body.props("inert" if waits else "", remove="" if waits else "inert")
        self.button.set_enabled(not waits)

    def _choice_words(self) -> list[str]:
        fields = {choice.group: choice for choice in self.form.choices}
        return [fields[group].override(names) for group, names in self.chosen.items() if group in fields]

    def _show(self) -> None:
        self.body.clear()
        with self.body:
            if self.verb.arguments:
                self._show_files()
            for choice in self.form.choices:
                self._show_choice(choice)
            for section, options in self.form.sections().items():
                if not section:
                    self._show_options(options)
                elif options:
                    self._show_section(section, options)

    def _show_files(self) -> None:
        what = "Folders" if self.verb.arguments == "FOLDER" else "Videos"
        hint = "none chosen: all of them" if self.verb.name in _ALL_BY_DEFAULT else "type a path for one elsewhere"
        names = {path: Path(path).name for path in dict.fromkeys([*self._files(), *self.files])}
        with form_row(what, hint, "files"):
            select = ui.select(
                names,
                value=self.files,
                multiple=True,
                new_value_mode="add-unique" if self.verb.arguments == "VIDEO" else None,
                on_change=lambda event: self._take_files(event.value),
            )
            select.props("outlined dense use-chips hide-bottom-space").classes("w-full")

    def _show_choice(self, choice: ChoiceField) -> None:
        if not choice.chosen:
            self.optional.add(choice.group)
        summary = choice.offered.get(choice.chosen[0], "") if len(choice.chosen) == 1 else ""
        with form_row(choice.group, summary, f"choice-{choice.group}"):
            options = {name: f"{name}: {text}" if text else name for name, text in choice.offered.items()}
            value: Any = list(choice.chosen) if choice.many else (choice.chosen[0] if choice.chosen else None)
            select = ui.select(
                options,
                value=value,
                multiple=choice.many,
                clearable=choice.group in self.optional,
                on_change=lambda event: self._choose(choice.group, event.value),
            )
            select.props("outlined dense hide-bottom-space options-dense").classes("w-full")
            select.props["display-value"] = ", ".join(choice.chosen) or "none"

    def _show_section(self, section: str, options: list[OptionField]) -> None:
        changed = sum(option.name in self.typed for option in options)
        note = counted(len(options), "option") + (f", {changed} changed" if changed else "")
        with ui.expansion(section, caption=note, value=section in self.open_sections) as expansion:
            expansion.classes("w-full dlc-section").props("dense").props(f"data-test=section-{section}")
            expansion.on_value_change(
                lambda event: (self.open_sections.add if event.value else self.open_sections.discard)(section)
            )
            self._show_options(options)

    def _show_options(self, options: Sequence[OptionField]) -> None:
        for option in options:
            source = f"{option.meaning} [{option.source}]" if option.source else option.meaning
            with form_row(option.name.rpartition(".")[2], source, f"option-{option.name}"):
                self._show_input(option)

    def _show_input(self, option: OptionField) -> None:
        text = self.typed.get(option.name, option.text)

        def changed(event: Any) -> None:
            self._type(option, str("" if event.value is None else event.value))

        if option.kind == SWITCH:
            ui.switch(
                value=text == "true", on_change=lambda event: self._type(option, "true" if event.value else "false")
            )
            return
        if option.kind == CHOICE and not self.sweeps:
            values = {"": "none", **{name: name for name in option.choices}} if option.is_optional else option.choices
            shown: Any = values if isinstance(values, dict) else list(values)
            select = ui.select(shown, value=text if text in values else None, on_change=changed)
            select.props("outlined dense options-dense hide-bottom-space").classes("w-full")
            return
        field = ui.input(value=text, placeholder="none" if option.is_optional else "").on_value_change(changed)
        if known := self.known.get(option.name):
            with ui.element("datalist").props(f"id={field.html_id}-datalist"):  # what NiceGUI's input names as its list
                for value in known:
                    ui.element("option").props["value"] = value
        field.props("outlined dense hide-bottom-space").classes("w-full")

    async def _choose(self, group: str, value: Any) -> None:
        if value is None:
            self.chosen.pop(group, None)
        else:
            self.chosen[group] = list(value) if isinstance(value, list) else [str(value)]
        await self.load()

    def _take_files(self, value: Any) -> None:
        self.files = [str(name) for name in value or ()]
        self._show_line()

    async def _sweep(self, event: Any) -> None:
        self.sweeps = bool(event.value)
        self._show()
        self._show_line()

    def _type(self, option: OptionField, text: str) -> None:
        if text.strip() == option.text:
            self.typed.pop(option.name, None)
        else:
            self.typed[option.name] = text
        self._show_line()

    def _show_line(self) -> None:
        self._complain("")
        self.line.set_text(command_line(self.verb.name, self.words(), self.files))

    async def _start(self) -> None:
        """Check what was typed, so that a mistake is shown beside it, and start."""
        self.button.props("loading")
        try:
            await self._check_and_start()
        finally:
            self.button.props(remove="loading")

    async def _check_and_start(self) -> None:
        if not self.sweeps:
            words = [word for word in self.words() if word != "-m"]
            try:
                await run.io_bound(step_form, self.verb.name, self.workspace.project, words)
            except DlcError as exc:
                self._complain(str(exc))
                return
        if self.verb.arguments and not self.files and self.verb.name not in _ALL_BY_DEFAULT:
            self._complain("Choose at least one video.")
            return
        try:
            await self.start([*self.words(), *(["--", *self.files] if self.files else [])])
        except DlcError as exc:
            self._complain(str(exc))

    def _complain(self, text: str) -> None:
        self.problem.set_text(text)
        self.problem.set_visibility(bool(text))

    def _files(self) -> list[str]:
        if self.verb.arguments == "FOLDER":
            return list(self.workspace.folders())
        return [str(path) for path in self.workspace.videos().values()] if self.verb.arguments else []


def form_row(name: str, meaning: str, test: str) -> ui.element:
    """Return the right half of a row, whose left half says what is asked for; `test` names it for tests."""
    row = ui.element("div").classes("dlc-row")
    with row:
        with ui.element("div").classes("dlc-about"):
            ui.label(name).classes("dlc-name")
            if meaning:
                ui.label(meaning).classes("dlc-meaning")
        field = ui.element("div").classes("dlc-field").props(f'data-test="{test}" aria-label="{name}"')
    return field
