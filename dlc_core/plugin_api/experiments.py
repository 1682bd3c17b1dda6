"""Which steps an ``experiment=`` preset is for: those whose options and components it sets.

Every step takes experiments, so a plugin or a lab may offer one for ``dlc analyze``; one that swaps the backbone is for
``dlc train`` alone. Nobody declares it: a preset is for the steps that compose with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import Override, ValueType
from omegaconf import DictConfig

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.composition import compose_once, composes, install, offered, parsed
from dlc_core.verbs import VERBS, verb_named

if TYPE_CHECKING:
    from dlc_core.project.keys import Layer

_GROUP = "experiment"


def experiments_for(verb: str) -> list[str]:
    """Return the presets that compose with `verb`, sorted; needs `dlc_core.plugin_api.composition.hydra_ready`."""
    return [name for name in offered(_GROUP) if composes(verb, [f"{_GROUP}={name}"], [])]


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
        refuse_others(verb, overrides, exc)
        raise


def refuse_others(verb: str, overrides: Sequence[str], cause: ConfigError | None = None) -> None:
    """Refuse an experiment that is for other steps; in a sweep one of several.

    Raises
    ------
    ConfigError
        It sets what `verb` does not have; names the steps it is for. What composes with no step passes.
    """
    given = parsed(verb, overrides)
    places = [str(override.input_line) for override in given if override.key_or_group == "hydra.searchpath"]
    for override in given:
        for name in _names(override) if override.key_or_group == _GROUP else []:
            alone = [*places, f"{_GROUP}={name}"]
            others = [] if composes(verb, alone, []) else [step for step in VERBS if _takes(step.name, alone)]
            if others:
                here = verb_named(verb).command
                raise ConfigError(
                    f"{_GROUP}={name} is for {' and '.join(f'`dlc {step.command}`' for step in others)}; it sets what "
                    f"`dlc {here}` does not have. Leave it out; `dlc {here} --help` lists what can be chosen."
                ) from cause


def _names(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.value())]
    is_glob = override.value_type == ValueType.GLOB_CHOICE_SWEEP  # finds what is there
    return [] if is_glob else list(override.sweep_string_iterator())


def _takes(verb: str, overrides: Sequence[str]) -> bool:
    install(verb)
    return composes(verb, overrides, [])
