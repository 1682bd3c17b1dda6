"""The mean error of a network on a part of the training set, to choose a snapshot by; `dlc evaluate` measures fully."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch

from dlc_core.data.batch import Batch
from dlc_core.model.pose_model import PoseModel


@torch.no_grad()
def mean_error_px(
    model: PoseModel,
    batches: Iterable[Batch],
    device: torch.device,
    precision: AbstractContextManager[None] | None = None,
) -> float:
    """Return the mean Euclidean distance between labels and poses, in pixels of the original images.

    Parameters
    ----------
    model : PoseModel
        Left in the mode it was in.
    batches : iterable of Batch
        Preprocessed, not augmented.
    device : torch.device
        Where the model is.
    precision : context manager or None
        Entered around the forward passes.

    Returns
    -------
    float
        NaN if no image has a label.
    """
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    try:
        with precision or nullcontext():
            for batch in batches:
                here = batch.to(device)
                poses = model.decode(model(here.images), here.sizes)
                distance = (poses.keypoints.float() - here.labels.keypoints).norm(dim=-1)
                counted = here.labels.visible & torch.isfinite(distance)
                total += float(distance[counted].sum())
                count += int(counted.sum())
    finally:
        model.train(was_training)
    return total / count / model.preprocessing.global_scale if count else math.nan
