"""The options of ``dlc evaluate`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.project.address import RunAddress


@dataclass
class EvaluateSettings(RunAddress):
    """What to measure, and whether to draw it.

    Parameters
    ----------
    run : str
        A run's name, ``latest``, the path of a run's folder, the name of a sweep, or ``all``: every run of the shuffle.
    snapshotindex : int, str or list
        Index of a saved step (-1 the last), ``best``, ``best_on_test``, a list like ``[0,-1]``, or ``all``.
    plotting : bool
        Draw labels and poses of every training and test image.
    pcutoff : float
        A pose counts as confident from this likelihood on.
    pck : list of float
        Thresholds in pixels for the percentage of correct keypoints.
    device : str
        auto, cpu, cuda, cuda:N or mps.
    batch_size : int
        Images at once.
    colormap : str
        Matplotlib's name of the colours of the body parts, for the pictures.
    dotsize : int
        Size of a mark in pixels of the image; marks grow with an image that is enlarged.
    alphavalue : float
        Opacity of the marks, from 0 to 1.
    """

    snapshotindex: Any = -1
    plotting: bool = False
    pcutoff: float = 0.1
    pck: list[float] = field(default_factory=lambda: [1.0, 2.0, 5.0, 10.0, 20.0])
    device: str = "auto"
    batch_size: int = 4
    colormap: str = "hsv"
    dotsize: int = 12
    alphavalue: float = 0.5
