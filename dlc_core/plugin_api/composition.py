"""One composition by Hydra: our components in its ConfigStore, the project's files as a node of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins as HydraPlugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.border import PLUGIN_FAILURES
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_errors import one_line
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.plugin_api.presets import CONFIGS
from dlc_core.verbs import verb_named

if TYPE_CHECKING:
    from dlc_core.project.keys import Layer

_PROJECT_NODE = "from_files"
PROJECT_CHOICE = f"project={_PROJECT_NODE}"
"""The override that puts the project's files into a composition."""


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
def hydra_ready(verb: str = "") -> Iterator[None]:
    """Let Hydra know our components, the options of `verb` and our configs within the block."""
    install(verb)
    if GlobalHydra.instance().is_initialized():  # inside a sweep's in-process job, or a notebook that uses Hydra itself
        GlobalHydra.instance().clear()
    with initialize_config_module(CONFIGS, version_base="1.3"):
        yield


@contextmanager
def one_line_errors(verb: str) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise within the block into a `ConfigError` of one line."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as exc:
        raise ConfigError(one_line(exc, verb)) from exc


def compose_once(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> DictConfig:
    """Compose a verb's config with what some layers of the project's files say; Hydra's own node included.

    Raises
    ------
    ConfigError
        An option or choice does not exist, or a value has the wrong type.
    """
    store_project_node(layers)
    with one_line_errors(verb):
        return hydra_compose(verb, overrides=[PROJECT_CHOICE, *overrides], return_hydra_config=True)


def composes(verb: str, overrides: Sequence[str], layers: Sequence[Layer]) -> bool:
    """Tell whether `compose_once` succeeds."""
    try:
        compose_once(verb, overrides, layers)
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


def store_project_node(layers: Sequence[Layer]) -> None:
    """Make what the project's files say the node that `PROJECT_CHOICE` selects."""
    node = _project_node(layers)
    ConfigStore.instance().store(_PROJECT_NODE, node, "project", "_global_", provider="the project's files")


def parsed(verb: str, overrides: Sequence[str]) -> list[Override]:
    """Return overrides as Hydra reads them.

    Raises
    ------
    ConfigError
        One is not in Hydra's syntax.
    """
    with one_line_errors(verb):
        return OverridesParser.create().parse_overrides(list(overrides))


def offered(group: str) -> list[str]:
    """Return what a config group holds in the composition that is under way: components and presets, sorted."""
    return sorted(set(GlobalHydra.instance().config_loader().get_group_options(group)))


def choices_of(config: DictConfig) -> dict[str, str | list[str]]:
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


def leaves(config: DictConfig) -> dict[str, Any]:
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
