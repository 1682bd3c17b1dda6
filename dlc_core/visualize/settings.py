"""The options of ``dlc plot`` and ``dlc label-video`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlc_core.project.address import AnyPosesAddress


@dataclass
class PlotSettings(AnyPosesAddress):
    """Options of ``dlc plot`` besides which poses.

    Parameters
    ----------
    file : str or None
        A pose store or table to read instead of looking for one; for a single video.
    displayedbodyparts : str or list of str
        Which body parts to draw: ``all``, one name or a list of names.
    pcutoff : float
        Points below this likelihood are left out of positions and jumps, and are open circles in videos.
    colormap : str
        Matplotlib's name of the colours of the body parts.
    alphavalue : float
        Opacity of points and lines, from 0 to 1.
    """

    file: str | None = None
    displayedbodyparts: Any = "all"
    pcutoff: float = 0.1
    colormap: str = "hsv"
    alphavalue: float = 0.5


@dataclass
class LabelVideoSettings(PlotSettings):
    """Options of ``dlc label-video`` besides those of ``dlc plot``.

    Parameters
    ----------
    dotsize : float
        Diameter of a dot in pixels of the video.
    draw_skeleton : bool
        Join the body parts that the project's ``skeleton`` joins, where both are confident.
    skeleton_color : str
        Name or code of the colour of these lines.
    trailpoints : int
        How many earlier positions of each body part to draw.
    displaycropped : bool
        Show only the part of the frame that was analysed.
    """

    dotsize: float = 12.0
    draw_skeleton: bool = False
    skeleton_color: str = "black"
    trailpoints: int = 0
    displaycropped: bool = False
