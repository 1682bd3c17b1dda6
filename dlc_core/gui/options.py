"""The form of a step: what can be chosen in it and every option with its value, read from its composed configuration.

Nothing about a step or a component stands here: groups, options, values, where these come from, what they mean and
which are allowed are those that ``dlc VERB --help`` shows, so a plugin's component appears as soon as it is installed.
"""

from __future__ import annotations

import re
import shlex
import threading
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from dlc_core.help import choice_groups, documentation, flat
from dlc_core.option_docs import doc_of
from dlc_core.overrides import quote, quote_free_values
from dlc_core.verbs import FREE_LISTS, FREE_VALUES, Verb, settings_of, verb_named

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project

SWITCH, CHOICE, NUMBER, TEXT = "switch", "choice", "number", "text"
_HIDDEN = re.compile(r"(^|\.)_target_$|^(sweep|yes)$")
_CHOSEN = re.compile(r"\w+=\S+ \(.*\)")  # it comes with the component, whose choice is shown
_PLAIN = re.compile(r"[\w./:+-]+")
_composing = threading.Lock()  # Hydra keeps the composition that is under way in one place for the whole process


@dataclass(frozen=True)
class OptionField:
    """One option as a form shows it.

    Parameters
    ----------
    name : str
        Dotted, as on the command line: ``training.steps``.
    text : str
        Its value as it is written on the command line; "" stands for none.
    kind : {"switch", "choice", "number", "text"}
        How it is best asked for.
    choices : tuple of str
        Every value that is allowed; empty for any.
    meaning : str
        One line.
    source : str
        Where the value comes from, "" for the default of the step or of the chosen component.
    is_optional : bool
        Whether it may be left empty.
    is_free : bool
        Whether any text is a value, and not only what Hydra can read.
    """

    name: str
    text: str
    kind: str
    choices: tuple[str, ...]
    meaning: str
    source: str
    is_optional: bool
    is_free: bool

    @property
    def section(self) -> str:
        """What the option belongs to: ``training``, ``exporters.csv``; "" for the step itself."""
        return self.name.rpartition(".")[0]

    def override(self, text: str) -> str:
        """Return what gives the option another value, as a word of the command line."""
        text = text.strip()
        if not text and (self.is_optional or self.is_free):
            return f"{self.name}=null" if self.is_optional else f"{self.name}=''"
        needs_quotes = self.is_free and self.name not in FREE_VALUES | FREE_LISTS and not _PLAIN.fullmatch(text)
        return f"{self.name}={quote(text) if needs_quotes else text}"


@dataclass(frozen=True)
class ChoiceField:
    """One config group as a form shows it.

    Parameters
    ----------
    group : str
        The word before ``=``.
    chosen : tuple of str
        One component or preset, or several where several run at once; none if nothing has to be chosen.
    offered : mapping of str to str
        What can be chosen, each with one line on it.
    many : bool
        Whether several may be chosen.
    """

    group: str
    chosen: tuple[str, ...]
    offered: Mapping[str, str]
    many: bool

    def override(self, chosen: Sequence[str]) -> str:
        """Return what chooses something, as a word of the command line."""
        return f"{self.group}=[{','.join(chosen)}]" if self.many else f"{self.group}={chosen[0]}"


@dataclass(frozen=True)
class StepForm:
    """Everything a step can be told.

    Parameters
    ----------
    choices : tuple of ChoiceField
        Groups with at least two things to choose from.
    options : tuple of OptionField
        In the order of the configuration.
    """

    choices: tuple[ChoiceField, ...]
    options: tuple[OptionField, ...]

    def sections(self) -> dict[str, list[OptionField]]:
        """Return the options by what they belong to, those of the step itself first, under ""."""
        found: dict[str, list[OptionField]] = {"": []}
        for option in self.options:
            found.setdefault(option.section, []).append(option)
        return found


def step_form(name: str, project: Project | None, overrides: Sequence[str] = ()) -> StepForm:
    """Return the form of a step with what `overrides` choose and set.

    Parameters
    ----------
    name : str
        Of the step: ``"train"``.
    project : Project or None
        Its config.yaml and pose_cfg.yaml give values.
    overrides : sequence of str
        Words of the command line, as `OptionField.override` and `ChoiceField.override` make them.

    Raises
    ------
    ConfigError
        An option or choice does not exist, or a value cannot be used; one line.
    """
    from dlc_core.plugin_api.hydra_bridge import compose

    verb = verb_named(name)
    with _composing:
        composed = compose(verb.name, quote_free_values(list(overrides)), project)
        choices = _choice_fields(verb, composed)
    docs, hints, values = documentation(verb, composed), _hints(verb.name, composed), flat(composed.plain())
    options = []
    for option, source in composed.sources.items():
        if option and not _HIDDEN.search(option) and not _is_choice(option):
            doc = doc_of(option, docs)
            hint = hints.get(option, Any)
            is_usual = source == "default" or _CHOSEN.fullmatch(source)
            options.append(
                OptionField(
                    name=option,
                    text=as_text(values.get(option)),
                    kind=_kind(hint, doc.choices),
                    choices=doc.choices or (("true", "false") if _without_none(hint) is bool else ()),
                    meaning=doc.meaning,
                    source="" if is_usual else source,
                    is_optional=hint is Any or type(None) in get_args(hint),
                    is_free=_without_none(hint) is str,
                )
            )
    return StepForm(choices, tuple(options))


def command_line(name: str, overrides: Sequence[str], arguments: Sequence[str] = ()) -> str:
    """Return what somebody would type to run the step, for a shell."""
    words = [*overrides, *(["--", *arguments] if any("=" in text for text in arguments) else arguments)]
    return " ".join(["dlc", verb_named(name).command, *(shlex.quote(word) for word in words)])


def as_text(value: object) -> str:
    """Return a value as it is written on the command line; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{','.join(_nested(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_nested(item)}' for key, item in value.items())}}}"
    return str(value)


def _is_choice(option: str) -> bool:
    """Tell whether an option is the name of a chosen component, which its group chooses."""
    from dlc_core.plugin_api.kinds import KINDS

    group, _, last = option.rpartition(".")
    return last == "name" and any(
        group.startswith(f"{kind.group}s.") if kind.many else group == kind.group for kind in KINDS
    )


def _nested(value: object) -> str:
    if value is None:
        return "null"
    return quote(value) if isinstance(value, str) and not _PLAIN.fullmatch(value) else as_text(value)


def _choice_fields(verb: Verb, composed: Composed) -> tuple[ChoiceField, ...]:
    from dlc_core.plugin_api.discovery import load_plugins
    from dlc_core.plugin_api.hydra_bridge import group_options
    from dlc_core.plugin_api.kinds import KINDS

    kinds, found = {kind.group: kind for kind in KINDS}, []
    for group in choice_groups(verb, composed):
        names = group_options(group, verb.name)
        chosen = composed.choices.get(group, ())
        registry = load_plugins().registry(kinds[group].singular) if group in kinds else {}
        offered = {name: registry[name].component.summary if name in registry else "" for name in names}
        if len(names) > 1 or (names and not chosen):
            several = tuple(chosen) if isinstance(chosen, list | tuple) else (chosen,)
            found.append(ChoiceField(group, several, offered, group in kinds and kinds[group].many))
    return tuple(found)


def _hints(verb: str, composed: Composed) -> dict[str, Any]:
    """Return the declared type of every option of a step and of its components."""
    from dlc_core.plugin_api.discovery import load_plugins
    from dlc_core.plugin_api.kinds import KINDS

    found, plain = _hints_of(settings_of(verb_named(verb))), composed.plain()
    for kind in KINDS:
        nodes: Any = plain.get(f"{kind.group}s" if kind.many else kind.group) or {}
        for place, node in nodes.items() if kind.many else [(kind.group, nodes)]:
            if isinstance(node, dict) and "name" in node:
                where = f"{kind.group}s.{place}" if kind.many else place
                config = load_plugins().registry(kind.singular)[node["name"]].component.config
                found |= _hints_of(config, f"{where}.")
    return found


def _hints_of(settings: type, prefix: str = "") -> dict[str, Any]:
    hints = get_type_hints(settings)
    found: dict[str, Any] = {}
    for field in fields(settings):
        hint = hints[field.name]
        if is_dataclass(hint) and isinstance(hint, type):
            found |= _hints_of(hint, f"{prefix}{field.name}.")
        else:
            found[f"{prefix}{field.name}"] = hint
    return found


def _kind(hint: Any, choices: Sequence[str]) -> str:
    plain = _without_none(hint)
    if plain is bool and type(None) not in get_args(hint):
        return SWITCH
    if choices or plain is bool:
        return CHOICE
    return NUMBER if plain in (int, float) else TEXT


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        others = [kind for kind in get_args(hint) if kind is not type(None)]
        return others[0] if len(others) == 1 else Any
    return hint
