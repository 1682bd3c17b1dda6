"""What ``dlc plugins`` shows: who offers what, which presets there are, and what failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from dlc_core.plugin_api.contract import Component
from dlc_core.plugin_api.discovery import BUILTIN_PROVIDER, Plugins
from dlc_core.plugin_api.kinds import KINDS


@dataclass(frozen=True)
class ComponentRow:
    """One selectable component, as ``dlc plugins --json`` prints it."""

    kind: str
    group: str
    name: str
    provider: str
    summary: str
    target: str
    options: dict[str, str]


@dataclass(frozen=True)
class Listing:
    """Everything ``dlc plugins`` shows."""

    providers: list[str]
    components: list[ComponentRow]
    presets: dict[str, list[str]]
    ambiguous: dict[str, dict[str, list[str]]]
    failures: list[dict[str, str]]
    disabled: list[str]

    def as_json(self) -> dict[str, object]:
        """Return the listing as plain dictionaries and lists."""
        return asdict(self)


def make_listing(plugins: Plugins) -> Listing:
    """Return what discovery found."""
    from dlc_core.plugin_api.hydra_bridge import install

    install()  # a component may turn out only here to have options that cannot be composed
    components = [
        ComponentRow(
            kind.singular, kind.group, name, entry.provider, entry.component.summary, entry.component.target,
            _options(entry.component),
        )
        for kind in KINDS
        for name, entry in plugins.registry(kind.singular).items()
    ]  # fmt: skip
    return Listing(
        providers=[BUILTIN_PROVIDER, *(provider for provider in plugins.providers if provider != BUILTIN_PROVIDER)],
        components=components,
        presets={group: sorted(names) for group, names in plugins.presets.items()},
        ambiguous={
            kind: dict(registry.ambiguous) for kind, registry in plugins.registries.items() if registry.ambiguous
        },
        failures=[asdict(failure) for failure in plugins.failures],
        disabled=list(plugins.disabled),
    )


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
            lines.append(f"  presets: {', '.join(listing.presets[kind.group])}")
        for name, owners in listing.ambiguous.get(kind.singular, {}).items():
            lines.append(f"  {name}: NOT SELECTABLE, offered by {' and by '.join(owners)}")
    lines.append("")
    lines.append("Plugins: " + "; ".join(listing.providers))
    if listing.disabled:
        lines.append("Disabled by DLC_DISABLED_PLUGINS: " + "; ".join(listing.disabled))
    for failure in listing.failures:
        lines.append(f"FAILED {failure['provider']}: {failure['reason']}")
    return "\n".join(lines)


def _options(component: Component) -> dict[str, str]:
    return {field.name: str(field.type) for field in fields(component.config) if field.name != "name"}
