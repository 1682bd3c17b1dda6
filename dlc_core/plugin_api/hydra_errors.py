"""Hydra's and OmegaConf's complaints as one line, with near names."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields, is_dataclass

from hydra.core.global_hydra import GlobalHydra

from dlc_core.errors import suggest
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.verbs import verb_named

# What Hydra adds that does not help: advice to force unknown keys in, web pages, the search path.
_NOISE = re.compile(
    r"(?: ?To append to your config use \S+)|(?: ?See https://hydra\S+ for details)|(?: ?full_key:.*)"
    r"|(?: ?Config search path.*)|(?:^In '[^']+': )|(?: ?object_type=\w+)"
)


def one_line(exc: Exception, verb: str) -> str:
    """Return what was found, what was expected and what to do, for an error while composing `verb`."""
    cause = exc.__cause__
    text = " ".join(f"{exc} {cause if cause is not None else ''}".split())
    if match := re.search(r"Could not find '([\w@]+)/([^']*)'", text):
        text = _unknown_choice(match[1], match[2])
    elif match := re.search(r"Key '([^']+)' (?:is )?not in '(\w+)'", text):
        text = _unknown_option(match[1], match[2], text, verb)
    else:
        text = _NOISE.sub("", text).rstrip(". ") + "."
    return f"{text} `dlc {verb.replace('_', '-')} --help` lists the options."


def _unknown_choice(group: str, choice: str) -> str:
    hydra = GlobalHydra.instance()
    known = sorted(set(hydra.config_loader().get_group_options(group))) if hydra.is_initialized() else []
    return f"{group}={choice} does not exist. {suggest(choice, known)}Known: {', '.join(known) or 'none'}."


def _unknown_option(key: str, class_name: str, text: str, verb: str) -> str:
    match = re.search(r"Could not override '([^']+)'", text)
    option = match[1] if match else key
    known = _fields_of(class_name, verb)
    parent, _, last = option.rpartition(".")
    where = f"{parent} takes" if parent and last == key else "There are"
    listed = f" {where}: {', '.join(known)}." if known else ""
    return f"there is no option {option!r}. {suggest(key, known)}".rstrip() + listed


def _fields_of(class_name: str, verb: str) -> list[str]:
    classes = [entry.component.config for registry in load_plugins().registries.values() for entry in registry.values()]
    settings = importlib.import_module(verb_named(verb).settings.partition(":")[0])
    classes += [value for value in vars(settings).values() if isinstance(value, type) and is_dataclass(value)]
    for found in classes:
        if found.__name__ == class_name:
            return [field.name for field in fields(found)]
    return []
