"""What a sweep that searches (``hydra/sweeper=optuna``) needs before its first job: something to search by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlc_core.errors import ConfigError
from dlc_core.verbs import Verb

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

    from dlc_core.project.project import Project

_SEARCHING = ("optuna", "ax", "nevergrad")  # sweepers that look for the best value instead of trying all
_SPACES = ("hydra.sweeper.params", "hydra.sweeper.search_space")
_PARTS = ("shuffle", "trainingsetindex", "iteration", "split.fold")  # what decides which validation part there is


def require_objective(verb: Verb, project: Project | None, overrides: Sequence[str]) -> None:
    """Check that the jobs of a search can tell what it searches by: the error on a validation part.

    Raises
    ------
    ConfigError, DataError
        The step measures none, or a training set is missing or has no validation part.
    """
    from dlc_core.plugin_api.composition import parsed

    given = parsed(verb.name, overrides)
    sweeper = next((str(one.value()) for one in reversed(given) if one.key_or_group == "hydra/sweeper"), "")
    spaces = [str(one.input_line) for one in given if one.key_or_group.startswith(_SPACES)]
    if sweeper not in _SEARCHING or any(part in text for text in spaces for part in _PARTS):
        return
    searches = f"hydra/sweeper={sweeper} searches by the validation error"
    if verb.name != "train" or project is None:
        raise ConfigError(
            f"{searches}, which `dlc {verb.command}` does not measure. Leave hydra/sweeper= out: -m alone tries every "
            "combination."
        )
    values = {part: _values(given, part) for part in _PARTS}
    if any(fold is not None for fold in values["split.fold"]):
        raise ConfigError(f"{searches}, and split.fold= leaves no validation part. Leave split.fold= out.")
    for shuffle, index, iteration in itertools.product(*(values[part] for part in _PARTS[:3])):
        shuffle = 1 if shuffle is None else shuffle
        _require_validation(project, searches, int(shuffle), int(index or 0), iteration)


def _require_validation(project: Project, searches: str, shuffle: int, index: int, iteration: int | None) -> None:
    from dlc_core.data.training_set import TrainingSet, training_set_file

    found = TrainingSet.open(project, shuffle, index, iteration)
    if found.split.validation:
        return
    folder = project.dataset_folder(iteration)
    free = next(n for n in itertools.count(1) if not training_set_file(folder, found.fraction, n).exists())
    raise ConfigError(
        f"{searches}, and the training set of shuffle={shuffle} has no validation part. Make one that has: "
        f"dlc create-dataset 'shuffles=[{free}]' split.validation=0.1, and search with shuffle={free}."
    )


def _values(given: Sequence[Override], option: str) -> list[Any]:
    """Return the values that the jobs get for an option, [None] if it is left to its default."""
    asked = [override for override in given if override.key_or_group == option]
    if not asked:
        return [None]
    return [int(value) if str(value).isdecimal() else None for value in _each(asked[-1])]


def _each(override: Override) -> list[Any]:
    if not override.is_sweep_override():
        return [override.value()]
    return list(override.sweep_iterator()) if override.is_discrete_sweep() else [None]
