"""Frames to which a keypoint jumped."""

from __future__ import annotations

import numpy as np

from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.skeleton import Skeleton


class Jump:
    """Score a frame by the longest way a keypoint moved since the last frame, in pixels.

    References
    ----------
    Nath et al., Nature Protocols 2019, "Extract outlier frames": ``outlieralgorithm='jump'``, ``epsilon``.
    """

    needs: frozenset[str] = frozenset()

    def __init__(self, epsilon: float, skeleton: Skeleton) -> None:
        self.epsilon = epsilon
        self.exists = skeleton.exists

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return the longest step of each frame, (frames,) float32 pixels, 0 for the first; NaN points have no step."""
        counted = self.exists & poses.bodyparts
        last = None
        scores = []
        for block in poses.poses.blocks(frames=4096):
            points = block.keypoints[:, counted]
            before = np.concatenate([points[:1] if last is None else last, points[:-1]])
            steps = np.linalg.norm(points - before, axis=-1)
            scores.append(np.nan_to_num(steps, nan=0.0).max(axis=1, initial=0.0))
            last = points[-1:]
        return FrameScores(np.concatenate(scores).astype(np.float32), self.epsilon)
