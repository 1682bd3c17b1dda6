"""How far poses are from the truth."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from dlc_core.demo.generate import Truth
from dlc_core.errors import DataError
from dlc_core.evaluation.metrics import distances
from dlc_core.inference.pose_file import PoseFile


def errors_px(poses: PoseFile | str | os.PathLike[str], truth: Truth) -> NDArray[np.float64]:
    """Return how far each body part in each frame is from its true point.

    Parameters
    ----------
    poses : PoseFile or path
        Of the whole video: the poses, or their store, the ``.zarr`` that ``dlc analyze`` wrote.
    truth : Truth

    Returns
    -------
    (frames, keypoints) float64
        Pixels, in the order of ``truth.names``; NaN where there is no true point, infinite where a point was not found.

    Raises
    ------
    DataError
        The poses have another number of frames than the truth, or lack a body part of it.
    """
    found = poses if isinstance(poses, PoseFile) else PoseFile.open(os.fspath(poses))
    missing = [name for name in truth.names if name not in found.skeleton.keypoints]
    if missing or found.frame_count != len(truth.keypoints):
        raise DataError(
            f"the poses have {found.frame_count} frames and the body parts {', '.join(found.skeleton.keypoints)}; the "
            f"truth has {len(truth.keypoints)} frames and {', '.join(truth.names)}. Give the truth of the same video."
        )
    order = [found.skeleton.keypoints.index(name) for name in truth.names]
    return distances(found.load().keypoints[:, :, order], truth.keypoints)[:, 0]
