"""What somebody meant who wrote the last part of an option's name, or its name in DeepLabCut's functions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from dlc_core.option_docs import option_docs
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.verbs import Verb, settings_of

_DEEPLABCUTS = {
    "maxiters": "training.steps",
    "saveiters": "training.save_iters",
    "displayiters": "training.display_iters",
    "net_type": "backbone",
    "augmenter_type": "augmenter",
    "outlieralgorithm": "detector",
    "extractionalgorithm": "selector",
    "comparisonbodyparts": "bodyparts",
    "numframes2pick": "n",
    "automatic": "yes",
}
"""Arguments of DeepLabCut's functions that mean the same under another name here, in the same unit."""


def meant(verb: Verb, option: str) -> str:
    """Return ``"Did you mean training.steps=? "`` if an option of `verb` is called so elsewhere, else ""."""
    found = _called(option, option_names(verb))
    return f"Did you mean {' or '.join(f'{name}=' for name in found[:3])}? " if found else ""


def option_meant(verb: Verb, option: str) -> str:
    """Return the option of `verb` that is called `option`, up to its group, hyphens and DeepLabCut's names; else ""."""
    names = option_names(verb)
    near = difflib.get_close_matches(option, names, n=1)
    return next(iter([*_called(option, names), *near]), "")


def _called(option: str, names: Sequence[str]) -> list[str]:
    """Return the options of that last part, or what DeepLabCut's name for it means."""
    last = option.rpartition(".")[2].replace("-", "_")
    called = _DEEPLABCUTS.get(last, last)
    return [name for name in names if called in (name, name.rpartition(".")[2])]


def option_names(verb: Verb) -> list[str]:
    """Return the options of a step that are documented, and of a training those of every component."""
    taken = settings_of(verb)
    names = list(option_docs(taken))
    names += [kind.group for kind in KINDS if kind.group in taken.__dataclass_fields__]
    for kind in KINDS:
        if kind.group in taken.__dataclass_fields__:
            for entry in load_plugins().registry(kind.singular).values():
                names += [f"{kind.group}.{name}" for name in option_docs(entry.component.config)]
    return list(dict.fromkeys(names))
