"""The training set that a run was trained with, opened again: what the run wrote down counts, not the options of today.

Labels can have been edited and training sets made again since. A run is evaluated on its own split and the labels of
today; frames that have no labels any more cannot be measured and are left out, with a notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlc_core.console import warn
from dlc_core.data.splits import Split
from dlc_core.data.training_set import TrainingSet, how_to_make
from dlc_core.errors import DataError
from dlc_core.project.runs import Run
from dlc_core.project.yaml_text import plain, read_yaml
from dlc_core.training.record import RECORD_FILE, data_hash

if TYPE_CHECKING:
    from dlc_core.project.project import Project


def recorded_training_set(project: Project, run: Run, options: Mapping[str, Any]) -> TrainingSet:
    """Return the training set of a run, divided as it was when the run was trained.

    Parameters
    ----------
    project : Project
    run : Run
    options : mapping
        ``shuffle``, ``trainingsetindex`` and ``iteration``, for a run that wrote nothing down.

    Raises
    ------
    DataError
        The training set is gone, or none of the run's frames is labelled any more.
    """
    file = run.folder / RECORD_FILE
    record = dict(plain(read_yaml(file))) if file.is_file() else {}
    training_set = _open(project, run, {**options, **record}, record.get("training_set"))
    if "split" not in record:
        return training_set
    training_set = training_set.with_split(Split.from_dict(record["split"]))
    if data_hash(training_set) != record.get("data_hash"):
        warn(
            f"labels or frames of {training_set.path.name} have changed since {run.name} was trained; it is "
            "evaluated on the split it was trained with and the labels of today."
        )
    return _still_labelled(training_set, run)


def _open(project: Project, run: Run, known: Mapping[str, Any], name: str | None) -> TrainingSet:
    shuffle, iteration = int(known["shuffle"]), known["iteration"]
    if name is None:
        return TrainingSet.open(project, shuffle, int(known["trainingsetindex"]), iteration)
    path = project.dataset_folder(iteration) / "dlc-core" / name
    if not path.is_file():
        raise DataError(
            f"{run.name} was trained with {path}, which is gone. Put it back, or make it again: "
            f"{how_to_make(project, shuffle, int(known['trainingsetindex']), iteration)}"
        )
    return TrainingSet.read(path)


def _still_labelled(training_set: TrainingSet, run: Run) -> TrainingSet:
    """Return the training set without frames of the split that have neither labels nor pixels any more."""
    split = training_set.split
    there = set(training_set.labels.images) & set(training_set.frames.images)
    gone = sorted(split.images - there)
    if not gone:
        return training_set
    if len(gone) == len(split.images):
        raise DataError(
            f"none of the {len(gone)} frames that {run.name} used is labelled in {training_set.path} any more. Train a "
            "new run, or put the labels back and make the training set again: dlc create-dataset overwrite=true"
        )
    warn(
        f"{len(gone)} of the {len(split.images)} frames that {run.name} used have no labels any more and are left out "
        f"of its evaluation, first {gone[0]}."
    )
    train, test, validation = (
        tuple(name for name in part if name in there) for part in (split.train, split.test, split.validation)
    )
    return training_set.with_split(Split(train, test, validation, split.method, split.seed))
