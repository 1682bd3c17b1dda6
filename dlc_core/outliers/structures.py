"""What an outlier detector gets and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dlc_core.inference.pose_file import PoseFile
    from dlc_core.video.reader import VideoReader


@dataclass(frozen=True)
class DetectorInput:
    """The poses of one video, and what else the detector said it needs.

    Parameters
    ----------
    poses : PoseFile
        A lazy view: ``poses.keypoints[a:b]`` is (frames, individuals, keypoints, 2) float32,
        ``poses.likelihood[a:b]`` is (frames, individuals, keypoints) float32, ``poses.blocks(frames=n)`` iterates.
    bodyparts : (keypoints,) bool
        Which keypoints count.
    video : VideoReader or None
        Present for a detector whose ``needs`` contain "video".
    labels : (frames, individuals, keypoints, 2) float32 or None
        Human labels, NaN where unlabelled; present when "labels" is needed.
    ensemble : tuple of PoseFile
        The poses of other networks on the same video and the same animals; present when "ensemble" is needed. Their
        keypoints may be in another order, and some may be lacking: match them by name.
    out_of_fold : PoseFile or None
        Poses of labelled frames by networks that did not train on them; present when "out_of_fold" is needed.
        Then the frames of all arrays here are labelled images, not those of a video, and `poses` is the same file.
    """

    poses: PoseFile
    bodyparts: NDArray[np.bool_]
    video: VideoReader | None = None
    labels: NDArray[np.float32] | None = None
    ensemble: tuple[PoseFile, ...] = ()
    out_of_fold: PoseFile | None = None


@dataclass(frozen=True)
class PointSuspect:
    """One point that is probably wrong.

    Parameters
    ----------
    frame, individual, keypoint : int
        Indices on the axes of the arrays that the detector was given.
    score : float
        Higher is more suspicious; comparable within one `FrameScores`.
    reason : str
        What probably happened, for people, in a few words.
    """

    frame: int
    individual: int
    keypoint: int
    score: float
    reason: str


@dataclass(frozen=True)
class FrameScores:
    """One score a frame.

    Parameters
    ----------
    score : (frames,) float32
        NaN where the detector has nothing to say.
    threshold : float
        Frames beyond it are outliers.
    higher_is_worse : bool
        Whether "beyond" means above.
    curves : mapping of str to (frames, ...) float32
        What was fitted, for plots. These names are drawn: ``fit``, ``lower`` and ``upper``, (frames, individuals,
        keypoints, 2) pixels, and ``distance``, (frames, individuals, keypoints) pixels; NaN where nothing was fitted.
    suspects : tuple of PointSuspect
        The points that are wrong, if the detector tells points apart; the most suspicious first.
    """

    score: NDArray[np.float32]
    threshold: float
    higher_is_worse: bool = True
    curves: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    suspects: tuple[PointSuspect, ...] = ()

    def outliers(self) -> NDArray[np.int64]:
        """Return the (m,) sorted int64 indices of the frames beyond the threshold."""
        with np.errstate(invalid="ignore"):
            beyond = self.score > self.threshold if self.higher_is_worse else self.score < self.threshold
        return np.flatnonzero(beyond).astype(np.int64)
