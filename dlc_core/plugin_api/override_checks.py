"""What an override may not do, refused before or after Hydra composes, because Hydra has no message for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from dlc_core.errors import ConfigError, suggest
from dlc_core.plugin_api.composition import offered, parsed
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.verbs import verb_named

_OPTIONAL_GROUPS = frozenset({"experiment"})
_OPEN = frozenset({"trainer"})  # takes more than its dataclass lists: what goes through to Lightning


def usable(verb: str, overrides: Sequence[str]) -> list[str]:
    """Return `overrides` without those that say "none" where that is the default.

    Raises
    ------
    ConfigError
        A group or an option is taken away, or a group is given a list where one name is needed.
    """
    groups = _groups()
    return [
        text
        for text, override in zip(overrides, parsed(verb, overrides), strict=True)
        if not (_is_none(verb, text, override) if override.key_or_group in groups else _refuse_deletion(text, override))
    ]


def refuse_new_options(verb: str, overrides: Sequence[str], config: DictConfig) -> None:
    """Refuse ``+name=value`` for what is no option: Hydra adds it, and nothing would ever read it.

    Raises
    ------
    ConfigError
        There is no such option; with the near name. Lightning's arguments (``+trainer.X``) and what a component takes
        in a free table (``+backbone.model_options.X``) pass.
    """
    groups = _groups()
    for override in parsed(verb, overrides):
        option = override.key_or_group
        is_new = override.is_add() or override.is_force_add()
        if is_new and option not in groups and option.split(".")[0] != "hydra" and "/" not in option:
            _require_field(verb, option, config)


def _require_field(verb: str, option: str, config: DictConfig) -> None:
    node: Any = config
    for part in option.split("."):
        kind = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
        if kind is not None and is_dataclass(kind):
            known = [field.name for field in fields(kind)]
            if part not in known:
                raise ConfigError(
                    f"there is no option {option!r}. {suggest(part, known)}"
                    f"`dlc {verb_named(verb).command} --help` lists the options."
                )
        if part in _OPEN or not isinstance(node, DictConfig) or part not in node:
            return
        node = node[part]


def _is_none(verb: str, text: str, override: Override) -> bool:
    """Tell whether an override of a group says what is so without it."""
    group, value = override.key_or_group, override.value()
    if group in _OPTIONAL_GROUPS and (override.is_delete() or value is None):
        return True
    if override.is_delete() or value is None:
        raise ConfigError(f"{text} takes {group} away; one is needed. Choose one of: {', '.join(offered(group))}.")
    if isinstance(value, list) and group not in {kind.group for kind in KINDS if kind.many}:
        raise ConfigError(
            f"{text} gives a list; {group} takes one name. Choose one of: {', '.join(offered(group))}. "
            f"To try several: dlc {verb_named(verb).command} -m {group}=A,B"
        )
    return False


def _refuse_deletion(text: str, override: Override) -> bool:
    option = override.key_or_group
    if override.is_delete() and "." not in option:
        raise ConfigError(
            f"{text} takes an option away, and the step needs all of its options. Give it another value, "
            f"{option}=..., or leave it out for its default."
        )
    return False


def _groups() -> set[str]:
    return set(GlobalHydra.instance().config_loader().list_groups("")) - {"hydra", "project"}
