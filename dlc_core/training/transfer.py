"""``init_weights=``: start a network from one of our snapshots, as far as the two agree.

The weights of a backbone are taken where name and shape agree. Of a head, a weight whose channels stand for keypoints
is taken keypoint by keypoint, by name: a head says which those are in an optional attribute ``keypoint_axes``,
parameter name to the axis that holds the keypoints, each with the same number of consecutive channels. Without that
attribute a head is taken only if both skeletons have the same keypoints in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dlc_core.model.pose_model import PoseModel
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import Checkpoint

_HEAD = "head."


@dataclass(frozen=True)
class Transfer:
    """What came from a snapshot and what did not.

    Parameters
    ----------
    loaded : int
        Number of tensors taken, as a whole or in part.
    left : tuple of str
        Names of tensors that keep their own values.
    keypoints : tuple of str
        Keypoints whose channels of the head came from the snapshot.
    new_keypoints : tuple of str
        Keypoints that start from nothing.
    has_backbone : bool
        Whether most of the backbone was taken; another architecture shares a few shapes by chance.
    """

    loaded: int
    left: tuple[str, ...]
    keypoints: tuple[str, ...]
    new_keypoints: tuple[str, ...]
    has_backbone: bool = True

    def __str__(self) -> str:
        parts = [f"{self.loaded} tensors taken"]
        if self.left:
            shown = ", ".join(self.left[:3]) + (", ..." if len(self.left) > 3 else "")
            parts.append(f"{len(self.left)} not taken, because the snapshot has none of that name and shape ({shown})")
        if self.new_keypoints:
            parts.append(f"body parts that start from nothing: {', '.join(self.new_keypoints)}")
        return "; ".join(parts)


def transfer_weights(checkpoint: Checkpoint, model: PoseModel, skeleton: Skeleton) -> Transfer:
    """Copy into `model` what a snapshot has for it, and return what that was.

    Parameters
    ----------
    checkpoint : Checkpoint
        The snapshot to start from.
    model : PoseModel
        Changed in place.
    skeleton : Skeleton
        The keypoints of `model`.
    """
    axes: Mapping[str, int] = getattr(model.head, "keypoint_axes", {})
    theirs = checkpoint.skeleton
    same_names = theirs.keypoints == skeleton.keypoints and theirs.individuals == skeleton.individuals
    state = model.state_dict()
    left: list[str] = []
    for name, own in state.items():
        found = checkpoint.state_dict.get(name)
        parameter = name.removeprefix(_HEAD)
        if found is None:
            left.append(name)
        elif not name.startswith(_HEAD) or same_names:
            if not _copy(own, found):
                left.append(name)
        elif parameter not in axes or not _copy_keypoints(
            own, found, axes[parameter], skeleton.keypoints, theirs.keypoints
        ):
            left.append(name)
    model.train(model.training)  # what of it stays frozen may be part of what was loaded
    backbone = [name for name in state if not name.startswith(_HEAD)]
    head_loaded = any(name.startswith(_HEAD) and name not in left for name in state)
    shared = tuple(name for name in skeleton.keypoints if head_loaded and name in theirs.keypoints)
    return Transfer(
        loaded=len(state) - len(left),
        left=tuple(left),
        keypoints=shared,
        new_keypoints=tuple(name for name in skeleton.keypoints if name not in shared),
        has_backbone=2 * sum(name in left for name in backbone) < len(backbone),
    )


def _copy(own: Tensor, found: Tensor) -> bool:
    if own.shape != found.shape:
        return False
    own.copy_(found)
    return True


def _copy_keypoints(own: Tensor, found: Tensor, axis: int, names: Sequence[str], their_names: Sequence[str]) -> bool:
    """Copy the channels of the keypoints that both have; tell whether the shapes allowed it."""
    each, rest = divmod(own.shape[axis], len(names))
    expected = [*own.shape]
    expected[axis] = each * len(their_names)
    shared = [name for name in names if name in their_names]
    if rest or list(found.shape) != expected or not shared:
        return False
    with torch.no_grad():
        for name in shared:
            to, source = names.index(name) * each, their_names.index(name) * each
            own.narrow(axis, to, each).copy_(found.narrow(axis, source, each))
    return True
