"""Built-in filters: ``median`` and ``arima`` as DeepLabCut has them, ``savgol`` and ``kalman``.

To add one: a class with ``filter(track)`` in a file beside this one, a dataclass with its options and a row below. The
core goes through the body parts and animals, so a filter sees one trajectory at a time.
`dlc_core.plugin_api.protocols.PoseFilter` says what it must do. Options that cannot be used are refused in
``__post_init__``, before any poses are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from dlc_core.errors import ConfigError
from dlc_core.plugin_api import Component, hookimpl


class Motion(Enum):
    """What a point keeps from one frame to the next, up to chance."""

    velocity = "velocity"
    acceleration = "acceleration"


@dataclass
class MedianConfig:
    """Options of `median`.

    Parameters
    ----------
    windowlength : int
        Frames of which the median is taken, an odd number.
    """

    name: str = "median"
    windowlength: int = 5

    def __post_init__(self) -> None:
        _check_window(self.windowlength)


@dataclass
class ArimaConfig:
    """Options of `arima`.

    Parameters
    ----------
    p_bound : float
        Points below this likelihood count as missing.
    ar_degree : int
        Earlier frames that the autoregressive part looks at.
    ma_degree : int
        Earlier errors that the moving-average part looks at.
    """

    name: str = "arima"
    p_bound: float = 0.01
    ar_degree: int = 3
    ma_degree: int = 1

    def __post_init__(self) -> None:
        _check_share("p_bound", self.p_bound)
        if self.ar_degree < 0 or self.ma_degree < 0 or self.ar_degree + self.ma_degree == 0:
            raise ConfigError(
                f"filter.ar_degree is {self.ar_degree} and filter.ma_degree {self.ma_degree}; "
                "numbers from 0 are needed, at least one of them above it."
            )


@dataclass
class SavgolConfig:
    """Options of `savgol`.

    Parameters
    ----------
    windowlength : int
        Frames that a polynomial is fitted to, an odd number.
    polyorder : int
        Degree of the polynomial, below windowlength.
    pcutoff : float
        Points below this likelihood are left out, and interpolated from their neighbours.
    max_gap : int
        Longest run of frames without a point that is interpolated; longer ones stay empty.
    """

    name: str = "savgol"
    windowlength: int = 7
    polyorder: int = 3
    pcutoff: float = 0.1
    max_gap: int = 10

    def __post_init__(self) -> None:
        _check_window(self.windowlength)
        _check_share("pcutoff", self.pcutoff)
        if not 0 <= self.polyorder < self.windowlength:
            raise ConfigError(
                f"filter.polyorder is {self.polyorder}; a number from 0 to {self.windowlength - 1} is needed, "
                f"below filter.windowlength={self.windowlength}."
            )
        if self.max_gap < 0:
            raise ConfigError(f"filter.max_gap is {self.max_gap}; a number of frames from 0 is needed.")


@dataclass
class KalmanConfig:
    """Options of `kalman`.

    Parameters
    ----------
    motion : Motion
        What a point keeps from frame to frame: its velocity, or its acceleration (smoother, and slower to turn).
    p_bound : float
        Points below this likelihood count as missing.
    robust : bool
        Whether a confident point far off the way counts for little, not for its full likelihood.
    measurement_noise : float or None
        Standard deviation of a point of likelihood 1, in pixels. None: what makes each track most likely.
    process_noise : float or None
        Standard deviation of the velocity's change a frame, in pixels. None: what makes each track most likely. With
        motion=acceleration that of the acceleration's change.
    max_sd : float
        A position that is less certain than this standard deviation, in pixels, is left empty: within long gaps.
    """

    name: str = "kalman"
    motion: Motion = Motion.velocity
    p_bound: float = 0.1
    robust: bool = True
    measurement_noise: float | None = None
    process_noise: float | None = None
    max_sd: float = 20.0

    def __post_init__(self) -> None:
        _check_share("p_bound", self.p_bound)
        for name in ("measurement_noise", "process_noise", "max_sd"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"filter.{name} is {value}; a number above 0 is needed.")


@hookimpl
def dlc_filters() -> Iterable[Component]:
    """Offer the built-in filters."""
    return [
        Component(
            name="median",
            target="dlc_plugins.filters.median:Median",
            config=MedianConfig,
            summary="the median over a window of frames: removes single jumps",
        ),
        Component(
            name="arima",
            target="dlc_plugins.filters.arima:Arima",
            config=ArimaConfig,
            summary="each position as an ARMA model predicts it from the frames before",
        ),
        Component(
            name="savgol",
            target="dlc_plugins.filters.savgol:Savgol",
            config=SavgolConfig,
            summary="gaps interpolated, then polynomials over a window of frames (Savitzky-Golay)",
        ),
        Component(
            name="kalman",
            target="dlc_plugins.filters.kalman:Kalman",
            config=KalmanConfig,
            summary="steady motion and noisy detections weighed by their likelihood (Kalman smoother)",
        ),
    ]


def _check_window(length: int) -> None:
    if length < 1 or length % 2 == 0:
        raise ConfigError(
            f"filter.windowlength is {length}; an odd number of frames is needed, like {max(length, 0) // 2 * 2 + 1}."
        )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"filter.{name} is {value}; a likelihood from 0 to 1 is needed.")
