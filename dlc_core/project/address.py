"""How a verb says which network it means: the options that every verb after ``train`` takes."""

from __future__ import annotations

from dataclasses import dataclass

from dlc_core.errors import ConfigError


@dataclass
class RunAddress:
    """Which network.

    Parameters
    ----------
    shuffle : int
        Number of the shuffle, from 1.
    trainingsetindex : int
        Index into TrainingFraction of config.yaml.
    iteration : int or None
        None for the current iteration of config.yaml.
    run : str
        A run's name, ``latest``, or the path of a run's folder.
    snapshotindex : int or str
        Index of a saved step (-1 the last), ``all``, ``best``, or ``best_on_test``.
    """

    shuffle: int = 1
    trainingsetindex: int = 0
    iteration: int | None = None
    run: str = "latest"
    snapshotindex: int | str = -1


@dataclass
class PosesAddress(RunAddress):
    """Which poses of which videos, for the verbs that come after ``analyze``.

    The options of `RunAddress` are needed only for a video that several networks analysed.

    Parameters
    ----------
    videotype : str
        Suffix of the videos to take from folders: ``mp4``; "" takes every kind.
    destfolder : str or None
        Where the analysis put its results, and where new files go; None: beside each video.
    """

    videotype: str = ""
    destfolder: str | None = None


@dataclass
class AnyPosesAddress(PosesAddress):
    """Which poses of which videos, for the verbs that also read what filters made.

    Parameters
    ----------
    filtered : bool or str
        Take the poses that `dlc filter` made: ``true`` if one filter did, or the filter's name.
    """

    filtered: bool | str = False


def check_shuffle(shuffle: int) -> int:
    """Return the number of a shuffle if it can be one.

    Raises
    ------
    ConfigError
        It is below 1.
    """
    if shuffle < 1:
        raise ConfigError(f"shuffle is {shuffle}; shuffles are numbered from 1.")
    return shuffle
