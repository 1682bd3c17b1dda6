"""Find plugins: built-ins in one module a kind, named by a string, third parties from the entry-point group ``dlc``.

The loop is ours because pluggy's stops at the first broken plugin and drops the second of two equal entry-point names.
A plugin that cannot be imported, misspells a hook, asks for wrong arguments or raises is recorded with its distribution
and the reason; all others work.

``DLC_DISABLED_PLUGINS=dist-a,dist-b`` leaves out distributions (or entry points) by name; case, and dashes or
underscores, do not matter, as for pip.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module, metadata
from typing import Any

import pluggy
from packaging.utils import canonicalize_name

from dlc_core import __version__
from dlc_core.errors import PluginError, suggest
from dlc_core.plugin_api import contract
from dlc_core.plugin_api.border import PLUGIN_FAILURES
from dlc_core.plugin_api.contract import Component
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.plugin_api.presets import CONFIGS, check_presets, preset_names
from dlc_core.plugin_api.registry import DISABLE_HINT, Registry

BUILTIN = tuple(f"dlc_plugins.{kind.folder}" for kind in KINDS)
BUILTIN_PROVIDER = f"dlc-core {__version__}"
HOOKS = (*(kind.hook for kind in KINDS), "dlc_config_paths")


@dataclass(frozen=True)
class Failure:
    """A plugin that was left out.

    Parameters
    ----------
    provider : str
        ``"distribution version [entry point]"``.
    reason : str
        One line.
    """

    provider: str
    reason: str


@dataclass
class Plugins:
    """Everything that discovery found.

    Parameters
    ----------
    registries : dict
        By the singular of a kind.
    config_paths : list of (provider, path)
        Where plugins keep presets.
    presets : dict
        Config group (those of the kinds, and others such as ``experiment``) to the names of presets with who offers
        each; the first provider of a name counts, as for Hydra.
    failures : list of Failure
    disabled, providers : list of str
    """

    registries: dict[str, Registry] = field(default_factory=lambda: {kind.singular: Registry(kind) for kind in KINDS})
    config_paths: list[tuple[str, str]] = field(default_factory=list)
    presets: dict[str, dict[str, str]] = field(default_factory=lambda: {kind.group: {} for kind in KINDS})
    failures: list[Failure] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)

    def registry(self, kind: str) -> Registry:
        """Return the registry of a kind by its singular name."""
        return self.registries[kind]

    def add(self, module: object, provider: str) -> None:
        """Register the hooks of `module` under `provider`; a failure is recorded, never raised."""
        try:
            hooks = _checked_hooks(module, provider)
        except PLUGIN_FAILURES as exc:
            self.fail(provider, exc)
            return
        self.providers.append(provider)
        for kind in KINDS:
            for function in hooks.get(kind.hook, ()):
                try:
                    components = [_checked_component(item, kind.hook) for item in function()]
                except PLUGIN_FAILURES as exc:
                    self.fail(provider, exc, kind.hook)
                    continue
                for component in components:
                    self.registries[kind.singular].add(component, provider)
        for function in hooks.get("dlc_config_paths", ()):
            try:
                self.config_paths += [(provider, str(path)) for path in function()]
            except PLUGIN_FAILURES as exc:
                self.fail(provider, exc, "dlc_config_paths")

    def settle_presets(self) -> None:
        """List the presets of all search paths; a component that has the name of one becomes unselectable."""
        builtin = {
            kind.group: [name for name, entry in registry.items() if entry.provider == BUILTIN_PROVIDER]
            for kind, registry in zip(KINDS, self.registries.values(), strict=True)
        }
        paths, self.config_paths = self.config_paths, []
        self._add_presets(BUILTIN_PROVIDER, preset_names(f"pkg://{CONFIGS}"))
        for provider, path in paths:
            try:
                found = preset_names(path)
                check_presets(found, builtin)
            except PLUGIN_FAILURES as exc:
                self.fail(provider, exc, f"presets of {path}")
                continue
            self.config_paths.append((provider, path))
            self._add_presets(provider, found)
        for kind in KINDS:
            for name, provider in self.presets[kind.group].items():
                self.registries[kind.singular].withdraw(name, f"{provider} (preset)")

    def _add_presets(self, provider: str, found: dict[str, list[str]]) -> None:
        for group, names in found.items():
            for name in names:
                first = self.presets.setdefault(group, {}).setdefault(name, provider)
                if first != provider:
                    self.fail(provider, PluginError(f"preset {group}/{name}.yaml is hidden by that of {first}"))

    def leave_out(self, kind: str, name: str, exc: BaseException) -> None:
        """Take a component out of its registry because of `exc`, and say so."""
        entry = self.registries[kind].remove(name)
        self.fail(entry.provider, exc, f"{kind} {name!r}")
        _warn_failure(self.failures[-1])

    def fail(self, provider: str, exc: BaseException, where: str = "") -> None:
        """Record that something of `provider` was left out because of `exc`."""
        text = " ".join(str(exc).split())
        self.failures.append(Failure(provider, f"{where}{': ' if where else ''}{type(exc).__name__}: {text}"))


def _checked_hooks(module: object, provider: str) -> dict[str, list[Callable[[], Iterable[Any]]]]:
    """Return the hook functions of `module`, checked by pluggy against the specifications."""
    manager = pluggy.PluginManager(contract.PROJECT)
    manager.add_hookspecs(contract)
    try:
        manager.register(module, provider)
        manager.check_pending()
    except pluggy.PluginValidationError as exc:
        unknown = [name for name in vars(manager.hook) if name.startswith("dlc_") and name not in HOOKS]
        near = "".join(suggest(name, HOOKS) for name in unknown)
        raise PluginError(f"{' '.join(str(exc).split())}. {near}Hooks: {', '.join(HOOKS)}") from exc
    return {
        name: [impl.function for impl in getattr(manager.hook, name).get_hookimpls()]
        for name in HOOKS
        if getattr(manager.hook, name).get_hookimpls()
    }


def _checked_component(item: object, hook: str) -> Component:
    if not isinstance(item, Component):
        raise PluginError(f"{hook} returned {item!r}; it must return Component records")
    if ":" not in item.target:
        raise PluginError(f"component {item.name!r} has target {item.target!r}; expected 'package.module:attribute'")
    if not dataclasses.is_dataclass(item.config):
        raise PluginError(f"component {item.name!r} has config {item.config!r}; expected a dataclass at module level")
    names = [option.default for option in dataclasses.fields(item.config) if option.name == "name"]
    if not names:
        raise PluginError(f"component {item.name!r}: its config {item.config.__name__} has no field `name`")
    if names[0] != item.name:  # the name in a config says what is built
        given = "nothing" if names[0] is dataclasses.MISSING else repr(names[0])
        raise PluginError(
            f"component {item.name!r}: `name` of its config {item.config.__name__} defaults to {given}; "
            f"expected {item.name!r}, as users write it. Give {item.config.__name__} the field "
            f"`name: str = {item.name!r}`"
        )
    return item


@functools.cache
def load_plugins() -> Plugins:
    """Discover all plugins, once per process.

    Returns
    -------
    Plugins
        Registries by kind, search paths of presets, and the failures with their reasons.

    Warns
    -----
    RuntimeWarning
        A plugin was left out, or a name is offered twice.
    """
    plugins = Plugins()
    for name in BUILTIN:
        plugins.add(import_module(name), BUILTIN_PROVIDER)
    disabled, entry_points = _Disabled.from_environment(), _entry_points()
    for entry_point in entry_points:
        distribution = entry_point.dist.name if entry_point.dist else "unknown"
        version = entry_point.dist.version if entry_point.dist else "?"
        provider = f"{distribution} {version} [{entry_point.name}]"
        if disabled.names(entry_point.name, distribution):
            plugins.disabled.append(provider)
            continue
        try:
            module = entry_point.load()
            if isinstance(module, type):
                module = module()
        except PLUGIN_FAILURES as exc:
            plugins.fail(provider, exc)
            continue
        plugins.add(module, provider)
    plugins.settle_presets()
    _warn(plugins)
    disabled.warn_of_unknown(ep.dist.name for ep in entry_points if ep.dist)
    return plugins


@dataclass
class _Disabled:
    """The names in ``DLC_DISABLED_PLUGINS``: normalised to as they were written; and those that matched something."""

    asked: dict[str, str]
    matched: set[str] = field(default_factory=set)

    @classmethod
    def from_environment(cls) -> _Disabled:
        given = os.environ.get("DLC_DISABLED_PLUGINS", "").split(",")
        return cls({canonicalize_name(name.strip()): name.strip() for name in given if name.strip()})

    def names(self, *names: str) -> bool:
        """Tell whether one of `names` is disabled, and remember it."""
        found = {canonicalize_name(name) for name in names} & self.asked.keys()
        self.matched |= found
        return bool(found)

    def warn_of_unknown(self, distributions: Iterable[str]) -> None:
        installed = sorted(set(distributions))
        for name in self.asked.keys() - self.matched:
            known = f"Installed: {', '.join(installed)}." if installed else "No plugin is installed."
            message = f"DLC_DISABLED_PLUGINS names {self.asked[name]!r}, which is no plugin here. "
            warnings.warn(f"{message}{suggest(name, installed)}{known}", RuntimeWarning, stacklevel=3)


def _entry_points() -> list[metadata.EntryPoint]:
    found = metadata.entry_points(group=contract.ENTRY_POINT_GROUP)
    unique = {(ep.dist.name if ep.dist else "", ep.name, ep.value): ep for ep in found}
    return [unique[key] for key in sorted(unique)]


def _warn(plugins: Plugins) -> None:
    for failure in plugins.failures:
        _warn_failure(failure)
    for kind, registry in plugins.registries.items():
        for name, owners in registry.ambiguous.items():
            message = (
                f"{kind} {name!r} is offered by {' and by '.join(owners)}, so nobody can select it. {DISABLE_HINT}"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=3)


def _warn_failure(failure: Failure) -> None:
    warnings.warn(f"plugin {failure.provider} was left out: {failure.reason}", RuntimeWarning, stacklevel=4)
