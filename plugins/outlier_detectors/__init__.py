"""Built-in outlier detectors: ``uncertain`` and ``jump``, the two simplest of the protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class UncertainConfig:
    """Options of `uncertain`.

    Parameters
    ----------
    p_bound : float
        A keypoint below this likelihood is uncertain. The protocol's default is 0.01.
    all_bodyparts : bool
        Whether a frame is an outlier only if all its keypoints are uncertain.
    """

    name: str = "uncertain"
    p_bound: float = 0.01
    all_bodyparts: bool = False


@dataclass
class JumpConfig:
    """Options of `jump`.

    Parameters
    ----------
    epsilon : float
        A keypoint that moved more than this many pixels since the last frame has jumped. The protocol's default is 20.
    """

    name: str = "jump"
    epsilon: float = 20.0


@hookimpl
def dlc_outlier_detectors() -> Iterable[Component]:
    """Offer the built-in detectors."""
    return [
        Component(
            name="uncertain",
            target="dlc_plugins.outlier_detectors.uncertain:Uncertain",
            config=UncertainConfig,
            summary="a keypoint has a low likelihood",
        ),
        Component(
            name="jump",
            target="dlc_plugins.outlier_detectors.jump:Jump",
            config=JumpConfig,
            summary="a keypoint moved far since the last frame",
        ),
    ]
