"""A registry holds the components of one kind and builds them from their options."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from dlc_core.errors import (
    BrokenPluginError,
    ConfigError,
    DlcError,
    DuplicateComponentError,
    PluginError,
    UnknownComponentError,
    suggest,
)
from dlc_core.plugin_api.border import PLUGIN_FAILURES, first_line
from dlc_core.plugin_api.contract import Component
from dlc_core.plugin_api.kinds import Kind

DISABLE_HINT = "Disable all but one: DLC_DISABLED_PLUGINS=<distribution>."


@dataclass(frozen=True)
class Entry:
    """A component and who offers it.

    Parameters
    ----------
    component : Component
    provider : str
        ``"distribution version [entry point]"``, or ``"dlc-core version"`` for a built-in.
    """

    component: Component
    provider: str


class Registry(Mapping[str, Entry]):
    """The selectable components of one kind, by name.

    A name that two plugins offer is selectable by nobody: it is in `ambiguous`, not among the keys.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        self._ambiguous: dict[str, list[str]] = {}

    def add(self, component: Component, provider: str) -> None:
        """Add a component; a second one of the same name makes the name unselectable."""
        known = self._entries.get(component.name)
        if known is None:
            self._entries[component.name] = Entry(component, provider)
        elif known.provider != provider or known.component != component:
            self._ambiguous.setdefault(component.name, [known.provider]).append(provider)

    def withdraw(self, name: str, owner: str) -> None:
        """Make `name` unselectable, if a component has it, because `owner` offers something else of that name."""
        if name in self._entries:
            self._ambiguous.setdefault(name, [self._entries[name].provider]).append(owner)

    def remove(self, name: str) -> Entry:
        """Take a selectable component out and return it."""
        entry = self[name]
        del self._entries[name]
        return entry

    @property
    def ambiguous(self) -> Mapping[str, list[str]]:
        """Names offered more than once, with everybody who offers them."""
        return self._ambiguous

    def __getitem__(self, name: str) -> Entry:
        if name in self._ambiguous:
            raise DuplicateComponentError(
                f"{self.kind.singular} {name!r} is offered by {' and by '.join(self._ambiguous[name])}, "
                f"so nobody can select it. {DISABLE_HINT}"
            )
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownComponentError(
                f"no {self.kind.singular} is named {name!r}. {suggest(name, self)}Known: {', '.join(sorted(self))}. "
                "`dlc plugins` lists what is installed and what failed to load."
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries and name not in self._ambiguous

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._entries if name not in self._ambiguous)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def load(self, name: str) -> Callable[..., Any]:
        """Import and return the class or function of a component.

        Raises
        ------
        UnknownComponentError, DuplicateComponentError
            The name cannot be selected.
        BrokenPluginError
            The code cannot be imported; the message says what to install.
        """
        entry = self[name]
        module, _, attribute = entry.component.target.partition(":")
        try:
            loaded: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        except PLUGIN_FAILURES as exc:  # a missing CUDA library is an OSError, and nothing is ruled out
            raise BrokenPluginError(
                f"{self._who(name)} could not be imported from {entry.component.target!r}: "
                f"{first_line(exc)}.{_install_hint(entry)}"
            ) from exc
        return loaded

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Check `config` against the dataclass of the component it names and return the keyword arguments.

        Defaults are filled in, and a ``__post_init__`` of the dataclass may refuse values, before anything of the
        component is imported. Hydra checks too, but ``+backbone.extra=1``, a preset without its component and Python
        callers get around that.

        Raises
        ------
        ConfigError
            An option is unknown, missing or of the wrong type; the message names the provider and near names.
        """
        from omegaconf import DictConfig, OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        # A typed node would let an unknown key pass a merge: work on plain containers.
        plain: dict[str, Any] = dict(config)
        if isinstance(config, DictConfig):
            plain = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        name = plain.get("name")
        if not isinstance(name, str):
            raise ConfigError(
                f"the {self.kind.singular} options {plain} have no `name`. Start the preset with "
                f"`defaults: [<component>, _self_]`; components: {', '.join(sorted(self))}."
            )
        entry = self[name]
        known = [field.name for field in fields(entry.component.config) if field.name != "name"]
        who, takes = self._who(name), f"It takes: {', '.join(known) or 'no options'}."
        for key in plain:
            if key not in known and key != "name":
                raise ConfigError(f"{who} has no option {key!r}. {suggest(key, known)}{takes}")
        try:
            merged = OmegaConf.merge(OmegaConf.structured(entry.component.config), plain)
            options = OmegaConf.to_container(merged, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException as exc:
            option = f"option {exc.full_key!r}: " if exc.full_key else ""
            raise ConfigError(f"{who}: {option}{str(exc).splitlines()[0].rstrip('.')}. {takes}") from exc
        assert isinstance(options, dict)
        if hasattr(entry.component.config, "__post_init__"):
            try:
                OmegaConf.to_object(merged)
            except DlcError:
                raise
            except PLUGIN_FAILURES as exc:
                raise ConfigError(f"{who} cannot use these options: {first_line(exc)}. {takes}") from exc
        return {str(key): value for key, value in options.items() if key != "name"}

    def build(self, config: Mapping[str, Any], **context: Any) -> Any:
        """Return the component that `config` names, built with its options and the context of the kind.

        Parameters
        ----------
        config : mapping
            ``name`` and options, plain or as an OmegaConf node.
        **context
            Exactly what `Kind.context` lists.

        Raises
        ------
        ConfigError, PluginError
            See `options` and `load`. What a constructor raises, unless it is a `DlcError`, becomes a `PluginError` that
            names the component and its provider.
        """
        if set(context) != set(self.kind.context):
            raise PluginError(
                f"a {self.kind.singular} is built with {list(self.kind.context)}, got {sorted(context)}. "
                "Pass exactly the context of its kind."
            )
        options = self.options(config)
        name = str(config["name"])
        target = self.load(name)
        try:
            return target(**options, **context)
        except DlcError:
            raise
        except ImportError as exc:
            raise BrokenPluginError(
                f"{self._who(name)} could not be built: {first_line(exc)}.{_install_hint(self[name])}"
            ) from exc
        except PLUGIN_FAILURES as exc:
            raise PluginError(f"{self._who(name)} could not be built: {first_line(exc)}.") from exc

    def _who(self, name: str) -> str:
        return f"{self.kind.singular} {name!r} ({self[name].provider})"


def _install_hint(entry: Entry) -> str:
    return f" If a dependency is missing: {entry.component.install}" if entry.component.install else ""
