"""``dlc merge``: refined machine labels become labels, and the next iteration begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlc_core.console import Outcome, counted, say, warn
from dlc_core.errors import ConfigError
from dlc_core.project.project import Project
from dlc_core.refine.elsewhere import waiting_elsewhere, waiting_here
from dlc_core.refine.merge import UNREFINED, Merge
from dlc_core.refine.merge import merge as merge_labels

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed


def merge(project: Project, composed: Composed, _: Sequence[str] = ()) -> Outcome:
    """Merge the machine labels of the current iteration into the labels.

    Parameters
    ----------
    project : Project
        The project.
    composed : Composed
        `dlc_core.refine.settings.MergeSettings`.

    Returns
    -------
    Outcome
        What joined, folder by folder, and the iteration that begins; ``merged`` is false if there was nothing.

    Raises
    ------
    ConfigError
        `pcutoff` was given and would not count.
    DlcError
        As `dlc_core.refine.merge.merge`.
    """
    config = composed.config
    if config.unrefined in UNREFINED[:-1] and composed.sources.get("pcutoff") == "command line":
        raise ConfigError(
            f"pcutoff counts with unrefined=accept alone, and unrefined is {config.unrefined!r}. Leave it out, or say "
            "unrefined=accept."
        )
    merged = merge_labels(project, config.unrefined, config.pcutoff)
    if merged is None:
        return _nothing_merged(project)
    _tell(merged)
    folders = [
        {
            "folder": folder.folder.name,
            "frames": len(folder.points),
            "labelled_before": len(folder.labelled),
            "unrefined": len(folder.unfinished),
            "without_image": len(folder.gone),
        }
        for folder in merged.folders
    ]
    data = {"merged": True, "iteration": merged.project.iteration, "frames": merged.frames, "points": merged.points}
    return Outcome({**data, "folders": folders}, "dlc create-dataset")


def _nothing_merged(project: Project) -> Outcome:
    """Say why nothing was merged, and what comes next."""
    elsewhere, here = waiting_elsewhere(project), waiting_here(project)
    before = f" Iteration {project.iteration - 1} was merged before." if project.iteration and not elsewhere else ""
    say(f"Nothing to merge: there are no refined machine labels of iteration {project.iteration}.{before}")
    if here:
        say(f"{counted(here, 'frame')} with machine labels {'waits' if here == 1 else 'wait'} to be refined.")
    if elsewhere:
        warn(elsewhere)
    data = {"merged": False, "iteration": project.iteration, "frames": 0, "points": 0, "folders": []}
    if here:
        return Outcome(data, "dlc refine")
    return Outcome(data, "dlc create-dataset" if before else "" if elsewhere else "dlc extract-outliers VIDEO")


def _tell(merged: Merge) -> None:
    for folder in merged.folders:
        left = f", {counted(len(folder.unfinished), 'unrefined frame')} left out" if folder.unfinished else ""
        say(f"{folder.folder.name}: {counted(len(folder.points), 'frame')} joined the labels{left}.")
    say(f"{counted(merged.points, 'new point')} in all; iteration {merged.project.iteration} begins.")
