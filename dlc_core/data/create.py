"""Training sets: what a shuffle is - the labels as they were, the split, and the packed frames.

A training set is one JSON file, ``<dataset folder>/dlc-core/shuffle-trainset<F>shuffle<S>.json``, beside the packs of
frames it names. Editing labels later changes no training set; making it again does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.console import say
from dlc_core.data.packed import PackedFrames, content_hash
from dlc_core.data.splits import Split, make_split
from dlc_core.errors import ConfigError, DataError
from dlc_core.files import write_text
from dlc_core.labels.table import LabelTable

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_FORMAT = "dlc-core training set 1"


@dataclass(frozen=True)
class TrainingSet:
    """The labelled frames of one shuffle, divided.

    Parameters
    ----------
    path : Path
        The JSON file that holds it.
    fraction : float
        The entry of TrainingFraction it was made for.
    shuffle : int
        Number of the shuffle, from 1.
    split : Split
        Which frames train, validate and test. Frames without any labelled point are in no part.
    labels : LabelTable
        All labels as they were when the training set was made.
    frames : PackedFrames
        The pixels of every frame of the split.
    """

    path: Path
    fraction: float
    shuffle: int
    split: Split
    labels: LabelTable
    frames: PackedFrames = field(repr=False)

    @classmethod
    def open(
        cls, project: Project, shuffle: int = 1, trainingsetindex: int = 0, iteration: int | None = None
    ) -> TrainingSet:
        """Return a training set of a project.

        Parameters
        ----------
        project : Project
            The project.
        shuffle : int
            Number of the shuffle, from 1.
        trainingsetindex : int
            Index into TrainingFraction of config.yaml.
        iteration : int or None
            None for the current iteration.

        Raises
        ------
        ConfigError
            TrainingFraction has no such entry.
        DataError
            The training set was never made, or its file or frames cannot be read.
        """
        fraction = fraction_at(project.training_fractions, trainingsetindex)
        path = training_set_file(project.dataset_folder(iteration), fraction, shuffle)
        if not path.is_file():
            found = sorted(path.parent.glob("shuffle-*.json"))
            has = (
                f"there are {', '.join(file.stem.removeprefix('shuffle-') for file in found)}"
                if found
                else "there is none yet"
            )
            raise DataError(
                f"no training set for shuffle={shuffle} and TrainingFraction {fraction} in "
                f"{path.parent.parent}; {has}. "
                f"Make it: dlc create-dataset 'shuffles=[{shuffle}]'"
            )
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> TrainingSet:
        """Return the training set of a JSON file.

        Raises
        ------
        DataError
            It is damaged, or its frames are gone.
        """
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
                raise DataError(
                    f"{path} is no training set ({_FORMAT!r} expected). Make it again: dlc create-dataset "
                    f"overwrite=true"
                )
            labels = _labels_from(stored["labels"])
            split = Split.from_dict(stored["split"])
            name, fraction, shuffle = str(stored["frames"]), float(stored["fraction"]), int(stored["shuffle"])
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as exc:
            raise DataError(f"{path} is damaged ({exc}). Make it again: dlc create-dataset overwrite=true") from exc
        return cls(path, fraction, shuffle, split, labels, PackedFrames.open(path.with_name(name)))

    @property
    def usable_images(self) -> tuple[str, ...]:
        """Names of the frames with at least one labelled point, in the order of the labels."""
        return images_with_points(self.labels)

    def with_split(self, split: Split) -> TrainingSet:
        """Return the same frames divided differently, for instance by `dlc_core.data.splits.fold_split`."""
        return replace(self, split=split)


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
) -> list[TrainingSet]:
    """Make one training set per fraction and shuffle.

    Parameters
    ----------
    project : Project
        The project.
    labels : LabelTable
        Its labels, from `dlc_core.labels.files.read_project_labels`.
    shuffles : sequence of int
        Numbers from 1; each is another split.
    fractions : sequence of float or None
        Entries of TrainingFraction; None for all.
    method, validation, file, seed
        As for `dlc_core.data.splits.make_split`. Fraction and shuffle are mixed into the seed.
    iteration : int or None
        None for the current iteration.
    overwrite : bool
        Whether an existing training set may be made again.

    Returns
    -------
    list of TrainingSet
        In order of fractions, then shuffles.

    Raises
    ------
    ConfigError
        A shuffle is below 1, or a share makes no sense.
    DataError
        A training set exists already, no frame is labelled, an image is missing, or a part would be empty.
        Nothing has been written then.
    """
    fractions = project.training_fractions if fractions is None else fractions
    folder = project.dataset_folder(iteration)
    images = _require_points(project, labels)
    groups = [PurePosixPath(name).parent.as_posix() for name in images]
    planned: list[tuple[Path, float, int, Split]] = []
    for fraction in fractions:
        for shuffle in shuffles:
            path = training_set_file(folder, fraction, shuffle)
            _require_new(path, fraction, shuffle, overwrite)
            split = make_split(images, groups, method, fraction, _seed(seed, fraction, shuffle), validation, file)
            planned.append((path, fraction, shuffle, split))
    name = f"frames-{content_hash(images, project.root)}.zarr"
    frames = PackedFrames.create(folder / "dlc-core" / name, images, project.root)
    made = [TrainingSet(path, fraction, shuffle, split, labels, frames) for path, fraction, shuffle, split in planned]
    for training_set in made:
        _write(training_set)
    return made


def fraction_at(fractions: Sequence[float], index: int) -> float:
    """Return TrainingFraction[index].

    Raises
    ------
    ConfigError
        There is no such entry.
    """
    if not 0 <= index < len(fractions):
        raise ConfigError(
            f"trainingsetindex={index}, but TrainingFraction of config.yaml has {len(fractions)} "
            f"entr{'y' if len(fractions) == 1 else 'ies'}: {list(fractions)}. Choose 0 to {len(fractions) - 1}."
        )
    return fractions[index]


def training_set_file(dataset_folder: Path, fraction: float, shuffle: int) -> Path:
    """Return where a training set is stored."""
    return dataset_folder / "dlc-core" / f"shuffle-trainset{percent(fraction)}shuffle{shuffle}.json"


def percent(fraction: float) -> int:
    """Return the fraction as it stands in names: ``int(100 * fraction)``, as DeepLabCut writes it (0.29 becomes 28)."""
    return int(100 * fraction)


def images_with_points(labels: LabelTable) -> tuple[str, ...]:
    """Return the images that have at least one labelled point."""
    some = np.isfinite(labels.keypoints).all(-1).any((1, 2))
    return tuple(name for name, found in zip(labels.images, some, strict=True) if found)


def _require_points(project: Project, labels: LabelTable) -> tuple[str, ...]:
    images = images_with_points(labels)
    if not images:
        written = sorted(
            {file.stem.removeprefix("CollectedData_") for file in project.labeled_data.glob("*/CollectedData_*")}
        )
        others = [name for name in written if name != project.scorer]
        hint = f" There are label tables of {', '.join(others)}: rename scorer in config.yaml?" if others else ""
        raise DataError(
            f"no frame below {project.labeled_data} has a point labelled by {project.scorer!r}.{hint} "
            "Label some frames first (dlc label), then make the training set."
        )
    empty = [name for name in labels.images if name not in set(images)]
    if empty:
        say(
            f"{len(empty)} of {len(labels.images)} frames have no labelled point and are in no part of the "
            f"split, first {empty[0]}"
        )
    return images


def _require_new(path: Path, fraction: float, shuffle: int, overwrite: bool) -> None:
    if shuffle < 1:
        raise ConfigError(f"shuffle {shuffle} cannot be; shuffles are numbered from 1.")
    if path.is_file() and not overwrite:
        raise DataError(
            f"shuffle {shuffle} with TrainingFraction {fraction} exists already ({path}). "
            "Choose another number (shuffles=[N]), or make it again with overwrite=true."
        )


def _seed(seed: int, fraction: float, shuffle: int) -> int:
    """Return a seed of its own for each shuffle, the same on every machine."""
    return int(np.random.SeedSequence((seed, percent(fraction), shuffle)).generate_state(1)[0])


def _write(training_set: TrainingSet) -> None:
    stored = {
        "format": _FORMAT,
        "fraction": training_set.fraction,
        "shuffle": training_set.shuffle,
        "frames": training_set.frames.path.name,
        "split": training_set.split.as_dict(),
        "labels": _labels_as_dict(training_set.labels),
    }
    write_text(training_set.path, json.dumps(stored, indent=1, ensure_ascii=False, allow_nan=False))


def _labels_as_dict(labels: LabelTable) -> dict[str, Any]:
    points = {
        name: [[value if np.isfinite(value) else None for value in point] for point in frame[0].tolist()]
        for name, frame in zip(labels.images, labels.keypoints, strict=True)
    }
    return {"scorer": labels.scorer, "bodyparts": list(labels.bodyparts), "points": points}


def _labels_from(stored: Mapping[str, Any]) -> LabelTable:
    bodyparts = tuple(stored["bodyparts"])
    keypoints = np.full((len(stored["points"]), 1, len(bodyparts), 2), np.nan)
    for index, frame in enumerate(stored["points"].values()):
        keypoints[index, 0] = np.array(frame, float)  # None becomes NaN
    return LabelTable(str(stored["scorer"]), tuple(stored["points"]), bodyparts, keypoints)
