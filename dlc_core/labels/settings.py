"""Options of ``dlc check-labels``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class CheckLabelsSettings:
    """How labelled frames are drawn.

    Parameters
    ----------
    draw : bool
        Whether to draw the frames; false only reports.
    scale : float
        Size of the pictures relative to the frames.
    draw_skeleton : bool
        Whether to join the body parts as ``skeleton`` of config.yaml says.
    skeleton_color : str or None
        Colour of these lines; None for that of config.yaml.
    colormap : str or None
        Matplotlib colour map of the body parts; None for that of config.yaml.
    dotsize : float or None
        Size of the marks in pixels of the frames; None for that of config.yaml.
    alphavalue : float or None
        Opacity of the marks, 0 to 1; None for that of config.yaml.
    """

    draw: bool = True
    scale: float = 1.0
    draw_skeleton: bool = True
    skeleton_color: str | None = None
    colormap: str | None = None
    dotsize: float | None = None
    alphavalue: float | None = None
