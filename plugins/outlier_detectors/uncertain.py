"""Frames in which a keypoint has a low likelihood."""

from __future__ import annotations

import numpy as np

from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.skeleton import Skeleton


class Uncertain:
    """Score a frame by its least likely keypoint (or its most likely one, with `all_bodyparts`).

    References
    ----------
    Nath et al., Nature Protocols 2019, "Extract outlier frames": ``outlieralgorithm='uncertain'``, ``p_bound``.
    """

    needs: frozenset[str] = frozenset()

    def __init__(self, p_bound: float, all_bodyparts: bool, skeleton: Skeleton) -> None:
        self.p_bound = p_bound
        self.all_bodyparts = all_bodyparts
        self.exists = skeleton.exists

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return the lowest likelihood of each frame, (frames,) float32; below `p_bound` is an outlier.

        A keypoint whose likelihood is NaN does not count; NaN for a frame without any that counts.
        """
        counted = self.exists & poses.bodyparts
        scores = np.full(poses.poses.frame_count, np.nan, np.float32)
        reduce = np.fmax.reduce if self.all_bodyparts else np.fmin.reduce
        for block in poses.poses.blocks(frames=4096) if counted.any() else ():
            scores[block.start : block.start + len(block.likelihood)] = reduce(block.likelihood[:, counted], axis=1)
        return FrameScores(scores, self.p_bound, higher_is_worse=False)
