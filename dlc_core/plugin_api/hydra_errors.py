"""Hydra's and OmegaConf's complaints as one line, with near names."""

from __future__ import annotations

import re
import shlex
from contextlib import nullcontext
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from dlc_core.errors import DuplicateComponentError, suggest
from dlc_core.option_names import meant
from dlc_core.overrides import quote
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.plugin_api.value_errors import causes, value_error
from dlc_core.verbs import verb_named

# What Hydra adds that does not help: advice to force unknown keys in, web pages, the search path.
_NOISE = re.compile(
    r"(?: ?To append to your config use \S+)|(?: ?See https://hydra\S+ for details)|(?: ?full_key:.*)"
    r"|(?: ?Config search path.*)|(?:^In '[^']+': )|(?: ?object_type=\w+)"
)

_EXTRAS = {
    "hydra/launcher": {"joblib": "cluster", "submitit_local": "cluster", "submitit_slurm": "cluster", "ray": "ray"},
    "hydra/sweeper": {"optuna": "optuna"},
}
"""Launchers and sweepers of Hydra's own plugins, and the extra of ours that installs each."""


def one_line(exc: Exception, verb: str) -> str:
    """Return what was found, what was expected and what to do, for an error while composing `verb`."""
    if isinstance(exc, OverrideParseException):
        return _unreadable(exc)
    if said := value_error(exc):
        return f"{said} `dlc {verb.replace('_', '-')} --help` lists the options."
    cause = exc.__cause__
    text = " ".join(f"{exc} {cause if cause is not None else ''}".split())
    if match := re.search(r"Could not (?:find|load) '([\w@/.-]+)/([^'/]*)'", text):
        text = _unknown_choice(match[1], match[2])
    elif match := re.search(r"Could not override '((\w+)\.[^']+)'.* is not in struct", text):
        text = _option_of_nothing(match[1], match[2])
    elif match := re.search(r"Key '([^']+)' (?:is )?not in '(\w+)'", text):
        text = _unknown_option(verb, match[1], exc, text)
    else:
        text = _NOISE.sub("", text).rstrip(". ") + "."
    return f"{text} `dlc {verb.replace('_', '-')} --help` lists the options."


def _unreadable(exc: OverrideParseException) -> str:
    """Say how to write a value that Hydra's grammar cannot read."""
    key, equals, value = exc.override.partition("=")
    if not equals:
        return f"{exc.override!r} is no override. Options are written name=value."
    quoted = f"{key}={quote(value)}"
    typed = shlex.quote(quoted) if re.search(r'[$`"\\!]', quoted) else f'"{quoted}"'
    return (
        f"the value of {exc.override} cannot be read: it has signs that mean something else here, or an open quote or "
        f"bracket. If it is meant as text, quote it: {typed}."
    )


def _unknown_choice(group: str, choice: str) -> str:
    for kind in KINDS:
        registry = load_plugins().registry(kind.singular)
        if kind.group == group and choice in registry.ambiguous:
            try:
                registry[choice]
            except DuplicateComponentError as exc:
                return str(exc)
    known, extras = _known_in(group), _EXTRAS.get(group, {})
    if choice in extras and choice not in known:
        install = f'Install it: pip install "dlc-core[{extras[choice]}]". '
    else:
        install = suggest(choice, {*known, *extras})
    return f"{group}={choice} does not exist. {install}Known: {', '.join(known) or 'none'}."


def _option_of_nothing(option: str, group: str) -> str:
    """Say that `option` is one of a component, where none of its kind is chosen."""
    return (
        f"{option} is an option of a {group}, and none is chosen. Choose one first: {group}=NAME. "
        f"Known: {', '.join(_known_in(group)) or 'none'}."
    )


def _known_in(group: str) -> list[str]:
    """Return what a group holds: in the composition that failed, or, after a sweep has ended it, in a new one."""
    from dlc_core.plugin_api.composition import hydra_ready, offered

    with nullcontext() if GlobalHydra.instance().is_initialized() else hydra_ready():
        return offered(group)


def _unknown_option(verb: str, key: str, exc: BaseException, text: str) -> str:
    match = re.search(r"Could not override '([^']+)'", text)
    option = match[1] if match else key
    full = next((str(whole) for cause in causes(exc) if (whole := getattr(cause, "full_key", None))), option)
    if full.startswith(f"{option}."):  # split={a:1} tries to override split, and split.a is what is wrong
        option = full
    holder = _where_it_failed(exc)
    known = [field.name for field in fields(holder)] if holder is not None else []
    parent, _, last = option.rpartition(".")
    if component := _component_with(holder):
        takes = ", ".join(name for name in known if name != "name") or "no options"
        return f"{component} has no option {last!r}. {suggest(last, known)}It takes: {takes}."
    where = f"{parent} takes" if parent and last == key else "There are"
    listed = f" {where}: {', '.join(known)}." if known else ""
    if parent == "trainer":
        listed += f" Any other argument of Lightning's Trainer is written with a plus: +{option}=..."
    near = meant(verb_named(verb), option) or suggest(key, known)
    return f"there is no option {option!r}. {near}".rstrip() + listed


def _where_it_failed(exc: BaseException) -> Any:
    """Return the very dataclass that OmegaConf found to lack an option, None if there is none."""
    for cause in causes(exc):
        found = cause.object_type if isinstance(cause, OmegaConfBaseException) else None
        if found is not None and is_dataclass(found):
            return found
    return None


def _component_with(config: Any) -> str:
    """Return ``backbone=my_net`` for the dataclass of a component, "" for another."""
    for kind in KINDS:
        for name, entry in load_plugins().registry(kind.singular).items():
            if entry.component.config is config:
                return f"{kind.group}={name}"
    return ""
