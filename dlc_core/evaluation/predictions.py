"""The poses that a network finds in labelled images, in the pixels of these images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dlc_core.data.batch import collate
from dlc_core.data.dataset import PoseDataset
from dlc_core.data.neighbours import Neighbours, frame_corners
from dlc_core.data.packed import PackedFrames
from dlc_core.errors import DataError
from dlc_core.geometry import transform_points
from dlc_core.model.pose_model import PoseModel
from dlc_core.video.crop import Crop


@dataclass(frozen=True)
class ImagePoses:
    """What a network found in images.

    Parameters
    ----------
    names : tuple of str
        Of the images.
    keypoints : (images, individuals, keypoints, 2) float32
        Pixels of the image files, NaN where absent.
    likelihood : (images, individuals, keypoints) float32
        In [0, 1].
    """

    names: tuple[str, ...]
    keypoints: NDArray[np.float32]
    likelihood: NDArray[np.float32]

    def rows(self, names: Sequence[str]) -> list[int]:
        """Return where the images `names` are on the first axis."""
        where = {name: row for row, name in enumerate(self.names)}
        return [where[name] for name in names]


@torch.inference_mode()
def predict_images(
    model: PoseModel,
    names: Sequence[str],
    frames: PackedFrames,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 4,
    neighbours: Neighbours | None = None,
    advance: Callable[[int], None] | None = None,
) -> ImagePoses:
    """Return the poses in some images: the preprocessing warp, the network, and the way back.

    Parameters
    ----------
    model : PoseModel
        Moved to `device` and put into evaluation mode.
    names : sequence of str
        Images of `frames`, also such as are too small or too large to be trained on.
    frames : PackedFrames
        Their pixels.
    device : torch.device or str
        Where to compute.
    batch_size : int
        Images at once. Only images of one size share a batch: padding would change what the network sees at the border.
    neighbours : Neighbours or None
        Where the other frames of a window come from, see `window_neighbours`.
    advance : callable or None
        Told how many images are done.

    Raises
    ------
    DataError
        The network looks at several cameras together.
    """
    if int(model.head.views) != 1:
        raise DataError(
            f"this network looks at {model.head.views} cameras together; labelled images show one. "
            "Evaluate a network for one view."
        )
    model = model.to(device).eval()
    nothing = np.full((len(names), 1, 1, 2), np.nan, np.float32)
    dataset = PoseDataset(names, nothing, frames, model.preprocessing, neighbours=neighbours)
    back = np.asarray(np.linalg.inv(model.preprocessing.matrix()), np.float64)
    keypoints: dict[int, NDArray[np.float64]] = {}
    likelihood: dict[int, NDArray[np.float32]] = {}
    for rows in _batches([frames.size(name) for name in names], batch_size):
        batch = collate([dataset[0, row] for row in rows])
        poses = model.decode(model(batch.images.to(device)), batch.sizes.to(device))
        found = transform_points(back, poses.keypoints.float().cpu().numpy().astype(np.float64))
        scores = poses.likelihood.float().cpu().numpy()
        for place, row in enumerate(rows):
            keypoints[row], likelihood[row] = found[place], scores[place]
        if advance is not None:
            advance(len(rows))
    order = range(len(names))
    return ImagePoses(
        names=tuple(names),
        keypoints=np.stack([keypoints[row] for row in order]).astype(np.float32),
        likelihood=np.stack([likelihood[row] for row in order]),
    )


def window_neighbours(
    model: PoseModel, names: Sequence[str], frames: PackedFrames, root: Path, videos: Mapping[Path, Crop | None]
) -> Neighbours | None:
    """Return where a head with a window finds the frames around labelled images; None for a head with one frame.

    Parameters
    ----------
    model : PoseModel
        Its head says which frames it looks at.
    names : sequence of str
        The labelled images.
    frames : PackedFrames
        Their sizes.
    root : Path
        The project's folder.
    videos : mapping of Path to Crop or None
        The project's videos, each with its crop in ``video_sets``.

    Raises
    ------
    DataError
        A video is missing or does not fit the images.
    """
    window = tuple(model.head.window)
    if window == (0,):
        return None
    neighbours = Neighbours(window, videos, frame_corners(root, names))
    neighbours.check({name: frames.size(name) for name in names})
    return neighbours


def _batches(sizes: Sequence[tuple[int, int]], batch_size: int) -> list[list[int]]:
    """Return indices in batches of one image size each."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for row, size in enumerate(sizes):
        by_size.setdefault(size, []).append(row)
    return [
        rows[start : start + batch_size]
        for rows in by_size.values()
        for start in range(0, len(rows), max(batch_size, 1))
    ]
