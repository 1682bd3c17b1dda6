"""``dlc check-labels``: draw the labels and say what is doubtful; with ``detector=``, say which are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import Outcome, counted, say, warn
from dlc_core.errors import ConfigError, PluginError
from dlc_core.labels import run as labels_run
from dlc_core.labels.files import read_project_labels
from dlc_core.labels.settings import CheckLabelsSettings
from dlc_core.labels.table import LabelTable
from dlc_core.outliers.check_settings import JudgeLabelsSettings
from dlc_core.outliers.fold_runs import find_fold_runs
from dlc_core.outliers.inputs import counted_bodyparts
from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.outliers.suspects import SUSPECTS, Suspect, write_suspects
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.protocols import OutlierDetector
from dlc_core.project.address import RunAddress

if TYPE_CHECKING:
    from dlc_core.outliers.out_of_fold import OutOfFold
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project

_PROVIDED = {"labels", "out_of_fold"}
_SHOWN = 15


def check_labels(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Draw and check the labels of a project; with a detector, rank those that are probably wrong.

    Parameters
    ----------
    project : Project
    composed : Composed
        `dlc_core.outliers.check_settings.JudgeLabelsSettings`.
    arguments : sequence of str
        Names of folders below ``labeled-data``, or of videos; none for all.

    Returns
    -------
    Outcome
        That of `dlc_core.labels.run.check_labels`; with a detector also ``suspects``, and ``suspects_file``.

    Raises
    ------
    DlcError
        There are no labels, or a detector lacks networks that have not seen them.
    """
    options = composed.plain()
    if options["detector"] is None:
        _refuse_without_detector(composed)
        return labels_run.check_labels(project, composed, arguments)
    detector = _detector(project, options["detector"])
    bodyparts = counted_bodyparts(project.skeleton, options["bodyparts"])
    address = RunAddress(options["shuffle"], options["trainingsetindex"], options["iteration"], options["run"])
    folds = find_fold_runs(project, address)  # nothing is drawn before this is known to work
    outcome = labels_run.check_labels(project, composed, arguments)
    if outcome.failed:
        warn("labels are not judged while tables or images cannot be read; see above.")
        return outcome
    from dlc_core.outliers.out_of_fold import predict_out_of_fold

    labels = read_project_labels(project)
    say(f"Networks: split.folds={folds.folds}, seed {folds.seed}")
    judged = predict_out_of_fold(project, folds, labels.images, address, options["device"], options["batch_size"])
    points = labels.with_bodyparts(project.skeleton.keypoints)
    scores = _score(detector, options, points, judged, bodyparts)
    suspects = _within(_suspects(scores, points, judged), labels_run.folders_named(project, arguments))
    file = project.root / SUSPECTS
    write_suspects(suspects, file)
    _tell(suspects, len(judged.by), file)
    data = {**outcome.data, "suspects": [asdict(suspect) for suspect in suspects], "suspects_file": str(file)}
    return Outcome(data, _next(suspects), outcome.failed)


def _refuse_without_detector(composed: Composed) -> None:
    """Raise ConfigError if an option was given that only a detector looks at."""
    of_labels = {field.name for field in fields(CheckLabelsSettings)}
    for field in fields(JudgeLabelsSettings):
        if field.name not in of_labels and composed.sources.get(field.name) == "command line":
            raise ConfigError(
                f"{field.name} is for a detector, and none is chosen. Add detector=label_error, or leave it out."
            )


def _detector(project: Project, node: dict[str, Any]) -> OutlierDetector:
    name = node["name"]
    built = load_plugins().registry("outlier_detector").build(node, skeleton=project.skeleton)
    detector: OutlierDetector = built
    if not {"out_of_fold"} <= set(detector.needs) <= _PROVIDED:
        raise ConfigError(
            f"detector={name} judges the poses of videos, not labels. Use it with "
            f"`dlc extract-outliers detector={name}`, or check labels with detector=label_error."
        )
    return detector


def _score(
    detector: OutlierDetector,
    options: dict[str, Any],
    labels: LabelTable,
    judged: OutOfFold,
    bodyparts: NDArray[np.bool_],
) -> FrameScores:
    """Return what the detector makes of the labels."""
    asked = DetectorInput(
        poses=judged.poses,
        bodyparts=bodyparts,
        labels=np.where(labels.present[..., None], labels.keypoints, np.nan).astype(np.float32),
        out_of_fold=judged.poses,
    )
    name = options["detector"]["name"]
    with blaming(f"the detector {name!r} cannot judge {len(labels.images)} labelled images"):
        scores = detector.score(asked)
    if scores.score.shape != (len(labels.images),):
        raise PluginError(
            f"the detector {name!r} returned scores of shape {scores.score.shape} for {len(labels.images)} images. "
            "Choose another, or tell its author."
        )
    return scores


def _suspects(scores: FrameScores, labels: LabelTable, judged: OutOfFold) -> list[Suspect]:
    """Return the suspects by name, worst first; a frame that has none but is an outlier stands as a whole."""
    found = []
    for one in scores.suspects:
        place = (one.frame, one.individual, one.keypoint)
        (x, y), (there_x, there_y) = labels.keypoints[place], judged.poses.keypoints[one.frame][place[1:]]
        likelihood = float(judged.poses.likelihood[one.frame][place[1:]])
        part = labels.bodyparts[one.keypoint]
        numbers = (float(x), float(y), float(there_x), float(there_y), likelihood)
        found.append(Suspect(0, labels.images[one.frame], part, one.reason, one.score, *numbers))
    named = {one.frame for one in scores.suspects}
    sign = 1.0 if scores.higher_is_worse else -1.0
    for frame in scores.outliers().tolist():
        if frame not in named:
            score = sign * float(scores.score[frame])
            found.append(Suspect(0, labels.images[frame], "", "the whole image", score, *[np.nan] * 5))
    found.sort(key=lambda suspect: -suspect.score)  # stable: equal scores stay as the detector has them
    return found


def _within(suspects: Sequence[Suspect], folders: Sequence[Path]) -> list[Suspect]:
    """Return the suspects of some folders, ranked."""
    names = {folder.name for folder in folders}
    kept = [suspect for suspect in suspects if suspect.image.split("/")[-2] in names]
    return [replace(suspect, rank=rank) for rank, suspect in enumerate(kept, 1)]


def _tell(suspects: Sequence[Suspect], images: int, file: Path) -> None:
    say(f"{counted(len(suspects), 'suspect')} among the labels of {counted(images, 'image')}; all are in {file}")
    for suspect in suspects[:_SHOWN]:
        part = f" {suspect.bodypart}" if suspect.bodypart else ""
        say(f"  {suspect.rank:3d}. {suspect.score:6.1f}  {suspect.image}{part}: {suspect.reason}")


def _next(suspects: Sequence[Suspect]) -> str:
    if not suspects:
        return "dlc create-dataset"
    return "dlc label (Doubtful labels), to correct those that are wrong, then dlc create-dataset overwrite=true"
