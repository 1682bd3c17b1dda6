"""The options of ``dlc create-dataset`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class SplitSettings:
    """How the labelled frames are divided (``split.*``).

    Parameters
    ----------
    method : {"random", "video", "contiguous", "file", "deeplabcut"}
        Test frames are random ones, whole videos, a stretch of each video, or as a file or DeepLabCut says. ``file``
        needs ``split.file``; ``deeplabcut`` takes the split of a shuffle of the same number that DeepLabCut made.
    validation : float
        Share of the training frames that is set aside for choosing a snapshot; 0 for none.
    file : str or None
        With ``split.method=file``: a .json, .csv (``image,part``) or .txt (one test image a line) file.
    """

    method: str = "random"
    validation: float = 0.0
    file: str | None = None


@dataclass
class CreateDatasetSettings:
    """Options of ``dlc create-dataset``.

    Parameters
    ----------
    num_shuffles : int
        Make shuffles 1 to this number, each another split.
    shuffles : list of int or None
        The numbers themselves, instead of `num_shuffles`.
    trainingsetindex : int or None
        Index into TrainingFraction of config.yaml; None makes all of them.
    iteration : int or None
        None for the current iteration.
    seed : int
        Of the splits. The same seed and labels give the same splits.
    overwrite : bool
        Whether existing shuffles may be made again.
    """

    num_shuffles: int = 1
    shuffles: list[int] | None = None
    trainingsetindex: int | None = None
    iteration: int | None = None
    seed: int = 42
    overwrite: bool = False
    split: SplitSettings = field(default_factory=SplitSettings)
