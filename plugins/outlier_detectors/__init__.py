"""Built-in outlier detectors: the protocol's ``uncertain``, ``jump`` and ``arima`` (its "fitting"), and two more.

``ensemble`` compares several networks on one video; ``label_error`` compares labels with what networks predict that
have not seen them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc_core.errors import ConfigError
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

    def __post_init__(self) -> None:
        _check_likelihood(self.p_bound)


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

    def __post_init__(self) -> None:
        _check_distance(self.epsilon)


@dataclass
class ArimaConfig:
    """Options of `arima`, the protocol's "fitting".

    Parameters
    ----------
    epsilon : float
        A frame whose keypoints lie on average more than this many pixels from the fit is an outlier. The protocol's
        default is 20.
    p_bound : float
        A detection below this likelihood counts as missing for the fit. The protocol's default is 0.01.
    alpha : float
        The plotted interval holds a point with probability 1 - alpha. The protocol's default is 0.01.
    ar_degree : int
        Earlier frames that the model looks at, its p. The protocol's default is 3.
    difference : int
        How often the model takes differences of the track first, its d. The protocol's is 0.
    ma_degree : int
        Earlier errors that the model looks at, its q. The protocol's default is 1.
    """

    name: str = "arima"
    epsilon: float = 20.0
    p_bound: float = 0.01
    alpha: float = 0.01
    ar_degree: int = 3
    difference: int = 0
    ma_degree: int = 1

    def __post_init__(self) -> None:
        _check_likelihood(self.p_bound)
        _check_distance(self.epsilon)


@dataclass
class EnsembleConfig:
    """Options of `ensemble`.

    Parameters
    ----------
    epsilon : float
        A keypoint whose points, one of each network, have a standard deviation above this many pixels makes the frame
        an outlier.
    p_bound : float
        A keypoint that every network finds less likely than this does not count.
    """

    name: str = "ensemble"
    epsilon: float = 20.0
    p_bound: float = 0.01

    def __post_init__(self) -> None:
        _check_likelihood(self.p_bound)
        _check_distance(self.epsilon)


@dataclass
class LabelErrorConfig:
    """Options of `label_error`.

    Parameters
    ----------
    threshold : float
        A label is a suspect if its disagreement with the network is exp(threshold) times as likely for a wrong label.
    """

    name: str = "label_error"
    threshold: float = 1.0


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
        Component(
            name="arima",
            target="dlc_plugins.outlier_detectors.arima:Arima",
            config=ArimaConfig,
            summary="keypoints lie far from a time-series model (the protocol's fitting)",
        ),
        Component(
            name="ensemble",
            target="dlc_plugins.outlier_detectors.ensemble:Ensemble",
            config=EnsembleConfig,
            summary="several networks disagree",
        ),
        Component(
            name="label_error",
            target="dlc_plugins.outlier_detectors.label_error:LabelError",
            config=LabelErrorConfig,
            summary="a label looks swapped or misplaced (dlc check-labels)",
        ),
    ]


def _check_likelihood(p_bound: float) -> None:
    if not 0 <= p_bound <= 1:
        raise ConfigError(f"detector.p_bound is {p_bound}; a likelihood from 0 to 1 is needed.")


def _check_distance(epsilon: float) -> None:
    if not epsilon >= 0:
        raise ConfigError(f"detector.epsilon is {epsilon}; a distance in pixels from 0 is needed.")
