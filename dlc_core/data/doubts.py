"""What a person should know about labelled frames that are packed all the same, one notice for each kind of doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.data.training_set import TrainingSet
from dlc_core.image_files import odd_sizes, partly_used
from dlc_core.labels.table import LabelTable

_SHOWN = 3


def tell_odd_images(sizes: Mapping[str, tuple[int, int]], depths: Mapping[str, int]) -> None:
    """Name images that are not as large as the others of their folder, and folders that use fewer than 16 bits.

    Parameters
    ----------
    sizes : mapping of str to (height, width)
        Of the images.
    depths : mapping of str to int
        Folder to bits, from `dlc_core.image_files.bit_depths`.
    """
    odd = [f"{name} {text}" for name, text in odd_sizes(sizes).items()]
    if odd:
        more = f"; and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        warn(
            f"image size differs from the other frames of the folder: {'; '.join(odd[:_SHOWN])}{more}. If an image was "
            "resized, put the original back: its labels count the pixels of that. `dlc check-labels` lists them."
        )
    for folder, text in partly_used(depths).items():
        warn(f"{folder}: {text}. If they are meant to be that dark, save them with 8 bits.")


def tell_unlabelled_parts(labels: LabelTable, made: Sequence[TrainingSet]) -> None:
    """Name body parts that cannot be learnt: labelled nowhere, or in no frame of a training part.

    Parameters
    ----------
    labels : LabelTable
        Of all frames.
    made : sequence of TrainingSet
        Divisions of them.
    """
    nowhere = set(labels.bodyparts) - _labelled(labels, labels.present)
    for name in labels.bodyparts:
        if name in nowhere:
            warn(f"the body part {name!r} is labelled in no frame; label it, or remove it from bodyparts.")
    for training_set in made:
        train = set(training_set.split.train)
        rows = [row for row, name in enumerate(labels.images) if name in train]
        found = _labelled(labels, labels.present[rows])
        lost = [name for name in labels.bodyparts if name not in found | nowhere]
        if lost:
            warn(
                f"no training frame of shuffle {training_set.shuffle}, TrainingFraction {training_set.fraction}, has a "
                f"label of {', '.join(map(repr, lost))}, which cannot be learnt there. Label more frames, or choose "
                "another seed."
            )


def _labelled(labels: LabelTable, present: NDArray[np.bool_]) -> set[str]:
    """Return the body parts with a label among the frames of `present`, (frames, individuals, keypoints) bool."""
    counts = present.sum(axis=(0, 1)).tolist()
    return {name for name, count in zip(labels.bodyparts, counts, strict=True) if count}
