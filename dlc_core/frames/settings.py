"""Options of ``dlc extract-frames``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class ExtractFramesSettings:
    """Which frames are chosen, and which part of them.

    Parameters
    ----------
    n : int
        New frames of each video; frames that exist already do not count.
    start, stop : float
        Choose between these shares of the video: 0 is its beginning, 1 its end.
    crop : str
        ``video_sets``: each video's crop in config.yaml; ``none``: the whole frame; or ``x1,x2,y1,y2`` in pixels.
    seed : int
        The same seed, video and existing frames give the same choice.
    selector : component
        How frames are chosen.
    """

    n: int = 20
    start: float = 0.0
    stop: float = 1.0
    crop: str = "video_sets"
    seed: int = 0
    selector: Any = None
