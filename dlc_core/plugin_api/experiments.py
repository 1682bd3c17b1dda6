"""Which steps an ``experiment=`` preset is for: those whose options and components it sets.

Every step takes experiments, so a plugin or a lab may offer one for ``dlc analyze``; one that swaps the backbone is for
``dlc train`` alone. Nobody declares it: a preset is for the steps that compose with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.composition import compose_once, composes, install, parsed
from dlc_core.verbs import VERBS, verb_named

if TYPE_CHECKING:
    from dlc_core.project.keys import Layer

_GROUP = "experiment"


def experiments_for(verb: str) -> list[str]:
    """Return the presets that compose with `verb`, sorted; needs `dlc_core.plugin_api.composition.hydra_ready`."""
    known = sorted(set(GlobalHydra.instance().config_loader().get_group_options(_GROUP)))
    return [name for name in known if composes(verb, [f"{_GROUP}={name}"], [])]


def compose_with_experiment(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> DictConfig:
    """Compose as `compose_once` does; an experiment that is for other steps is refused by naming these.

    Raises
    ------
    ConfigError
        As `compose_once`, or the experiment sets what the step does not have.
    """
    try:
        return compose_once(verb, overrides, layers)
    except ConfigError as exc:
        chosen = [text for text, override in _parsed(verb, overrides) if override == _GROUP]
        places = [text for text, override in _parsed(verb, overrides) if override == "hydra.searchpath"]
        if not chosen or composes(verb, [*places, *chosen], []):
            raise
        others = [step for step in VERBS if step.name != verb and _takes(step.name, [*places, *chosen])]
        if not others:
            raise
        name = chosen[-1].lstrip("+")
        here = verb_named(verb).command
        raise ConfigError(
            f"{name} is for {' and '.join(f'`dlc {step.command}`' for step in others)}; it sets what `dlc {here}` "
            f"does not have. Leave it out; `dlc {here} --help` lists what can be chosen."
        ) from exc


def _parsed(verb: str, overrides: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, override.key_or_group) for text, override in zip(overrides, parsed(verb, overrides), strict=True)]


def _takes(verb: str, overrides: Sequence[str]) -> bool:
    install(verb)
    return composes(verb, overrides, [])
