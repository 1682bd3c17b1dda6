"""What a shuffle is: the labels as they were, the split, and the packed frames.

A training set is one JSON file, ``<dataset folder>/dlc-core/shuffle-trainset<F>shuffle<S>.json``, beside the packs of
frames it names. Editing labels later changes no training set; making it again does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_core.data.packed import PackedFrames
from dlc_core.data.splits import Split
from dlc_core.errors import DataError
from dlc_core.files import write_text
from dlc_core.labels.table import LabelTable
from dlc_core.project.address import check_shuffle

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
        All labels as they were when the training set was made, without points outside their image.
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
            TrainingFraction has no such entry, or there can be no such shuffle.
        DataError
            The training set was never made, or its file or frames cannot be read.
        """
        fraction = project.training_fraction(trainingsetindex)
        path = training_set_file(project.dataset_folder(iteration), fraction, check_shuffle(shuffle))
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
                f"Make it: {how_to_make(project, shuffle, trainingsetindex, iteration)}"
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
            stored = _require_format(json.loads(path.read_text(encoding="utf-8")), path)
            labels = _labels_from(stored["labels"])
            split = Split.from_dict(stored["split"])
            name, fraction, shuffle = str(stored["frames"]), float(stored["fraction"]), int(stored["shuffle"])
        except DataError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            raise DataError(f"{path} is damaged ({exc}). Make it again: dlc create-dataset overwrite=true") from exc
        return cls(path, fraction, shuffle, split, labels, PackedFrames(path.with_name(name)))

    @property
    def usable_images(self) -> tuple[str, ...]:
        """Names of the frames with at least one labelled point, in the order of the labels."""
        return images_with_points(self.labels)

    @property
    def fingerprint(self) -> str:
        """8 hex digits that change when the split, a label or a frame does."""
        content = json.dumps(_as_dict(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    def write(self) -> None:
        """Write the JSON file."""
        write_text(self.path, json.dumps(_as_dict(self), indent=1, ensure_ascii=False, allow_nan=False))

    def with_split(self, split: Split) -> TrainingSet:
        """Return the same frames divided differently, for instance by `dlc_core.data.splits.fold_split`."""
        return replace(self, split=split)


def how_to_make(project: Project, shuffle: int, trainingsetindex: int, iteration: int | None) -> str:
    """Return the command that makes one training set."""
    address = [f"iteration={iteration}"] if iteration not in (None, project.iteration) else []
    address += [f"trainingsetindex={trainingsetindex}"] if len(project.training_fractions) > 1 else []
    return " ".join(["dlc create-dataset", *address, f"'shuffles=[{shuffle}]'"])


def training_set_file(dataset_folder: Path, fraction: float, shuffle: int) -> Path:
    """Return where a training set is stored."""
    return dataset_folder / "dlc-core" / f"shuffle-trainset{percent(fraction)}shuffle{shuffle}.json"


def percent(fraction: float) -> int:
    """Return the fraction as it stands in names: ``int(100 * fraction)``, as DeepLabCut writes it (0.29 becomes 28)."""
    return int(100 * fraction)


def images_with_points(labels: LabelTable) -> tuple[str, ...]:
    """Return the images that have at least one labelled point."""
    return tuple(name for name, present in zip(labels.images, labels.present, strict=True) if present.any())


def _require_format(stored: Any, path: Path) -> dict[str, Any]:
    if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
        raise DataError(
            f"{path} is no training set ({_FORMAT!r} expected). Make it again: dlc create-dataset overwrite=true"
        )
    return stored


def _as_dict(training_set: TrainingSet) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "fraction": training_set.fraction,
        "shuffle": training_set.shuffle,
        "frames": training_set.frames.path.name,
        "split": training_set.split.as_dict(),
        "labels": _labels_as_dict(training_set.labels),
    }


def _labels_as_dict(labels: LabelTable) -> dict[str, Any]:
    points = {
        name: [point if found else [None, None] for point, found in zip(frame[0].tolist(), present[0], strict=True)]
        for name, frame, present in zip(labels.images, labels.keypoints, labels.present, strict=True)
    }
    return {"scorer": labels.scorer, "bodyparts": list(labels.bodyparts), "points": points}


def _labels_from(stored: Mapping[str, Any]) -> LabelTable:
    bodyparts = tuple(stored["bodyparts"])
    keypoints = np.full((len(stored["points"]), 1, len(bodyparts), 2), np.nan)
    for index, (name, frame) in enumerate(stored["points"].items()):
        points = np.array(frame, float)  # None becomes NaN
        if points.shape != keypoints.shape[2:]:
            raise ValueError(f"{name} has points of shape {points.shape}, expected {keypoints.shape[2:]}")
        keypoints[index, 0] = points
    return LabelTable(str(stored["scorer"]), tuple(stored["points"]), bodyparts, keypoints)
