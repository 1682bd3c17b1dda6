"""The options of ``dlc extract-outliers`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlc_core.project.address import AnyPosesAddress


@dataclass
class ExtractOutliersSettings(AnyPosesAddress):
    """Options of ``dlc extract-outliers`` besides whose poses, and those of the detector and the selector.

    Parameters
    ----------
    file : str or None
        A pose store or table to read instead of looking for one; for a single video.
    bodyparts : str or list of str
        Which body parts count: ``all``, one name or a list of names. Machine labels have all of them.
    n : int
        New frames of each video; all outliers if there are fewer. Frames that exist already do not count.
    start, stop : float
        Take outliers between these shares of the video: 0 is its beginning, 1 its end.
    crop : str
        ``video_sets``: each video's crop in config.yaml; ``none``: the whole frame; or ``x1,x2,y1,y2`` in pixels.
    ensemble : str or list of str
        Runs whose poses of the same video a detector compares with, if it compares networks: ``all`` that are there,
        one name or a list of names (of runs or scorers).
    plotting : bool
        Draw the score of each frame, and what the detector expected of each body part, into ``plot-poses/``.
    copy_videos : bool
        Copy a video that is new to the project instead of linking to it.
    yes : bool
        Extract without asking (``--yes``).
    seed : int
        The same seed, video, poses and existing frames give the same choice.
    detector : component
        How outliers are found.
    selector : component
        How frames are chosen among the outliers.
    """

    file: str | None = None
    bodyparts: Any = "all"
    n: int = 20
    start: float = 0.0
    stop: float = 1.0
    crop: str = "video_sets"
    ensemble: Any = "all"
    plotting: bool = True
    copy_videos: bool = False
    yes: bool = False
    seed: int = 0
    detector: Any = None
    selector: Any = None
