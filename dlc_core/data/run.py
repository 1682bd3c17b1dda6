"""``dlc create-dataset``: options to training sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.console import Outcome, say
from dlc_core.data.create import DEEPLABCUT, create_training_dataset
from dlc_core.errors import ConfigError
from dlc_core.labels.files import read_project_labels
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_bridge import compose

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project

_WITHOUT_FRACTION = ("file", DEEPLABCUT)  # splits that are given, where a fraction is only a name
_MOST_SHUFFLES = 1000
"""All splits are planned in memory before the first is written; nobody trains on so many."""


def create_dataset(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Make the training sets that the options ask for and say what is in them.

    Raises
    ------
    ConfigError
        An option makes no sense.
    DataError
        There is nothing to train on, or the training set exists.
    """
    if arguments:
        raise ConfigError(
            f"create-dataset takes no arguments, found {' '.join(arguments)}. Options look like num_shuffles=3."
        )
    options = composed.plain()
    made = create_training_dataset(
        project,
        read_project_labels(project, require_images=False),  # images without a point may be gone
        shuffles=_shuffles(options),
        fractions=_fractions(project, options),
        method=options["split"]["method"],
        validation=options["split"]["validation"],
        file=Path(options["split"]["file"]) if options["split"]["file"] else None,
        seed=options["seed"],
        iteration=options["iteration"],
        overwrite=options["overwrite"],
        pose_cfg_defaults=_training_defaults(project),
    )
    rows = []
    for training_set in made:
        split = training_set.split
        parts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
        say(
            f"shuffle {training_set.shuffle}, TrainingFraction {training_set.fraction}: "
            + ", ".join(f"{count} frames {part}" for part, count in parts.items() if count)
            + f", split by {split.method}"
        )
        rows.append(
            {
                "shuffle": training_set.shuffle,
                "fraction": training_set.fraction,
                "method": split.method,
                **parts,
                "path": str(training_set.path),
                "fingerprint": training_set.fingerprint,
            }
        )
    first = made[0]
    index = project.training_fractions.index(first.fraction)
    address = [] if options["iteration"] in (None, project.iteration) else [f"iteration={options['iteration']}"]
    address += [f"shuffle={first.shuffle}"] if first.shuffle != 1 else []
    address += [f"trainingsetindex={index}"] if index else []
    return Outcome({"training_sets": rows}, " ".join(["dlc train", *address]))


def _shuffles(options: Mapping[str, Any]) -> Sequence[int]:
    if options["shuffles"] is not None:
        if not options["shuffles"]:
            raise ConfigError("shuffles=[] asks for no training set. Give numbers from 1, like shuffles=[2,3].")
        return list(options["shuffles"])
    if options["num_shuffles"] < 1:
        raise ConfigError(f"num_shuffles is {options['num_shuffles']}; 1 or more is needed.")
    if options["num_shuffles"] > _MOST_SHUFFLES:
        raise ConfigError(
            f"num_shuffles is {options['num_shuffles']}; at most {_MOST_SHUFFLES} can be made at a time. "
            "For single ones far up give their numbers, like shuffles=[2000]."
        )
    return range(1, options["num_shuffles"] + 1)


def _fractions(project: Project, options: Mapping[str, Any]) -> list[float]:
    index, config = options["trainingsetindex"], project.config
    fractions = list(project.training_fractions) if index is None else [project.training_fraction(index)]
    if 1 in fractions and options["split"]["method"] not in _WITHOUT_FRACTION:
        raise ConfigError(
            f"{config.path} line {config.lines['TrainingFraction']}: `TrainingFraction` is "
            f"{list(project.training_fractions)}; expected fractions above 0 and below 1, like [0.95], so that some "
            "frames are left to test on. Correct the line."
        )
    return fractions


def _training_defaults(project: Project) -> dict[str, Any]:
    """Return what ``dlc train`` would use in this project, by dotted option and config group."""
    composed = compose("train", [])
    defaults = dict(_leaves(composed.plain(), ""))
    defaults.update({group: choice for group, choice in composed.choices.items() if isinstance(choice, str)})
    defaults["backbone"] = project.config.default_net_type
    for _, entry in load_plugins().registry("augmenter").items():  # options of augmenters that are not the default one
        for name, value in asdict(entry.component.config()).items():
            defaults.setdefault(f"augmenter.{name}", value)
    return defaults


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
