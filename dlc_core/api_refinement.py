"""The steps of the protocol that make the next network better, as Python functions (`dlc_core.api` offers them)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from dlc_core.api_calls import AnyPath, Paths, names_option, run_with, video_options
from dlc_core.console import Outcome, warn

_DETECTORS = {"fitting": "arima"}
"""What the paper calls them."""


def extract_outlier_frames(
    config: AnyPath,
    videos: Paths,
    videotype: str = "",
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    outlieralgorithm: str = "jump",
    comparisonbodyparts: str | Sequence[str] = "all",
    epsilon: float | None = None,
    p_bound: float | None = None,
    ARdegree: int | None = None,  # noqa: N803 - the paper's name
    MAdegree: int | None = None,  # noqa: N803 - the paper's name
    alpha: float | None = None,
    extractionalgorithm: str = "kmeans",
    automatic: bool = False,
    destfolder: AnyPath | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Find frames whose poses are probably wrong, and write some with machine labels (step K of the protocol).

    Says how many frames meet the criterion and asks before it writes any.

    Parameters
    ----------
    config : path
        The project.
    videos : path or sequence of path
        Analysed videos or folders of videos.
    videotype : str
        Suffix of the videos to take from folders; "" takes every kind.
    shuffle, trainingsetindex : int or None
        Whose poses, if several networks analysed the videos.
    outlieralgorithm : str
        The outlier detector: ``"jump"``, ``"uncertain"``, ``"fitting"`` (called ``arima`` here), ``"ensemble"``, or
        one of a plugin.
    comparisonbodyparts : str or sequence of str
        Which body parts count.
    epsilon, p_bound, ARdegree, MAdegree, alpha : float or None
        Options of the detector; None leaves it to its default. One that the chosen detector does not have is not used,
        with a notice.
    extractionalgorithm : str
        The frame selector that chooses among the outliers: ``"kmeans"``, ``"uniform"``, or one of a plugin.
    automatic : bool
        Extract without asking.
    destfolder : path or None
        Where the analysis put its results; None: beside each video.
    overrides : sequence of str
        More options.
    """
    detector = _DETECTORS.get(outlieralgorithm, outlieralgorithm)
    named = {"epsilon": epsilon, "p_bound": p_bound, "ar_degree": ARdegree, "ma_degree": MAdegree, "alpha": alpha}
    options = {
        **video_options(videotype, shuffle, trainingsetindex, destfolder),
        "detector": detector,
        "selector": extractionalgorithm,
        **names_option("bodyparts", comparisonbodyparts),
        **_options_of(detector, {name: value for name, value in named.items() if value is not None}),
        "yes": automatic,
    }
    return run_with("extract_outliers", config, options, overrides, videos)


def merge_datasets(
    config: AnyPath, unrefined: str = "refuse", pcutoff: float | None = None, overrides: Sequence[str] = ()
) -> Outcome:
    """Join refined machine labels to the labels and raise ``iteration`` by one (step L of the protocol).

    Parameters
    ----------
    config : path
        The project.
    unrefined : str
        What happens to machine labels that nobody has marked as done: ``"refuse"`` merges nothing while there are any,
        ``"leave"`` leaves them out, ``"accept"`` takes their points as labels.
    pcutoff : float or None
        The likelihood from which points count with ``unrefined="accept"``; None for pcutoff of config.yaml.
    overrides : sequence of str
        More options.
    """
    return run_with("merge", config, {"unrefined": unrefined, "pcutoff": pcutoff}, overrides)


def _options_of(detector: str, named: dict[str, Any]) -> dict[str, Any]:
    """Return those of the paper's options that a detector has; an unknown detector is reported when it is chosen."""
    from dlc_core.plugin_api.discovery import load_plugins

    registry = load_plugins().registry("outlier_detector")
    known = [field.name for field in fields(registry[detector].component.config)] if detector in registry else []
    unused = [f"{name}={value}" for name, value in named.items() if name not in known]
    if unused and known:
        warn(f"{', '.join(unused)} is not used: the detector {detector} has no such option.")
    return {f"detector.{name}": value for name, value in named.items() if name in known}
