"""The project's files as layers of a configuration: keys of config.yaml and pose_cfg.yaml become options.

The pose_cfg.yaml of a shuffle is stronger than the config.yaml of the project, and both are weaker than the command
line and experiments. Which key means what is the table `dlc_core.project.key_table`; every key that asks for something
this program does not have is reported, once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.console import warn
from dlc_core.errors import ConfigError, suggest
from dlc_core.project import box1
from dlc_core.project.config import plain, read_yaml
from dlc_core.project.key_table import BOX1, BOX2, CONFIG, POSE_CFG, Key
from dlc_core.project.key_values import CONVERSIONS, SKIP

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_TABLES: Mapping[str, Mapping[str, Key]] = {
    CONFIG: {row.key: row for row in BOX1},
    POSE_CFG: {row.key: row for row in BOX2},
}
_PLACEHOLDER = "willbeautomaticallyupdatedby"  # what DeepLabCut's own template holds where nothing was filled in
_reported: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Layer:
    """One value that a file of the project gives to an option.

    Parameters
    ----------
    source : str
        Where it stands: ``config.yaml: default_net_type``.
    option : str
        The option, dotted, or the config group when `is_choice`.
    value : object
        The option's value, or the name of the component or preset.
    is_choice : bool
        Whether it selects a component.
    """

    source: str
    option: str
    value: Any
    is_choice: bool = False


def layers(
    config: Mapping[str, Any],
    pose_cfg: Mapping[str, Any],
    verb: str | None = None,
    overruled: Collection[str] = (),
) -> list[Layer]:
    """Return what the two files say about options, the weakest first.

    Parameters
    ----------
    config : mapping
        The Box 1 keys that config.yaml sets, in today's spelling, as `ProjectConfig.written`.
    pose_cfg : mapping
        What a pose_cfg.yaml sets; keys without a value (null) say nothing.
    verb : str or None
        ``"train"``, ...: leave out keys that count for other verbs. None takes all.
    overruled : collection of str
        Options that something stronger gives.

    Returns
    -------
    list of Layer
        A later layer is stronger than an earlier one.

    Raises
    ------
    ConfigError
        ``cropping`` is on, counts for the verb, and lacks a limit.
    """
    return [
        *_layers_of(CONFIG, _with_crop(config, verb, overruled), verb),
        *_layers_of(POSE_CFG, dict(_flat(pose_cfg)), verb),
    ]


def project_layers(
    project: Project,
    *,
    pose_cfg: Path | None = None,
    shuffle: int = 1,
    trainingsetindex: int | None = 0,
    iteration: int | None = None,
    verb: str | None = None,
    overruled: Collection[str] = (),
) -> list[Layer]:
    """Return the layers of a project: its config.yaml, then the pose_cfg.yaml of a shuffle.

    Parameters
    ----------
    project : Project
        The project.
    pose_cfg : Path or None
        Another pose_cfg.yaml instead of the shuffle's, for instance one of DeepLabCut 2.
    shuffle, trainingsetindex, iteration
        Whose pose_cfg.yaml; one that does not exist says nothing.
    verb : str or None
        As for `layers`.
    overruled : collection of str
        Options that the command line gives: what the files say of them does not count and is not checked.

    Raises
    ------
    ConfigError
        `pose_cfg` does not exist, or is no YAML mapping.
    """
    if verb is not None and not any(verb in row.verbs for row in BOX2):
        stated = {}
    elif pose_cfg is not None:
        if not pose_cfg.is_file():
            raise ConfigError(f"training.pose_cfg={pose_cfg} does not exist. Give the path of a pose_cfg.yaml.")
        stated = read_pose_cfg(pose_cfg)
    else:
        path = pose_cfg_file(project, shuffle, trainingsetindex, iteration)
        stated = read_pose_cfg(path) if path is not None and path.is_file() else {}
    return layers(project.config.written, stated, verb, overruled)


def pose_cfg_file(
    project: Project, shuffle: int = 1, trainingsetindex: int | None = 0, iteration: int | None = None
) -> Path | None:
    """Return where a shuffle's pose_cfg.yaml is, or None when no entry of TrainingFraction is chosen.

    Raises
    ------
    ConfigError
        TrainingFraction has no such entry.
    """
    from dlc_core.project.runs import shuffle_folder

    if trainingsetindex is None:
        return None
    folder = shuffle_folder(project, project.training_fraction(trainingsetindex), shuffle, iteration)
    return Path(folder / "train" / POSE_CFG)


def read_pose_cfg(path: Path) -> dict[str, Any]:
    """Return what a pose_cfg.yaml sets, as plain values; a file with comments only sets nothing.

    Raises
    ------
    ConfigError
        It cannot be read or is no YAML mapping; with file and line.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if all(not line.strip() or line.lstrip().startswith(("#", "---")) for line in lines):
        return {}
    return {str(key): value for key, value in plain(read_yaml(path)).items()}


def key_table_markdown() -> str:
    """Return the table of keys for the documentation."""
    meanings = {row.key: row.meaning for row in box1.BOX1}
    for spelling, key in box1.OTHER_SPELLINGS.items():
        meanings[key] += f" (also read: `{spelling}`)"
    lines = []
    for file, rows in ((CONFIG, BOX1), (POSE_CFG, BOX2)):
        lines += [f"### {file}", "", "| key | sets | default in the protocol | meaning |", "|---|---|---|---|"]
        for row in rows:
            if not row.quiet:
                places = [f"`{row.choice_group}=`" if row.choice_group else f"`{row.option}`" if row.option else ""]
                places += [f"`{option}={value}`" for option, value in row.implies]
                sets = ", ".join(filter(None, places)) or "nothing here"
                default = "" if row.default is None else f"`{row.default}`"
                lines.append(f"| `{row.key}` | {sets} | {default} | {row.meaning or meanings[row.key]} |")
        lines.append("")
    return "\n".join(lines)


def _layers_of(file: str, stated: Mapping[str, Any], verb: str | None) -> Iterator[Layer]:
    table = _TABLES[file]
    without: list[str] = []
    for key in _table_order(stated, table):
        value, row = stated[key], table.get(key)
        if value is None or (isinstance(value, str) and value.startswith(_PLACEHOLDER)):
            continue
        if row is None or not row.has_counterpart:
            if _asks_for_nothing(file, row, value):
                continue
            without.append(key)
            continue
        if verb is not None and row.verbs and verb not in row.verbs:
            continue
        try:
            converted = CONVERSIONS[row.convert](value) if row.convert else value
        except ConfigError as exc:
            _report(file, key, f"{file}: {key} is not used: {exc}.")
            continue
        if converted is not SKIP:
            for option, implied in row.implies:
                yield Layer(f"{file}: {key}", option, implied)
            yield Layer(f"{file}: {key}", row.choice_group or row.option, converted, bool(row.choice_group))
    for key in without:
        _report(file, key, f"{file}: {key} has no counterpart here and is not used. {suggest(key, table)}".rstrip())


def _asks_for_nothing(file: str, row: Key | None, value: Any) -> bool:
    if row is None:
        return file == CONFIG  # `dlc_core.project.config` reports keys nobody knows
    return row.quiet or value == row.default or value in (False, [], "")


def _table_order(stated: Mapping[str, Any], table: Mapping[str, Key]) -> list[str]:
    """Return known keys in the order of the table, because a switch stands after the value it switches off."""
    position = {key: index for index, key in enumerate(table)}
    return sorted(stated, key=lambda key: position.get(key, len(position)))


def _with_crop(config: Mapping[str, Any], verb: str | None, overruled: Collection[str]) -> dict[str, Any]:
    """Return config.yaml with ``cropping`` holding the four limits if it is on, and nothing if it is off."""
    stated = dict(config)
    verbs = _TABLES[CONFIG]["cropping"].verbs
    if not stated.get("cropping") or (verb is not None and verb not in verbs) or "crop" in overruled:
        return {**stated, "cropping": None}
    limits = {key: stated.get(key) for key in ("x1", "x2", "y1", "y2")}
    missing = [key for key, limit in limits.items() if limit is None]
    if missing:
        raise ConfigError(
            f"{CONFIG} says cropping: true, but has no value for {', '.join(missing)}; x1, x2, y1 and y2 are needed, "
            "in pixels. Complete them, or set cropping: false."
        )
    return {**stated, "cropping": list(limits.values())}


def _flat(stated: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys of pose_cfg.yaml; DeepLabCut groups some of them (``contrast: {clahe: ...}``)."""
    table = _TABLES[POSE_CFG]
    for key, value in stated.items():
        if isinstance(value, dict) and not (key in table and table[key].quiet):
            for inner, inner_value in value.items():
                full = f"{key}.{inner}"
                yield (full if full in table else str(inner)), inner_value
        else:
            yield key, value


def _report(file: str, key: str, message: str) -> None:
    if (file, key) not in _reported:
        _reported.add((file, key))
        warn(message)


__all__ = [
    "BOX1",
    "BOX2",
    "Key",
    "Layer",
    "key_table_markdown",
    "layers",
    "pose_cfg_file",
    "project_layers",
    "read_pose_cfg",
]
