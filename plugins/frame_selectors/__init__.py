"""Built-in frame selectors: which frames of a video are worth labelling. Nothing heavy is imported here.

To add one: a dataclass with its options and a `Component` here, a class with ``select`` in a file beside this one.
Frames that exist already are no candidates, so a selector need not know about them; randomness comes from the
generator it is handed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc_core.plugin_api.contract import Component, hookimpl


@dataclass
class UniformConfig:
    """Random frames, every frame equally likely. No options."""

    name: str = "uniform"


@dataclass
class KmeansConfig:
    """Frames that look different: one from each cluster of down-sampled frames.

    Parameters
    ----------
    step : int or None
        Look at every step-th candidate; None for 500 to 1000 frames in all, whatever the length of the video.
    resize_width : int
        Width in pixels to which frames are shrunk before they are compared.
    color : bool
        Compare colours and not only brightness.
    """

    name: str = "kmeans"
    step: int | None = None
    resize_width: int = 30
    color: bool = False


@hookimpl
def dlc_frame_selectors() -> Iterable[Component]:
    """Offer the built-in frame selectors."""
    return [
        Component(
            name="kmeans",
            target="dlc_plugins.frame_selectors.kmeans:Kmeans",
            config=KmeansConfig,
            summary="one frame from each cluster of down-sampled frames: postures that look different",
        ),
        Component(
            name="uniform",
            target="dlc_plugins.frame_selectors.uniform:Uniform",
            config=UniformConfig,
            summary="random frames, spread uniformly over time",
        ),
    ]
