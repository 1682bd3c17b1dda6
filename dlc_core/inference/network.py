"""A trained network with everything an analysis has to remember of it: the run, the snapshot, the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.errors import DlcError
from dlc_core.files import file_hash
from dlc_core.project.project import Project
from dlc_core.project.runs import Run, Snapshot, scorer
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import load_model

if TYPE_CHECKING:
    from dlc_core.model.pose_model import PoseModel

_SHUFFLE = re.compile(r"(?P<name>.+)-trainset(?P<percent>\d+)shuffle(?P<shuffle>\d+)")


@dataclass(frozen=True)
class Training:
    """Where a network was trained.

    Parameters
    ----------
    task, date : str
        Of the project.
    shuffle, iteration : int
    training_fraction : float
        Share of the labelled frames it was trained on.
    root : str
        Folder of the project, "" if the run lies outside one.
    """

    task: str
    date: str
    shuffle: int
    iteration: int
    training_fraction: float
    root: str


@dataclass(frozen=True)
class Network:
    """A network ready for analysis.

    Parameters
    ----------
    model : PoseModel
        On the CPU, in evaluation mode.
    skeleton : Skeleton
        Names on the axes of its poses.
    scorer : str
        Its name in files.
    about : mapping
        ``run``, ``run_folder``, ``snapshot``, ``step``, ``selected_on_test``, ``sha256`` of the snapshot, ``backbone``.
    training : Training
    versions : mapping
        Of the software that trained it.
    """

    model: PoseModel
    skeleton: Skeleton
    scorer: str
    about: Mapping[str, Any]
    training: Training
    versions: Mapping[str, str]

    def project_attributes(self) -> dict[str, Any]:
        """Return `training` as plain values."""
        return asdict(self.training)


def load_network(run: Run, snapshot: Snapshot, project: Project | None) -> Network:
    """Return the network of a snapshot.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
        One of the run's.
    project : Project or None
        The body parts must be those of this project; None accepts any.

    Raises
    ------
    CheckpointError
        The snapshot is damaged, belongs to other body parts, or needs a component that is not installed.
    """
    model, checkpoint = load_model(snapshot.path, None if project is None else project.skeleton)
    training = training_of(run, project, checkpoint.config)
    backbone = str(checkpoint.choices.get("backbone", "network"))
    name = f"{training.task}{training.date}"
    return Network(
        model=model,
        skeleton=checkpoint.skeleton,
        scorer=scorer(name, backbone, training.shuffle, run.name, snapshot.step),
        about={
            "run": run.name,
            "run_folder": str(run.folder),
            "snapshot": snapshot.name,
            "step": snapshot.step,
            "selected_on_test": snapshot.selected_on_test,
            "sha256": file_hash(snapshot.path),
            "backbone": backbone,
        },
        training=training,
        versions=checkpoint.versions,
    )


def training_of(run: Run, project: Project | None, config: Mapping[str, Any]) -> Training:
    """Return where `run` was trained: from the folders it lies in, and the project around them if there is one.

    A run's folder that was copied elsewhere alone keeps its shuffle (`config`) but has no task.
    """
    folder = next((parent for parent in run.folder.parents if _SHUFFLE.fullmatch(parent.name)), None)
    match = None if folder is None else _SHUFFLE.fullmatch(folder.name)
    if folder is None or match is None:
        return Training("", "", int(config.get("shuffle") or 1), 0, 0.0, "")
    iteration = folder.parent.name.removeprefix("iteration-")
    around = _project_around(folder, project)
    task, date = (around.name, around.date) if around else (match["name"], "")
    percent = int(match["percent"])
    fractions = around.training_fractions if around else ()
    return Training(
        task=task,
        date=date,
        shuffle=int(match["shuffle"]),
        iteration=int(iteration) if iteration.isdigit() else 0,
        training_fraction=next((share for share in fractions if int(100 * share) == percent), percent / 100),
        root=str(around.root) if around else "",
    )


def _project_around(folder: Path, project: Project | None) -> Project | None:
    """Return the project whose ``dlc-models-core/iteration-N/`` holds the shuffle's folder."""
    if len(folder.parents) < 3:
        return None
    root = folder.parents[2]
    if project is not None and project.root == root:
        return project
    try:
        return Project.open(root)
    except (DlcError, OSError):
        return None
