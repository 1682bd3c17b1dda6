"""How the functions of `dlc_core.api` reach the code that the command line runs: as overrides in Hydra's syntax."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.console import Outcome
from dlc_core.overrides import quote, quote_free_values
from dlc_core.verbs import verb_named

if TYPE_CHECKING:
    from dlc_core.project.project import Project

AnyPath = str | PathLike[str]
Paths = AnyPath | Sequence[AnyPath]
"""Several paths, or a single one."""


def run_step(verb: str, project: Project | None, overrides: Sequence[str] = (), arguments: Paths = ()) -> Outcome:
    """Compose and run one step of the protocol, as the command line does.

    Parameters
    ----------
    verb : str
        Name of the step.
    project : Project or None
        None only for steps that can do without.
    overrides : sequence of str
        In Hydra's syntax, free values quoted (`dlc_core.overrides.quote_free_values`).
    arguments : path or sequence of path
        Videos, or what else the step takes (`dlc_core.verbs.Verb.arguments`).
    """
    from dlc_core.plugin_api import hydra_bridge

    step = verb_named(verb)
    composed = hydra_bridge.compose(step.name, list(overrides), project)
    module, _, attribute = step.run.partition(":")
    outcome = getattr(importlib.import_module(module), attribute)(project, composed, listed(arguments))
    assert isinstance(outcome, Outcome)
    return outcome


def video_options(
    videotype: str, shuffle: int | None, trainingsetindex: int | None, destfolder: AnyPath | None
) -> dict[str, Any]:
    """Return only what the caller said: an address that is given demands that very network."""
    return {
        "videotype": videotype or None,
        "shuffle": shuffle,
        "trainingsetindex": trainingsetindex,
        "destfolder": None if destfolder is None else str(destfolder),
    }


def names_option(option: str, names: str | Sequence[str]) -> dict[str, Any]:
    """Return an option that takes names, or nothing for ``"all"``, its default."""
    if names == "all":
        return {}
    chosen = [names] if isinstance(names, str) else list(names)
    return {option: "[" + ",".join(quote(name) for name in chosen) + "]"}


def listed(paths: Paths) -> list[str]:
    """Return paths as a list; a single one is not the sequence of its characters."""
    return [str(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]


def open_project(config: AnyPath) -> Project:
    """Return the project whose folder or config.yaml that is."""
    from dlc_core.project.project import Project

    return Project.open(Path(config))


def run_with(
    verb: str, config: AnyPath, options: dict[str, Any], overrides: Sequence[str], arguments: Paths = ()
) -> Outcome:
    """Run one step on a project.

    Parameters
    ----------
    verb : str
        Name of the step.
    config : path
        The project.
    options : mapping
        Values by option; None leaves it to config.yaml, pose_cfg.yaml or the default.
    overrides : sequence of str
        More options, as typed; they win.
    arguments : path or sequence of path
        Videos, or what else the step takes.
    """
    given = [
        f"{key}={quote(value) if key in ('destfolder', 'videotype') else value}"
        for key, value in options.items()
        if value is not None
    ]
    return run_step(verb, open_project(config), [*given, *quote_free_values(list(overrides))], arguments)
