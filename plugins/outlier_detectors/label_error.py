"""Labels that are probably wrong: people swap body parts, and click beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, DataError
from dlc_core.outliers.structures import DetectorInput, FrameScores, PointSuspect
from dlc_core.skeleton import Skeleton

from .error_model import ErrorModel


class LabelError:
    r"""Score labels by how much likelier their disagreement with the network is if the label is wrong, in nats.

    The networks have not been trained on the frames that they are compared on. What a right label is like is learnt
    from all labels, of which most are right:

    - The distance e of prediction and label of a body part that was found follows a bivariate t-distribution with 3
      degrees of freedom, f(e; s). Its scale s comes from the median error of the body part, so neither the network's
      failures nor wrong labels widen it; parts with few labels borrow from the average part.
    - A prediction that has not found its body part lies somewhere about the animal, and so does a label that is wrong:
      f(e; S), the same distribution with the size of the animal, S, as scale.
    - The network finds a body part with probability w, which grows with its likelihood: how fast is learnt too, by
      logistic calibration and expectation maximisation. So a network that is unsure of itself accuses nobody.

    A right label thus has density p_i(e) = w_i f(e; s_i) + (1 - w_i) f(e; S). With d_ij the distance of label i from
    prediction j, the explanations of a label, each by its log likelihood ratio to "the label is right", are

    - misplaced: log f(d_ii; S) - log p_i(d_ii), which never exceeds -log(1 - w_i);
    - at the place of j: g_ij = log p_j(d_ij) - log p_i(d_ii) - log(K - 1), the last for the choice among the other
      parts, if no label j is there;
    - swapped with j: g = g_ij + g_ji, if both are positive;
    - left-right inversion: g is the sum over all such swaps of symmetric pairs in a frame, if there are several.

    Networks take body parts for each other, too. If the share r of the frames shows the same of the last three, the
    network is taken to do it that often, and the score is -log(r + exp(-g)). A swap explains a label first,
    then what scores higher; 0 means that right and wrong explain the disagreement equally well.

    Parameters
    ----------
    threshold : float
        Labels with a score above this many nats are suspects: 1 means that the disagreement is e times as likely if
        the label is wrong.
    skeleton : Skeleton
        Names for the reasons, and which pairs are symmetric.

    Raises
    ------
    ConfigError
        The threshold is negative.

    References
    ----------
    Mathis et al., A primer on motion capture with deep learning, Neuron 2020 (inversion, swap, miss, jitter).
    Northcutt et al., Confident learning, JAIR 2021 (wrong labels from out-of-sample predictions).
    Platt, Probabilistic outputs for support vector machines, 1999 (logistic calibration).
    """

    needs: frozenset[str] = frozenset({"labels", "out_of_fold"})

    def __init__(self, threshold: float, skeleton: Skeleton) -> None:
        if threshold < 0:
            raise ConfigError(f"detector.threshold is {threshold}; a number of at least 0 is needed.")
        self.threshold = threshold
        self.exists = skeleton.exists
        self.names = [
            name if len(skeleton.individuals) == 1 else f"{name} of {individual}"
            for individual in skeleton.individuals
            for name in skeleton.keypoints
        ]
        order = skeleton.mirrored_order()
        first = np.arange(len(skeleton.individuals))[:, None] * len(order)
        self.mirror = np.where(order == np.arange(len(order)), -1, first + order).ravel()

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return the highest score of a label of each frame, (frames,) float32 nats, and the suspects.

        NaN for a frame in which no label can be compared with a prediction.

        Raises
        ------
        DataError
            Labels or out-of-fold predictions are not given.
        """
        if poses.labels is None or poses.out_of_fold is None:
            raise DataError("detector=label_error compares labels with out-of-fold predictions; both must be given.")
        frames = len(poses.labels)
        labels = np.asarray(poses.labels, np.float64).reshape(frames, -1, 2)
        found = poses.out_of_fold.load()
        predictions = np.asarray(found.keypoints, np.float64).reshape(frames, -1, 2)
        likelihood = np.nan_to_num(np.asarray(found.likelihood, np.float64)).reshape(frames, -1)
        compared = np.isfinite(predictions).all(-1) & (self.exists & poses.bodyparts).ravel()
        labelled = np.isfinite(labels).all(-1) & compared
        if not labelled.any():
            return FrameScores(np.full(frames, np.nan, np.float32), self.threshold)
        distance = np.nan_to_num(np.linalg.norm(labels[:, :, None] - predictions[:, None], axis=-1))
        model = ErrorModel.fit(labels, labelled, np.diagonal(distance, axis1=1, axis2=2), likelihood)
        gain = _gains(model, distance, likelihood, labelled, compared)
        reasons, score = self._explain(gain, labelled, distance)
        suspects = [
            PointSuspect(frame, *self._place(point), float(score[frame, point]), reasons[frame, point])
            for frame, point in np.argwhere(labelled & (score > self.threshold)).tolist()
        ]
        suspects.sort(key=lambda one: (-one.score, one.frame, one.individual, one.keypoint))
        highest = np.fmax.reduce(np.where(labelled, score, np.nan), axis=1).astype(np.float32)
        return FrameScores(highest, self.threshold, suspects=tuple(suspects))

    def _place(self, point: int) -> tuple[int, int]:
        individual, keypoint = divmod(point, len(self.exists.T))
        return individual, keypoint

    def _explain(
        self, gain: NDArray[np.float64], labelled: NDArray[np.bool_], distance: NDArray[np.float64]
    ) -> tuple[dict[tuple[int, int], str], NDArray[np.float64]]:
        """Return the reason of each label that is better explained as wrong, and the score of every label.

        Parameters
        ----------
        gain : (frames, points, points) float64
            As `_gains` returns it.
        labelled : (frames, points) bool
        distance : (frames, points, points) float64
            Of label and prediction, pixels.

        Returns
        -------
        reasons : dict of (frame, point) to str
        score : (frames, points) float64
            Nats; -inf where there is no label.
        """
        astray = np.diagonal(gain, axis1=1, axis2=2) > 0
        free = ~labelled | astray  # nothing else marks the place
        alone = np.where(free[:, None, :] | np.eye(gain.shape[1], dtype=bool), gain, -np.inf)
        best = alone.argmax(axis=-1)
        score = np.take_along_axis(alone, best[..., None], axis=-1)[..., 0]
        reasons, frames = {}, int(labelled.any(axis=1).sum())
        wrong = [(frame, point, int(best[frame, point])) for frame, point in np.argwhere(score > 0).tolist()]
        often = Counter((point, other) for _, point, other in wrong)
        for frame, point, other in wrong:
            if other == point:
                reasons[frame, point] = f"misplaced, {distance[frame, point, point]:.0f} px from the prediction"
            else:
                reasons[frame, point] = f"at the place of {self.names[other]}"
                score[frame, point] = _bounded(score[frame, point], often[point, other] / (frames + 1))
        for group in self._swaps(gain, frames):
            several = "left-right inversion: " if len(group.pairs) > 1 else ""
            for a, b in group.pairs:
                for one, other in ((a, b), (b, a)):
                    score[group.frame, one] = group.score
                    reasons[group.frame, one] = f"{several}swapped with {self.names[other]}"
        return reasons, score

    def _swaps(self, gain: NDArray[np.float64], frames: int) -> list[_Swap]:
        """Return the swaps of all (labelled) frames; those of symmetric pairs in one frame are one, an inversion."""
        mutual = (gain > 0) & (gain.transpose(0, 2, 1) > 0) & ~np.eye(gain.shape[1], dtype=bool)
        both = np.where(mutual, gain + gain.transpose(0, 2, 1), -np.inf)
        found: list[_Swap] = []
        for frame in np.flatnonzero(mutual.any(axis=(1, 2))).tolist():
            partner = both[frame].argmax(axis=-1)
            pairs = [(a, int(b)) for a, b in enumerate(partner) if a < b and partner[b] == a and mutual[frame, a, b]]
            mirrored = [(a, b) for a, b in pairs if self.mirror[a] == b]
            groups = [mirrored] if len(mirrored) > 1 else []
            groups += [[pair] for pair in pairs if len(mirrored) < 2 or pair not in mirrored]
            found += [_Swap(frame, tuple(one), sum(both[frame, a, b] for a, b in one)) for one in groups]
        often = Counter(one.kind for one in found)
        return [replace(one, score=_bounded(one.score, often[one.kind] / (frames + 1))) for one in found]


@dataclass(frozen=True)
class _Swap:
    """Labels of a frame that have changed places two by two, as one mistake."""

    frame: int
    pairs: tuple[tuple[int, int], ...]
    score: float

    @property
    def kind(self) -> tuple[int, int] | None:
        """Which pair; None for an inversion of several."""
        return self.pairs[0] if len(self.pairs) == 1 else None


def _bounded(score: float, share: float) -> float:
    """Return a log likelihood ratio if the same disagreement occurs in a share of the frames without a wrong label."""
    return float(-np.logaddexp(np.log(share), -score))


def _gains(
    model: ErrorModel,
    distance: NDArray[np.float64],
    likelihood: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    compared: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the log likelihood ratio of each explanation of each label to its being right.

    Returns
    -------
    (frames, points, points) float64
        Of "label i is at the place of j"; on the diagonal that of "label i is misplaced". -inf where there is no label,
        or no prediction.
    """
    points = distance.shape[1]
    index = np.arange(points)
    theirs = model.right(distance, index[None, None, :], likelihood[:, None, :])
    own = np.diagonal(theirs, axis1=1, axis2=2)[..., None]
    gain = theirs - own - np.log(max(points - 1, 1))
    gain[:, index, index] = model.wrong(np.diagonal(distance, axis1=1, axis2=2)) - own[..., 0]
    return np.where(labelled[:, :, None] & compared[:, None, :], gain, -np.inf)
