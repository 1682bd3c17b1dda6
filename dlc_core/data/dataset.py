"""One labelled frame, augmented: what the data loader's workers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from dlc_core.console import warn
from dlc_core.data.sampler import sample_generator
from dlc_core.data.warp import preprocess
from dlc_core.errors import DataError
from dlc_core.geometry import Matrix, Preprocessing, translation
from dlc_core.plugin_api.border import blaming
from dlc_core.skeleton import Skeleton

if TYPE_CHECKING:
    from dlc_core.data.neighbours import Neighbours
    from dlc_core.data.packed import PackedFrames
    from dlc_core.labels.table import LabelTable
    from dlc_core.plugin_api.protocols import SampleAugmenter


_SHOWN = 3  # names in a message


@dataclass(frozen=True)
class Sample:
    """One sample on its way into a batch.

    Parameters
    ----------
    images : (T, h, w, 3) uint8
        RGB, as the network will see them.
    keypoints : (I, K, 2) float32
        Pixels of `images`, NaN where absent.
    transform : (3, 3) float64
        Full frame of the video to `images`.
    ignore : (h, w) bool or None
        True where nothing is to be learnt.
    name : str
        Of the labelled image.
    step, index : int
        What its random numbers were made from.
    """

    images: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    transform: Matrix
    ignore: NDArray[np.bool_] | None
    name: str
    step: int
    index: int


class PoseDataset(Dataset[Sample]):
    """Labelled frames by (step, sample index).

    Parameters
    ----------
    names : sequence of str
        Names of the images, in the order of sample indices.
    keypoints : (n, I, K, 2) float32
        Pixels of the stored images, NaN where absent.
    frames : PackedFrames
        The images.
    preprocessing : Preprocessing
        The warp of samples that no augmenter changes.
    augmenter : SampleAugmenter or None
        None for the plain warp, before a batch augmenter and outside training.
    seed : int
        Of the run.
    neighbours : Neighbours or None
        Where the other frames of a window come from; None for one frame.
    corners : mapping of str to (x, y)
        Where an image's first pixel lies in the full frame, by image name; (0, 0) for those not listed.
    """

    def __init__(
        self,
        names: Sequence[str],
        keypoints: NDArray[np.float32],
        frames: PackedFrames,
        preprocessing: Preprocessing,
        augmenter: SampleAugmenter | None = None,
        seed: int = 0,
        neighbours: Neighbours | None = None,
        corners: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.keypoints = keypoints
        self.frames = frames
        self.preprocessing = preprocessing
        self.augmenter = augmenter
        self.seed = seed
        self.neighbours = neighbours
        self.corners = dict(corners or {})

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, at: tuple[int, int]) -> Sample:
        """Return the sample `at` = (step, sample index); the same twice, in any process."""
        step, index = at
        name = self.names[index % len(self.names)]
        keypoints = self.keypoints[index % len(self.names)]
        image = self.frames.image(name)
        window = image[None] if self.neighbours is None else self.neighbours.around(name, image)
        if self.augmenter is None:
            new = preprocess(window, keypoints, self.preprocessing)
        else:
            with blaming(f"the augmenter {type(self.augmenter).__name__} fails on {name}"):
                new = self.augmenter(window, keypoints, sample_generator(self.seed, step, index))
        x, y = self.corners.get(name, (0, 0))
        transform = new.matrix @ translation(-x, -y)
        return Sample(new.images, new.keypoints, transform, new.ignore, name, step, index)


def select_keypoints(labels: LabelTable, names: Sequence[str], skeleton: Skeleton) -> NDArray[np.float32]:
    """Return the labels of some images, in the order of a skeleton.

    Parameters
    ----------
    labels : LabelTable
        Labels of all images.
    names : sequence of str
        The images wanted.
    skeleton : Skeleton
        Which keypoints, in which order.

    Returns
    -------
    (n, I, K, 2) float32
        NaN where absent or where the skeleton has no such keypoint.

    Raises
    ------
    DataError
        An image has no labels, or the labels are of other body parts.
    """
    if set(labels.bodyparts) != set(skeleton.keypoints):
        raise DataError(
            f"the training set has the body parts {', '.join(labels.bodyparts)}; the project has "
            f"{', '.join(skeleton.keypoints)}. Make the training set again: dlc create-dataset overwrite=true"
        )
    rows = {name: row for row, name in enumerate(labels.images)}
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise DataError(
            f"the split uses {unknown[0]!r}, which has no labels. Make the training set again: "
            "dlc create-dataset overwrite=true"
        )
    columns = [labels.bodyparts.index(name) for name in skeleton.keypoints]
    chosen = labels.keypoints[[rows[name] for name in names]][:, :, columns]
    return np.where(skeleton.exists[None, :, :, None], chosen, np.nan).astype(np.float32)


def within_limits(names: Sequence[str], frames: PackedFrames, preprocessing: Preprocessing, part: str) -> list[str]:
    """Return the names of the images whose size the preprocessing accepts; say which are left out.

    Parameters
    ----------
    names : sequence of str
    frames : PackedFrames
    preprocessing : Preprocessing
    part : str
        "training", for the message.

    Raises
    ------
    DataError
        No image is left.
    """
    kept = [name for name in names if preprocessing.accepts(*frames.size(name))]
    inside = set(kept)
    left_out = [name for name in names if name not in inside]
    if left_out:
        height, width = frames.size(left_out[0])
        limits = (
            f"at preprocessing.global_scale={preprocessing.global_scale} their area lies outside "
            f"{preprocessing.min_input_size}^2 to {preprocessing.max_input_size}^2 pixels "
            f"(the first has {width} x {height}; change preprocessing.global_scale, max_input_size or min_input_size)"
        )
        more = f" and {len(left_out) - _SHOWN} more" if len(left_out) > _SHOWN else ""
        listed = f"{', '.join(left_out[:_SHOWN])}{more}"
        message = f"{len(left_out)} of {len(names)} {part} images are left out: {limits}: {listed}."
        if not kept:
            raise DataError(message)
        warn(message)
    return kept
