"""Between our registries and Hydra: the config groups, and how the layers of a configuration are put on each other.

Highest first: command line or Python call > ``experiment=`` preset > the shuffle's pose_cfg.yaml > the project's
config.yaml > the component's dataclass. The two files become one node of the ConfigStore that every verb's defaults
list names before `experiment`. Which files they are depends on the command line (shuffle, iteration,
training.pose_cfg), and which of their values apply depends on the chosen components, so a verb is composed up to
three times: for the address, with the choices of the files, with their values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from dlc_core.console import warn
from dlc_core.errors import ConfigError, suggest
from dlc_core.plugin_api.composition import (
    PROJECT_CHOICE,
    choices_of,
    compose_once,
    composes,
    hydra_ready,
    install,
    leaves,
    offered,
    one_line_errors,
    parsed,
    store_project_node,
)
from dlc_core.plugin_api.experiments import compose_with_experiment, experiments_for, refuse_others
from dlc_core.plugin_api.override_checks import refuse_new_options, usable

if TYPE_CHECKING:
    from dlc_core.project.keys import Layer
    from dlc_core.project.project import Project

_ADDRESS = ("shuffle", "trainingsetindex", "iteration", "training.pose_cfg")


@dataclass(frozen=True)
class Composed:
    """A resolved configuration.

    Parameters
    ----------
    config : DictConfig
        All options of the verb and its components.
    choices : mapping of str to str or list of str
        Config group to the chosen component or preset.
    sources : mapping of str to str
        Dotted option to where its value came from.
    """

    config: DictConfig
    choices: Mapping[str, str | list[str]]
    sources: Mapping[str, str]

    def plain(self) -> dict[str, Any]:
        """Return the configuration as plain, resolved dictionaries and lists; of an Enum, the name of its member."""
        plain = OmegaConf.to_container(self.config, resolve=True, enum_to_str=True)
        assert isinstance(plain, dict)
        return {str(key): value for key, value in plain.items()}


def compose(verb: str, overrides: Sequence[str] = (), project: Project | None = None) -> Composed:
    """Return the configuration of a verb.

    Parameters
    ----------
    verb : str
        Name of a config: ``"train"``.
    overrides : sequence of str
        In Hydra's syntax: ``"backbone=resnet101"``.
    project : Project or None
        Its config.yaml, and the pose_cfg.yaml of the shuffle that `overrides` name, become layers.

    Raises
    ------
    ConfigError
        An option or choice does not exist, or a value has the wrong type.
    """
    with hydra_ready(verb), one_line_errors(verb):
        overrides = usable(verb, overrides)
        layers = _project_layers(verb, project, overrides) if project is not None else []
        choices_of_files = [layer for layer in layers if layer.is_choice]
        config = compose_with_experiment(verb, overrides, choices_of_files)
        refuse_new_options(verb, overrides, config)
        values = [layer for layer in layers if not layer.is_choice and _applies(layer, config)]
        layers = [*choices_of_files, *values]
        if values:
            config = _compose_layers(verb, overrides, layers)
        choices = choices_of(config)
        sources = _sources(verb, overrides, layers, config, choices)
        with open_dict(config):
            config.pop("hydra", None)
    return Composed(config, choices, sources)


def prepare_sweep(verb: str, overrides: Sequence[str], project: Project | None) -> list[str]:
    """Make Hydra ready to enumerate the jobs of a sweep; return the overrides that it needs besides the user's.

    Hydra composes a job before it is launched, and refuses options of components that only the project's files choose.
    It is therefore told these choices; of several shuffles, those of the first. Every job composes for itself again.
    """
    with hydra_ready(verb), one_line_errors(verb):
        refuse_others(verb, overrides)
        layers = _project_layers(verb, project, overrides) if project is not None else []
    install(verb)
    store_project_node([layer for layer in layers if layer.is_choice])
    return [PROJECT_CHOICE]


def group_options(group: str, verb: str = "") -> list[str]:
    """Return what can be chosen in a config group: components and presets, sorted; of experiments, those for `verb`."""
    with hydra_ready(verb):
        if verb and group == "experiment":
            return experiments_for(verb)
        return offered(group)


def _compose_layers(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> DictConfig:
    """Compose with the project's files; a value that cannot be used is reported with its file and key."""
    try:
        return compose_once(verb, overrides, layers)
    except ConfigError as exc:
        choices = [layer for layer in layers if layer.is_choice]
        for layer in layers:
            if not layer.is_choice and not composes(verb, overrides, [*choices, layer]):
                raise ConfigError(f"{layer.source} holds {layer.value!r}, which cannot be used: {exc}") from exc
        raise


def _project_layers(verb: str, project: Project, overrides: Sequence[str]) -> list[Layer]:
    """Return what the project's files say for `verb`; which shuffle's file counts stands in `overrides`."""
    from dlc_core.project.keys import project_layers

    address = [_first(override) for override in parsed(verb, overrides) if override.key_or_group in _ADDRESS]
    config = compose_once(verb, address, [])
    pose_cfg = OmegaConf.select(config, "training.pose_cfg")
    place = {key: config[key] for key in ("shuffle", "trainingsetindex", "iteration") if key in config}
    layers = project_layers(
        project,
        pose_cfg=Path(pose_cfg) if pose_cfg else None,
        verb=verb,
        overruled=[override.key_or_group for override in parsed(verb, overrides)],
        **place,
    )
    return [layer for layer in layers if not layer.is_choice or _is_usable(layer, layers, verb, overrides)]


def _first(override: Override) -> str:
    """Return an override as it is, or with the first of the values that it sweeps over."""
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"


def _is_usable(layer: Layer, layers: Sequence[Layer], verb: str, overrides: Sequence[str]) -> bool:
    """Tell whether the choice that a file makes is installed.

    Raises
    ------
    ConfigError
        It is not, and nothing stronger chooses something else.
    """
    known = offered(layer.option)
    if layer.value in known:
        return True
    stronger = [other for other in layers[layers.index(layer) + 1 :] if other.is_choice]
    if any(other.option == layer.option for other in stronger) or _is_overruled(layer, known[:2], verb, overrides):
        return False
    raise ConfigError(
        f"{layer.source} asks for {layer.option}={layer.value}, which is not installed. "
        f"{suggest(str(layer.value), known)}Known: {', '.join(known)}."
    )


def _is_overruled(layer: Layer, others: Sequence[str], verb: str, overrides: Sequence[str]) -> bool:
    """Tell whether the command line or an experiment chooses, by trying whether other choices of a file count."""
    try:
        return any(
            choices_of(compose_once(verb, overrides, [replace(layer, value=other)])).get(layer.option) != other
            for other in others
        )
    except ConfigError:  # options of the missing component, which the others do not have
        return False


def _applies(layer: Layer, chosen: DictConfig) -> bool:
    """Tell whether the option of `layer` exists in a composed config; say so if a component lacks it."""
    *parents, last = layer.option.split(".")
    place: Any = chosen
    for parent in parents:
        if not isinstance(place, DictConfig) or parent not in place:
            return False
        place = place[parent]
    if isinstance(place, DictConfig) and last in place:
        return True
    component = place.get("name") if isinstance(place, DictConfig) and "name" in place else None
    if component is not None:
        warn(f"{layer.source} is not used: {parents[-1]} {component!r} has no option {last!r}.")
    return False


def _sources(
    verb: str,
    overrides: Sequence[str],
    layers: Sequence[Layer],
    config: DictConfig,
    choices: Mapping[str, str | list[str]],
) -> dict[str, str]:
    """Return where each leaf of `config` came from."""
    typed = [override.key_or_group for override in parsed(verb, overrides)]
    from_files = {layer.option: layer.source for layer in layers}
    without: Mapping[str, Any] = {}
    if "experiment" in choices:
        without = leaves(_without_experiment(verb, overrides, layers, choices))
        from_files |= _chosen_by_experiment(verb, layers, choices, typed)
    sources = {}
    for option, value in leaves(config).items():
        group = option.split(".")[0]
        if any(option == key or option.startswith(f"{key}.") for key in typed if key not in choices):
            sources[option] = "command line"
        elif option in without and without[option] != value:
            sources[option] = f"experiment={choices['experiment']}"
        elif option in from_files:
            sources[option] = from_files[option]
        elif group in choices and group in typed:
            sources[option] = f"{group}={choices[group]} (command line)"
        elif group in choices:
            sources[option] = f"{group}={choices[group]} ({from_files.get(group, 'default')})"
        else:
            sources[option] = "default"
    return sources


def _without_experiment(
    verb: str, overrides: Sequence[str], layers: Sequence[Layer], choices: Mapping[str, str | list[str]]
) -> DictConfig:
    """Compose the same components without the experiment: what differs is what it set."""
    others = [text for text in overrides if not text.lstrip("+").startswith("experiment=")]
    same = [
        f"{group}=[{','.join(choice)}]" if isinstance(choice, list) else f"{group}={choice}"
        for group, choice in choices.items()
        if group != "experiment"
    ]
    return compose_once(verb, [*others, *same], layers)


def _chosen_by_experiment(
    verb: str, layers: Sequence[Layer], choices: Mapping[str, str | list[str]], typed: Sequence[str]
) -> dict[str, str]:
    """Return the groups whose choice an experiment made, with its name as the source."""
    before = choices_of(compose_once(verb, [], [layer for layer in layers if layer.is_choice]))
    source = f"experiment={choices['experiment']}"
    return {
        group: source
        for group, choice in choices.items()
        if group not in ("experiment", *typed) and before.get(group) != choice
    }
