"""The protocol's function for filters; `dlc_core.api` has it too."""

from __future__ import annotations

from collections.abc import Sequence

from dlc_core.api_calls import AnyPath, Paths, run_with, video_options
from dlc_core.console import Outcome


def filterpredictions(
    config: AnyPath,
    video: Paths,
    videotype: str = "",
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    filtertype: str = "median",
    windowlength: int | None = None,
    p_bound: float | None = None,
    ARdegree: int | None = None,  # noqa: N803 - the paper's name
    MAdegree: int | None = None,  # noqa: N803 - the paper's name
    alpha: float | None = None,  # noqa: ARG001 - the paper's argument; no filtered position depends on it
    save_as_csv: bool = True,
    destfolder: AnyPath | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Smooth the trajectories of analysed videos; one that was filtered in another way before is filtered anew.

    Parameters
    ----------
    config : path
        The project.
    video : path or sequence of path
        Videos, or folders of videos.
    videotype, shuffle, trainingsetindex, destfolder
        As for `dlc_core.api.analyze_videos`.
    filtertype : str
        ``"median"``, ``"arima"``, ``"savgol"``, ``"kalman"``, or the filter of a plugin.
    windowlength : int or None
        Frames of which ``median`` takes the median, an odd number; ``savgol`` has it too. None for the default.
    p_bound : float or None
        Points below this likelihood are missing, for ``arima`` and ``kalman``. None for the default.
    ARdegree, MAdegree : int or None
        Degrees of the model of ``arima``. None for the default.
    alpha : float or None
        Level of an interval that no filtered position depends on; taken for the sake of older scripts.
    save_as_csv : bool
        Whether to write a csv file besides the h5.
    overrides : sequence of str
        More options: ``["filter.max_gap=5"]``.
    """
    options = {
        **video_options(videotype, shuffle, trainingsetindex, destfolder),
        "filter": filtertype,
        "filter.windowlength": windowlength,
        "filter.p_bound": p_bound,
        "filter.ar_degree": ARdegree,
        "filter.ma_degree": MAdegree,
        "exporter": "[h5,csv]" if save_as_csv else "[h5]",
    }
    return run_with("filter", config, options, overrides, video)
