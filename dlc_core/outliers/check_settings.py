"""Options of ``dlc check-labels``: those of drawing, and which networks judge the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlc_core.labels.settings import CheckLabelsSettings


@dataclass
class JudgeLabelsSettings(CheckLabelsSettings):
    """How labelled frames are drawn, and whether networks judge them.

    Parameters
    ----------
    detector : component
        How wrong labels are found: ``label_error``, or none.
    bodyparts : str or list of str
        Which labels are judged: ``all``, one body part or a list. The rest here belongs to the detector as well.
    shuffle : int
        Number of the shuffle whose folds were trained.
    trainingsetindex : int
        Index into TrainingFraction of config.yaml.
    iteration : int or None
        None for the current iteration.
    run : str
        The sweep that trained the folds; ``latest`` for the last complete one.
    device : str
        auto, cpu, cuda, cuda:N or mps.
    batch_size : int
        Images at once.
    """

    detector: Any = None
    bodyparts: Any = "all"
    shuffle: int = 1
    trainingsetindex: int = 0
    iteration: int | None = None
    run: str = "latest"
    device: str = "auto"
    batch_size: int = 4
