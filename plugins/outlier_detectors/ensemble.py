"""Frames about which several networks disagree."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput, FrameScores
from dlc_core.skeleton import Skeleton

_BLOCK = 4096  # frames of all networks that are held in memory


class Ensemble:
    """Score a frame by the keypoint about which several networks disagree most, in pixels.

    The disagreement about a keypoint is the root mean square distance of the networks' points from their mean: the
    standard deviation of an ensemble, in the plane. All networks count alike, unlikely points too, because a network
    that is lost points somewhere else; but a keypoint that no network finds likely has no disagreement: they agree that
    it is not to be seen.

    Parameters
    ----------
    epsilon : float
        A frame with a disagreement above this many pixels is an outlier.
    p_bound : float
        A keypoint that every network finds less likely than this does not count. One without a likelihood counts.
    skeleton : Skeleton
        Which keypoints exist.

    References
    ----------
    Seung, Opper & Sompolinsky, Query by committee, COLT 1992.
    Biderman et al., Lightning Pose, Nature Methods 2024: the variance of an ensemble tells where its poses are wrong.
    """

    needs: frozenset[str] = frozenset({"ensemble"})

    def __init__(self, epsilon: float, p_bound: float, skeleton: Skeleton) -> None:
        self.epsilon = epsilon
        self.p_bound = p_bound
        self.skeleton = skeleton

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return the largest disagreement of each frame, (frames,) float32 pixels.

        Keypoints are matched by name; what fewer than two networks know or locate does not count. NaN for a frame
        without any keypoint that counts.

        Raises
        ------
        DataError
            There is no second network, or one has other frames or individuals.
        """
        main, files = poses.poses, (poses.poses, *poses.ensemble)
        _check(files)
        places = [_places(file.skeleton, self.skeleton) for file in files]
        counted = self.skeleton.exists & poses.bodyparts
        scores = np.full(main.frame_count, np.nan, np.float32)
        is_seen = np.zeros(counted.shape, bool)
        for start in range(0, main.frame_count, _BLOCK):
            part = slice(start, start + _BLOCK)
            points = np.stack([_named(file.keypoints[part], place) for file, place in zip(files, places, strict=True)])
            likely = np.stack([_named(file.likelihood[part], place) for file, place in zip(files, places, strict=True)])
            unknown = np.where(np.isfinite(points).all(axis=-1), 1.0, 0.0)  # a point without a likelihood is certain
            seen = np.where(np.isnan(likely), unknown, likely).max(axis=0) >= self.p_bound
            is_seen |= seen.any(axis=0)
            spread = np.where(seen & counted, disagreement(points), np.nan)
            scores[part] = np.fmax.reduce(spread.reshape(len(spread), -1), axis=1)
        never = np.argwhere(counted & ~is_seen) if main.frame_count else np.empty((0, 2), np.int64)
        unseen = list(dict.fromkeys(self.skeleton.keypoints[keypoint] for _, keypoint in never))
        if unseen:
            warn(
                f"{', '.join(unseen)} {'counts' if len(unseen) == 1 else 'count'} in no frame: no network finds a "
                f"likelihood of detector.p_bound={self.p_bound:g} or more."
            )
        return FrameScores(scores, self.epsilon)


def disagreement(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the root mean square distance of points from their mean.

    Parameters
    ----------
    points : (networks, ..., 2) float32
        Pixels, NaN where a network has no point.

    Returns
    -------
    (...) float64
        Pixels; NaN where fewer than two networks have a point.
    """
    wide = np.asarray(points, np.float64)
    there = np.isfinite(wide).all(axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as it shall be
        squared = np.square(wide - np.nanmean(wide, axis=0)).sum(axis=-1)
        spread: NDArray[np.float64] = np.sqrt(np.nanmean(np.where(there, squared, np.nan), axis=0))
    return np.where(there.sum(axis=0) >= 2, spread, np.nan)


def _check(files: Sequence[PoseFile]) -> None:
    main = files[0]
    if len(files) < 2:
        raise DataError("detector=ensemble compares several networks, but there are the poses of one. Name others.")
    for other in files[1:]:
        if other.frame_count != main.frame_count:
            raise DataError(
                f"the poses of {other.scorer} have {other.frame_count} frames, those of {main.scorer} have "
                f"{main.frame_count}; the same video is needed. Analyze it again with both networks."
            )
        several = len(main.skeleton.individuals) > 1 or len(other.skeleton.individuals) > 1  # one needs no name
        if several and other.skeleton.individuals != main.skeleton.individuals:
            raise DataError(
                f"the poses of {other.scorer} are of {', '.join(other.skeleton.individuals)}, those of "
                f"{main.scorer} of {', '.join(main.skeleton.individuals)}; networks of the same animals are needed."
            )


def _places(theirs: Skeleton, ours: Skeleton) -> list[int | None]:
    """Return where each of our keypoints is on their axis; None for one that they do not have."""
    where = {name: index for index, name in enumerate(theirs.keypoints)}
    return [where.get(name) for name in ours.keypoints]


def _named(values: NDArray[np.float32], places: Sequence[int | None]) -> NDArray[np.float32]:
    """Return (frames, individuals, keypoints, ...) values in our order of keypoints, NaN for those they do not have."""
    ordered = values[:, :, [0 if place is None else place for place in places]].astype(np.float32)
    ordered[:, :, [place is None for place in places]] = np.nan
    return ordered
