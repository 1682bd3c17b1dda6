"""Poses of labelled images, each by a network that was not trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlc_core.console import counted, progress, say, warn
from dlc_core.data.neighbours import videos_of
from dlc_core.data.packed import PackedFrames
from dlc_core.errors import DataError
from dlc_core.evaluation.predictions import ImagePoses, predict_images, window_neighbours
from dlc_core.evaluation.recorded import recorded_training_set
from dlc_core.inference.pose_file import PoseFile
from dlc_core.model.device import resolve_device
from dlc_core.outliers.fold_runs import FoldRuns
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import Run
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import load_model

if TYPE_CHECKING:
    from dlc_core.project.project import Project

SCORER = "out of fold"


@dataclass(frozen=True)
class OutOfFold:
    """What a cross-validation says about labelled images.

    Parameters
    ----------
    images : tuple of str
        The labelled images, as in the label tables; the frames of `poses`.
    poses : PoseFile
        Pixels of the image files. NaN and likelihood 0 for an image that is in the test part of no fold.
    by : mapping of str to str
        The run that predicted each image, of those that one did.
    """

    images: tuple[str, ...]
    poses: PoseFile
    by: dict[str, str]

    @property
    def unseen(self) -> tuple[str, ...]:
        """The images that no network predicted."""
        return tuple(name for name in self.images if name not in self.by)


def predict_out_of_fold(
    project: Project,
    folds: FoldRuns,
    images: Sequence[str],
    address: RunAddress,
    device: str = "auto",
    batch_size: int = 4,
) -> OutOfFold:
    """Return the poses of labelled images by the networks of a cross-validation, each fold's test part by its own.

    Parameters
    ----------
    project : Project
    folds : FoldRuns
        Complete.
    images : sequence of str
        The images that are labelled now, as in the label tables.
    address : RunAddress
        Where the training set is, for runs that wrote nothing down.
    device : str
        ``auto``, ``cpu``, ``cuda``, ...
    batch_size : int
        Images at once.

    Raises
    ------
    DataError
        None of the images is in the test part of a fold, or a training set is gone.
    """
    skeleton = project.skeleton
    rows = {name: row for row, name in enumerate(images)}
    shape = (len(images), len(skeleton.individuals), len(skeleton.keypoints))
    keypoints, likelihood = np.full((*shape, 2), np.nan, np.float32), np.zeros(shape, np.float32)
    by: dict[str, str] = {}
    for fold, run in sorted(folds.runs.items()):
        training_set = recorded_training_set(project, run, asdict(address))
        names = [name for name in training_set.split.test if name in rows]
        if not names:
            continue
        say(f"Fold {fold}: {run.name}, {counted(len(names), 'image')}")
        poses, theirs = _test_part(project, run, names, training_set.frames, device, batch_size)
        order = [theirs.keypoints.index(name) for name in skeleton.keypoints]
        for index, name in enumerate(poses.names):
            keypoints[rows[name]] = poses.keypoints[index][:, order]
            likelihood[rows[name]] = poses.likelihood[index][:, order]
            by[name] = run.name
    if not by:
        raise DataError(
            f"none of the {len(images)} labelled images is in the test part of a fold: the networks were trained on "
            "other images. Make the training set again, dlc create-dataset overwrite=true, and train the folds again."
        )
    found = PoseFile.from_arrays(keypoints, likelihood, skeleton, scorer=SCORER)
    result = OutOfFold(tuple(images), found, by)
    if result.unseen:
        warn(
            f"{counted(len(result.unseen), 'labelled image')} of {len(images)} had no labels yet when the folds were "
            f"trained and cannot be compared, first {result.unseen[0]}. To have them compared: dlc create-dataset "
            "overwrite=true, and train the folds again."
        )
    return result


def _test_part(
    project: Project, run: Run, names: Sequence[str], frames: PackedFrames, device: str, batch_size: int
) -> tuple[ImagePoses, Skeleton]:
    """Return what the last snapshot of a run finds in some of its test images, and its own skeleton."""
    snapshot = run.select(-1)[0]
    steps = run.config()["training"].get("steps")
    if steps is not None and snapshot.step < steps:
        warn(
            f"{run.name} has reached {snapshot.step} of its {steps} steps; it is used as it is. "
            f"Finish it: dlc train run={run.name} resume=true"
        )
    model, checkpoint = load_model(snapshot.path, project.skeleton)
    neighbours = window_neighbours(model, names, frames, project.root, videos_of(project, names))
    with progress(f"Evaluating {run.name}", len(names), "images") as advance:
        poses = predict_images(
            model,
            names,
            frames,
            device=resolve_device(device),
            batch_size=batch_size,
            neighbours=neighbours,
            advance=advance,
        )
    return poses, checkpoint.skeleton
