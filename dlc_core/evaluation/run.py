"""``dlc evaluate``: the error of networks against the labels of the images they were, and were not, trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.allocator import keep_memory
from dlc_core.colors import keypoint_colors
from dlc_core.console import Outcome, progress, say
from dlc_core.data.dataset import select_keypoints
from dlc_core.data.image_bounds import without_points_outside
from dlc_core.data.neighbours import videos_of
from dlc_core.data.training_set import TrainingSet
from dlc_core.errors import ConfigError
from dlc_core.evaluation.metrics import distances, pck, score_poses
from dlc_core.evaluation.plots import Style, write_pictures
from dlc_core.evaluation.predictions import ImagePoses, predict_images, window_neighbours
from dlc_core.evaluation.recorded import recorded_training_set
from dlc_core.evaluation.report import (
    Evaluation,
    as_json,
    bodypart_table,
    footnotes,
    table,
    write_combined,
    write_reports,
)
from dlc_core.model.device import resolve_device
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import EVALUATION, Run, Snapshot, find_run, runs_of, scorer, shuffle_folder
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import Checkpoint, load_model

if TYPE_CHECKING:
    from dlc_core.model.pose_model import PoseModel
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project

_CURVE_PX = np.linspace(0, 20, 41)
_PREFIXES = {"train": "Training", "test": "Test", "validation": "Validation"}


@dataclass(frozen=True)
class _Job:
    """One run with the training set it is measured on."""

    project: Project
    run: Run
    training_set: TrainingSet
    trainingsetindex: int
    options: Mapping[str, Any]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        split = self.training_set.split
        parts = {"train": split.train, "test": split.test, "validation": split.validation}
        return {part: names for part, names in parts.items() if names or part != "validation"}


def evaluate(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:  # noqa: ARG001 - takes none
    """Measure the error of one or several saved steps of one or all runs of a shuffle.

    Parameters
    ----------
    project : Project
    composed : Composed
        With the fields of `dlc_core.evaluation.settings.EvaluateSettings`.
    arguments : sequence of str
        None are taken.

    Returns
    -------
    Outcome
        ``data`` is what ``--json`` prints: ``{"runs": [{"run", "shuffle", "trainingsetindex", "snapshots": {...}}]}``.

    Raises
    ------
    DlcError
        What a user can act on: no such run, a snapshot of other body parts, a training set that is gone.
    """
    keep_memory()
    options = composed.plain()
    _check(options)
    evaluations: list[Evaluation] = []
    for run in _runs(project, options):
        say(f"Run: {run.name} ({run.folder})")
        job = _job(project, run, options)
        evaluations += [_evaluate(job, snapshot) for snapshot in _snapshots(run, options["snapshotindex"])]
    for line in ["", *table(evaluations, _shown_threshold(options["pck"]))]:
        say(line)
    for one in {one.run: one for one in evaluations}.values():  # the last one of each run
        heading = [f"Body parts of {one.run}, {one.label}:"] if len(evaluations) > 1 else []
        for line in ["", *heading, *bodypart_table(one)]:
            say(line)
    say("")
    for line in footnotes(evaluations, _shown_threshold(options["pck"])):
        say(line)
    combined = write_combined(project.models_folder(options["iteration"]))
    say(f"All evaluations of this iteration: {combined}")
    return Outcome(as_json(evaluations), "dlc analyze VIDEO")


def _check(options: Mapping[str, Any]) -> None:
    if not 0 <= options["pcutoff"] <= 1:
        raise ConfigError(f"pcutoff is {options['pcutoff']}; a likelihood from 0 to 1 is needed.")
    if options["batch_size"] < 1:
        raise ConfigError(f"batch_size is {options['batch_size']}; a whole number of at least 1 is needed.")
    if not options["pck"] or min(options["pck"]) <= 0:
        raise ConfigError(f"pck is {options['pck']}; thresholds in pixels above 0 are needed, like pck=[2,5,10].")


def _runs(project: Project, options: Mapping[str, Any]) -> list[Run]:
    address = RunAddress(options["shuffle"], options["trainingsetindex"], options["iteration"], options["run"])
    fraction = project.training_fraction(address.trainingsetindex)
    every = runs_of(shuffle_folder(project, fraction, address.shuffle, address.iteration))
    of_sweep = [run for run in every if run.name.startswith(f"{address.run}/") and run.snapshots()]
    if address.run != "all":
        return of_sweep or [find_run(project, address)]
    latest = find_run(project, RunAddress(address.shuffle, address.trainingsetindex, address.iteration))
    return [run for run in every if run.snapshots()] or [latest]


def _snapshots(run: Run, wanted: Any) -> list[Snapshot]:
    chosen = [snapshot for one in (wanted if isinstance(wanted, list) else [wanted]) for snapshot in run.select(one)]
    return list({snapshot.name: snapshot for snapshot in chosen}.values())


def _job(project: Project, run: Run, options: Mapping[str, Any]) -> _Job:
    """Return the run with its training set, divided as it was when the run was trained.

    A training set made before such points were left out may have labels outside their image; no error is measured
    against these.
    """
    training_set = recorded_training_set(project, run, options)
    frames = training_set.frames
    labels = without_points_outside(training_set.labels, {name: frames.size(name) for name in frames.images})
    return _Job(project, run, replace(training_set, labels=labels), _index(project, training_set, options), options)


def _index(project: Project, training_set: TrainingSet, options: Mapping[str, Any]) -> int:
    """Return which entry of TrainingFraction is today the one that the run was trained for."""
    fractions = project.training_fractions
    if training_set.fraction in fractions:
        return fractions.index(training_set.fraction)
    return int(options["trainingsetindex"])


def _evaluate(job: _Job, snapshot: Snapshot) -> Evaluation:
    """Measure one snapshot and write its files."""
    model, checkpoint = load_model(snapshot.path, job.project.skeleton)
    poses = _predict(job, snapshot, model)
    labelled, skeleton = job.training_set.labels, checkpoint.skeleton
    labels = {part: select_keypoints(labelled, images, skeleton) for part, images in job.parts.items()}
    evaluation = _measure(job, snapshot, checkpoint, poses, labels)
    folder = job.run.folder / EVALUATION
    files = write_reports(evaluation, poses, skeleton, folder)
    say(f"Wrote {files[0]} and {len(files) - 1} more of that name")
    if job.options["plotting"]:
        _draw(job, evaluation, poses, labels, skeleton, folder)
    return evaluation


def _predict(job: _Job, snapshot: Snapshot, model: PoseModel) -> ImagePoses:
    names = [name for part in job.parts.values() for name in part]
    frames = job.training_set.frames
    neighbours = window_neighbours(model, names, frames, job.project.root, videos_of(job.project, names))
    with progress(f"Evaluating {snapshot.name}", len(names), "images") as advance:
        return predict_images(
            model,
            names,
            frames,
            device=resolve_device(job.options["device"]),
            batch_size=job.options["batch_size"],
            neighbours=neighbours,
            advance=advance,
        )


def _measure(
    job: _Job,
    snapshot: Snapshot,
    checkpoint: Checkpoint,
    poses: ImagePoses,
    labels: Mapping[str, NDArray[np.float32]],
) -> Evaluation:
    scores, curves = {}, {"threshold_px": _CURVE_PX.tolist()}
    skeleton = checkpoint.skeleton
    for part, names in job.parts.items():
        rows = poses.rows(names)
        scores[part] = score_poses(
            poses.keypoints[rows],
            poses.likelihood[rows],
            labels[part],
            names=skeleton.keypoints,
            pcutoff=job.options["pcutoff"],
            thresholds=job.options["pck"],
            exists=skeleton.exists,
        )
        curves[part] = pck(distances(poses.keypoints[rows], labels[part]), _CURVE_PX).tolist()
    backbone = str(checkpoint.choices.get("backbone", "network"))
    task, shuffle = f"{job.project.name}{job.project.date}", job.training_set.shuffle
    return Evaluation(
        run=job.run.name,
        shuffle=shuffle,
        trainingsetindex=job.trainingsetindex,
        fraction=job.training_set.fraction,
        snapshot=snapshot.name,
        step=snapshot.step,
        selected_on_test=snapshot.selected_on_test or checkpoint.selected_on_test,
        scorer=scorer(task, backbone, shuffle, job.run.name, snapshot.step),
        pcutoff=job.options["pcutoff"],
        parts=scores,
        curves=curves,
    )


def _draw(
    job: _Job,
    evaluation: Evaluation,
    poses: ImagePoses,
    labels: Mapping[str, NDArray[np.float32]],
    skeleton: Skeleton,
    folder: Path,
) -> None:
    style = Style(
        skeleton.keypoints,
        keypoint_colors(len(skeleton.keypoints), job.options["colormap"]),
        dotsize=job.options["dotsize"],
        alphavalue=job.options["alphavalue"],
        pcutoff=job.options["pcutoff"],
    )
    pictures, frames = folder / f"LabeledImages_{evaluation.stem}", job.training_set.frames
    with progress("Drawing", len(poses.names), "images") as advance:
        for part, names in job.parts.items():
            write_pictures(pictures, _PREFIXES[part], names, frames, labels[part], poses, style, advance)
    say(f"Pictures: {pictures}")


def _shown_threshold(thresholds: Sequence[float]) -> float:
    """Return the threshold of the table's PCK column: 5 px if it was asked for, else the middle one."""
    return 5.0 if 5.0 in thresholds else float(sorted(thresholds)[len(thresholds) // 2])
