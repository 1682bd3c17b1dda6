"""Between our registries and Hydra: the config groups, and how the layers of a configuration are put on each other.

Highest first: command line or Python call > ``experiment=`` preset > the shuffle's pose_cfg.yaml > the project's
config.yaml > the component's dataclass. The two files become one node of the ConfigStore that every verb's defaults
list names before `experiment`. Which files they are depends on the command line (shuffle, iteration,
training.pose_cfg), and which of their values apply depends on the chosen components, so a verb is composed up to
three times.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins as HydraPlugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from dlc_core.console import warn
from dlc_core.errors import ConfigError, suggest
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_errors import one_line
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.plugin_api.presets import CONFIGS
from dlc_core.plugin_api.registry import PLUGIN_FAILURES
from dlc_core.verbs import verb_named

if TYPE_CHECKING:
    from dlc_core.project.keys import Layer
    from dlc_core.project.project import Project

_PROJECT_NODE = "from_files"


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
        """Return the configuration as plain, resolved dictionaries and lists."""
        plain = OmegaConf.to_container(self.config, resolve=True)
        assert isinstance(plain, dict)
        return {str(key): value for key, value in plain.items()}


class DlcSearchPath(SearchPathPlugin):
    """Adds the preset folders of plugins to Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append each ``pkg://`` path with its provider's name."""
        for provider, path in load_plugins().config_paths:
            search_path.append(f"plugin {provider}", path)


def install(verb: str = "") -> None:
    """Put every component, and the options of `verb`, into Hydra's ConfigStore. Needed before composing.

    A component whose dataclass cannot become a node is left out, as a plugin that cannot be imported is.
    """
    store = ConfigStore.instance()
    plugins = load_plugins()
    for kind in KINDS:
        for name, entry in list(plugins.registry(kind.singular).items()):
            package = kind.package(name)
            try:
                store.store(name, entry.component.config, kind.group, package, provider=entry.provider)
            except PLUGIN_FAILURES as exc:  # a field of a type that OmegaConf does not know
                plugins.leave_out(kind.singular, name, exc)
    if verb:
        module, _, attribute = verb_named(verb).settings.partition(":")
        settings = getattr(importlib.import_module(module), attribute)
        store.store(f"{verb}_options", settings, provider="dlc-core")
    HydraPlugins.instance().register(DlcSearchPath)


@contextmanager
def _hydra(verb: str = "") -> Iterator[None]:
    install(verb)
    if GlobalHydra.instance().is_initialized():  # inside a sweep's in-process job, or a notebook that uses Hydra itself
        GlobalHydra.instance().clear()
    with initialize_config_module(CONFIGS, version_base="1.3"):
        yield


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
    overrides = list(overrides)
    with _hydra(verb):
        config = _compose(verb, overrides, [])
        layers = _project_layers(verb, project, config) if project is not None else []
        if layers:
            chosen = _compose(verb, overrides, [layer for layer in layers if layer.is_choice])
            layers = [layer for layer in layers if layer.is_choice or _applies(layer, chosen)]
            config = _compose_layers(verb, overrides, layers)
        choices = _choices(config)
        sources = _sources(verb, overrides, layers, config, choices)
        with open_dict(config):
            config.pop("hydra", None)
    return Composed(config, choices, sources)


def group_options(group: str) -> list[str]:
    """Return what can be chosen in a config group: components and presets, sorted."""
    with _hydra():
        loader = GlobalHydra.instance().config_loader()
        return sorted(set(loader.get_group_options(group)))


def _compose(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> DictConfig:
    node = _project_node(layers)
    ConfigStore.instance().store(_PROJECT_NODE, node, "project", "_global_", provider="the project's files")
    try:
        config = hydra_compose(verb, overrides=[f"project={_PROJECT_NODE}", *overrides], return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as exc:
        raise ConfigError(one_line(exc, verb)) from exc
    return config


def _compose_layers(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> DictConfig:
    """Compose with the project's files; a value that cannot be used is reported with its file and key."""
    try:
        return _compose(verb, overrides, layers)
    except ConfigError as exc:
        choices = [layer for layer in layers if layer.is_choice]
        for layer in layers:
            if not layer.is_choice and not _composes(verb, overrides, [*choices, layer]):
                raise ConfigError(f"{layer.source} holds {layer.value!r}, which cannot be used: {exc}") from exc
        raise


def _composes(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> bool:
    try:
        _compose(verb, overrides, layers)
    except ConfigError:
        return False
    return True


def _project_node(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the ConfigStore node of the project's files; a later layer is the stronger one."""
    choices = {layer.option: layer.value for layer in layers if layer.is_choice}
    node: dict[str, Any] = {
        "defaults": [{f"override /{group}": value} for group, value in choices.items()] + ["_self_"]
    }
    for layer in layers:
        if not layer.is_choice:
            *parents, last = layer.option.split(".")
            place = node
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = layer.value
    return node


def _project_layers(verb: str, project: Project, config: DictConfig) -> list[Layer]:
    """Return what the project's files say for `verb`; which shuffle's file counts stands in `config`."""
    from dlc_core.project.keys import project_layers

    pose_cfg = OmegaConf.select(config, "training.pose_cfg")
    address = {key: config[key] for key in ("shuffle", "trainingsetindex", "iteration") if key in config}
    layers = project_layers(project, pose_cfg=Path(pose_cfg) if pose_cfg else None, verb=verb, **address)
    loader = GlobalHydra.instance().config_loader()
    for layer in layers:
        if layer.is_choice and layer.value not in (known := loader.get_group_options(layer.option)):
            raise ConfigError(
                f"{layer.source} asks for {layer.option}={layer.value}, which is not installed. "
                f"{suggest(str(layer.value), known)}Known: {', '.join(sorted(set(known)))}."
            )
    return layers


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


def _choices(config: DictConfig) -> dict[str, str | list[str]]:
    """Return what was chosen in each group of ours."""
    chosen: dict[str, str | list[str]] = {}
    for group, value in config.hydra.runtime.choices.items():
        if value is None or group.startswith("hydra") or group == "project":
            continue
        chosen[group] = list(value) if isinstance(value, ListConfig) else str(value)
    for kind in KINDS:
        if kind.many and f"{kind.group}s" in config:
            chosen[kind.group] = [str(name) for name in config[f"{kind.group}s"]]
    return chosen


def _sources(
    verb: str,
    overrides: Sequence[str],
    layers: Sequence[Layer],
    config: DictConfig,
    choices: Mapping[str, str | list[str]],
) -> dict[str, str]:
    """Return where each leaf of `config` came from."""
    typed = [override.key_or_group for override in OverridesParser.create().parse_overrides(list(overrides))]
    from_files = {layer.option: layer.source for layer in layers}
    without_experiment: dict[str, Any] | None = None
    if "experiment" in choices:
        plain = [text for text in overrides if not text.lstrip("+").startswith("experiment=")]
        kept = [layer for layer in layers if layer.is_choice]
        try:
            without_experiment = _leaves(_compose(verb, plain, layers or kept))
        except ConfigError:  # an override that only the experiment's components take
            without_experiment = {}
    sources = {}
    for option, value in _leaves(config).items():
        group = option.split(".")[0]
        if any(option == key or option.startswith(f"{key}.") for key in typed if key not in choices):
            sources[option] = "command line"
        elif without_experiment is not None and without_experiment.get(option, option) != value:
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


def _leaves(config: DictConfig) -> dict[str, Any]:
    """Return every option of `config` but Hydra's own, by its dotted name."""
    found: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        if isinstance(node, dict) and node:
            for key, value in node.items():
                if prefix or key != "hydra":
                    walk(value, f"{prefix}{key}.")
        else:
            found[prefix[:-1]] = node

    with open_dict(config):
        plain = OmegaConf.create({key: value for key, value in config.items() if key != "hydra"})
    walk(OmegaConf.to_container(plain, resolve=True), "")
    return found
