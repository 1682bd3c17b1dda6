"""What ``dlc plugins`` shows: who offers what, which presets there are, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from dlc_core.errors import BrokenPluginError
from dlc_core.plugin_api.contract import Component
from dlc_core.plugin_api.discovery import BUILTIN_PROVIDER, Plugins
from dlc_core.plugin_api.kinds import KINDS, Kind
from dlc_core.plugin_api.registry import Entry


@dataclass(frozen=True)
class Provider:
    """Somebody who offers components or presets; `entry_point` is "" for dlc-core itself."""

    provider: str
    distribution: str
    version: str
    entry_point: str = ""

    @classmethod
    def from_text(cls, provider: str) -> Provider:
        """Return the parts of ``"distribution version [entry point]"``."""
        distribution, version, *entry_point = provider.split(" ", 2)
        return cls(provider, distribution, version, "".join(entry_point).strip("[]"))


@dataclass(frozen=True)
class ComponentRow:
    """One selectable component, as ``dlc plugins --json`` prints it."""

    kind: str
    group: str
    name: str
    provider: str
    distribution: str
    version: str
    summary: str
    target: str
    options: dict[str, str]


@dataclass(frozen=True)
class Listing:
    """Everything ``dlc plugins`` shows.

    `presets` holds config group to name to provider; `code_failures` the components whose code cannot be imported, None
    if nobody asked.
    """

    providers: list[Provider]
    components: list[ComponentRow]
    presets: dict[str, dict[str, str]]
    ambiguous: dict[str, dict[str, list[str]]]
    failures: list[dict[str, str]]
    disabled: list[str]
    code_failures: list[dict[str, str]] | None = None

    def as_json(self) -> dict[str, object]:
        """Return the listing as plain dictionaries and lists."""
        return asdict(self)


def make_listing(plugins: Plugins, check: bool = False) -> Listing:
    """Return what discovery found; with `check`, the code of every component is imported as well."""
    from dlc_core.plugin_api.composition import install

    install()  # a component may turn out only here to have options that cannot be composed
    components = [_row(kind, name, entry) for kind in KINDS for name, entry in plugins.registry(kind.singular).items()]
    return Listing(
        providers=[Provider.from_text(name) for name in dict.fromkeys([BUILTIN_PROVIDER, *plugins.providers])],
        components=components,
        presets={group: dict(sorted(names.items())) for group, names in plugins.presets.items()},
        ambiguous={
            kind: dict(registry.ambiguous) for kind, registry in plugins.registries.items() if registry.ambiguous
        },
        failures=[asdict(failure) for failure in plugins.failures],
        disabled=list(plugins.disabled),
        code_failures=_code_failures(plugins) if check else None,
    )


def _code_failures(plugins: Plugins) -> list[dict[str, str]]:
    failures = []
    for kind in KINDS:
        registry = plugins.registry(kind.singular)
        for name, entry in registry.items():
            try:
                registry.load(name)
            except BrokenPluginError as exc:
                failure = {"kind": kind.singular, "name": name, "provider": entry.provider, "reason": str(exc)}
                failures.append(failure)
    return failures


def format_listing(listing: Listing) -> str:
    """Return the listing as text for a terminal."""
    lines = []
    for kind in KINDS:
        rows = [row for row in listing.components if row.kind == kind.singular]
        lines.append(f"{kind.group}=  ({kind.singular.replace('_', ' ')}: {kind.summary})")
        width = max((len(row.name) for row in rows), default=0)
        for row in rows:
            provider = "" if row.provider == BUILTIN_PROVIDER else f"  [{row.provider}]"
            lines.append(f"  {row.name:{width}}  {row.summary}{provider}")
        if listing.presets[kind.group]:
            lines.append(f"  presets: {_named(listing.presets[kind.group])}")
        for name, owners in listing.ambiguous.get(kind.singular, {}).items():
            lines.append(f"  {name}: NOT SELECTABLE, offered by {' and by '.join(owners)}")
    kinds = {kind.group for kind in KINDS}
    for group in sorted(listing.presets.keys() - kinds):
        lines += [f"{group}=", f"  presets: {_named(listing.presets[group])}"]
    lines.append("")
    lines.append("Plugins: " + "; ".join(found.provider for found in listing.providers))
    if listing.disabled:
        lines.append("Disabled by DLC_DISABLED_PLUGINS: " + "; ".join(listing.disabled))
    for failure in listing.failures:
        lines.append(f"FAILED {failure['provider']}: {failure['reason']}")
    for failure in listing.code_failures or ():
        lines.append(f"FAILED {failure['reason']}")
    if listing.code_failures == []:
        lines.append(f"The code of all {len(listing.components)} components can be imported.")
    return "\n".join(lines)


def _row(kind: Kind, name: str, entry: Entry) -> ComponentRow:
    component, who = entry.component, Provider.from_text(entry.provider)
    return ComponentRow(
        kind.singular, kind.group, name, who.provider, who.distribution, who.version, component.summary,
        component.target, _options(component),
    )  # fmt: skip


def _named(presets: Mapping[str, str]) -> str:
    """Return the names of presets, with the provider of each that is not ours."""
    return ", ".join(
        name if provider == BUILTIN_PROVIDER else f"{name} [{provider}]" for name, provider in presets.items()
    )


def _options(component: Component) -> dict[str, str]:
    return {field.name: str(field.type) for field in fields(component.config) if field.name != "name"}
