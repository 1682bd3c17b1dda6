"""Make training sets: divide the labelled frames, pack them, and tell DeepLabCut the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.console import say
from dlc_core.data.dataset_names import DatasetNames
from dlc_core.data.deeplabcut_files import (
    merged_order,
    read_deeplabcut_split,
    write_deeplabcut_files,
)
from dlc_core.data.documentation import finish, require_frames_kept
from dlc_core.data.doubts import tell_odd_images, tell_unlabelled_parts
from dlc_core.data.image_bounds import without_points_outside
from dlc_core.data.packed import PackedFrames, content_hash, image_sizes
from dlc_core.data.pose_cfg import write_pose_cfg
from dlc_core.data.splits import Split, check_split_options, make_split
from dlc_core.data.training_set import (
    TrainingSet,
    images_with_points,
    percent,
    training_set_file,
)
from dlc_core.errors import ConfigError, DataError
from dlc_core.image_files import bit_depths, read_content
from dlc_core.labels.files import HOW_TO_LABEL, labelled_folders, tables_in
from dlc_core.labels.table import LabelTable
from dlc_core.project.runs import shuffle_folder
from dlc_core.seeds import check_seed

if TYPE_CHECKING:
    from dlc_core.project.project import Project

__all__ = ["TrainingSet", "create_training_dataset", "images_with_points"]

DEEPLABCUT = "deeplabcut"
"""The split method that takes over the split of a shuffle DeepLabCut made."""


def create_training_dataset(
    project: Project,
    labels: LabelTable,
    shuffles: Sequence[int] = (1,),
    fractions: Sequence[float] | None = None,
    method: str = "random",
    validation: float = 0.0,
    file: Path | None = None,
    seed: int = 0,
    iteration: int | None = None,
    overwrite: bool = False,
    pose_cfg_defaults: Mapping[str, Any] | None = None,
) -> list[TrainingSet]:
    """Make one training set per fraction and shuffle, with its pose_cfg.yaml and DeepLabCut's files.

    Parameters
    ----------
    project : Project
        The project.
    labels : LabelTable
        Its labels, from `dlc_core.labels.files.read_project_labels`. Points outside their image count as absent.
    shuffles : sequence of int
        Numbers from 1; each is another split.
    fractions : sequence of float or None
        Entries of TrainingFraction; None for all.
    method, validation, file, seed
        As for `dlc_core.data.splits.make_split`; fraction and shuffle are mixed into the seed. ``method="deeplabcut"``
        takes over the split that DeepLabCut made for the same fraction and shuffle, and leaves its files alone.
    iteration : int or None
        None for the current iteration.
    overwrite : bool
        Whether an existing training set may be made again.
    pose_cfg_defaults : mapping or None
        Option to default value, shown in pose_cfg.yaml.

    Returns
    -------
    list of TrainingSet
        In order of fractions, then shuffles.

    Raises
    ------
    ConfigError
        A shuffle is below 1, the seed below 0, or a share makes no sense.
    DataError
        A training set exists already, no frame is labelled, an image is missing, a part would be empty, or another
        shuffle of the dataset would lose frames.
        Nothing has been written then.
    """
    check_seed(seed)
    if method != DEEPLABCUT:
        check_split_options(method, validation, file)
    fractions = project.training_fractions if fractions is None else fractions
    folder = project.dataset_folder(iteration)
    labelled = images_with_points(labels)
    sizes = image_sizes(labelled, project.root)
    labels = without_points_outside(labels, sizes)
    images = _require_points(project, labels)
    groups = [PurePosixPath(name).parent.name for name in images]
    names = DatasetNames(folder, project.name, project.date, project.scorer)
    planned: dict[Path, tuple[float, int, Split]] = {}
    for fraction in fractions:
        for shuffle in dict.fromkeys(shuffles):
            path = training_set_file(folder, fraction, shuffle)
            _require_free(path, planned, fraction, shuffle)
            theirs = (
                None if path.is_file() and method != DEEPLABCUT else read_deeplabcut_split(names, fraction, shuffle)
            )
            _require_new(path, theirs, method, overwrite)
            if method == DEEPLABCUT:
                split = _taken_over(theirs, images, validation, path)
            else:
                split = make_split(images, groups, method, fraction, _seed(seed, fraction, shuffle), validation, file)
            planned[path] = (fraction, shuffle, split)
    if method != DEEPLABCUT:
        remade = {names.documentation(fraction, shuffle) for fraction, shuffle, _ in planned.values()}
        require_frames_kept(names, merged_order(labels), remade)
    depths = bit_depths(images, lambda name: read_content(project.root / name))
    pack = f"frames-{content_hash(images, project.root, depths)}.zarr"
    frames = PackedFrames.create(folder / "dlc-core" / pack, images, project.root, depths)
    made = [TrainingSet(path, *plan, labels, frames) for path, plan in planned.items()]
    if method != DEEPLABCUT:
        write_deeplabcut_files(names, made)
    for training_set in made:
        shuffle_files = shuffle_folder(project, training_set.fraction, training_set.shuffle, iteration)
        write_pose_cfg(shuffle_files / "train" / "pose_cfg.yaml", pose_cfg_defaults)
        training_set.write()
    if method != DEEPLABCUT:
        finish(names)
    tell_odd_images({name: sizes[name] for name in images}, depths)
    tell_unlabelled_parts(labels, made)
    return made


def _require_points(project: Project, labels: LabelTable) -> tuple[str, ...]:
    images = images_with_points(labels)
    if not images:
        tables = {name for folder in labelled_folders(project) for name in tables_in(folder)}
        written = sorted(name.removeprefix("CollectedData_") for name in tables)
        others = [name for name in written if name != project.scorer]
        hint = f" There are label tables of {', '.join(others)}: rename scorer in config.yaml?" if others else ""
        raise DataError(
            f"no frame below {project.labeled_data} has a point labelled by {project.scorer!r}.{hint} {HOW_TO_LABEL}"
        )
    labelled = set(images)
    empty = [name for name in labels.images if name not in labelled]
    if empty:
        say(
            f"{len(empty)} of {len(labels.images)} frames have no labelled point and are in no part of the "
            f"split, first {empty[0]}"
        )
    return images


def _require_free(path: Path, planned: Mapping[Path, object], fraction: float, shuffle: int) -> None:
    if shuffle < 1:
        raise ConfigError(f"shuffle {shuffle} cannot be; shuffles are numbered from 1.")
    if path in planned:
        raise ConfigError(
            f"TrainingFraction holds two entries that are called {percent(fraction)} in file names, "
            f"{fraction} among them. "
            "Use whole per cents, each once, in config.yaml."
        )


def _require_new(path: Path, theirs: Split | None, method: str, overwrite: bool) -> None:
    what = path.stem.removeprefix("shuffle-")
    if path.is_file() and not overwrite:
        raise DataError(
            f"{what} exists already ({path}). Choose another number (shuffles=[N]), or make it again with "
            f"overwrite=true."
        )
    if theirs is not None and method != DEEPLABCUT and not overwrite:
        raise DataError(
            f"{what} was made by DeepLabCut ({path.parent.parent}). Take over its split with "
            f"split.method=deeplabcut, choose "
            "another number (shuffles=[N]), or replace it with overwrite=true."
        )


def _taken_over(theirs: Split | None, images: Sequence[str], validation: float, path: Path) -> Split:
    """Return DeepLabCut's split without frames that have no labelled point."""
    if theirs is None:
        raise DataError(
            f"DeepLabCut made no {path.stem.removeprefix('shuffle-')} in {path.parent.parent}, so "
            f"split.method=deeplabcut has "
            "nothing to take over. Choose the number of one of its shuffles, or another split.method."
        )
    if validation:
        raise ConfigError("split.validation does not go with split.method=deeplabcut, which takes a split as it is.")
    usable = set(images)
    train, test = (tuple(name for name in part if name in usable) for part in (theirs.train, theirs.test))
    for part, found in (("train", train), ("test", test)):
        if not found:
            raise DataError(f"DeepLabCut's split leaves no labelled frame to {part} on ({path.parent.parent}).")
    without = len(usable) - len(train) - len(test)
    if without > 0:
        say(f"{without} labelled frames are in no part of DeepLabCut's split")
    return Split(train, test, method=DEEPLABCUT)


def _seed(seed: int, fraction: float, shuffle: int) -> int:
    """Return a seed of its own for each shuffle, the same on every machine."""
    return int(np.random.SeedSequence((seed, percent(fraction), shuffle)).generate_state(1)[0])
