"""``dlc check-labels``: draw the labelled frames and say what is doubtful about the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from dlc_core.colors import keypoint_colors, named_color
from dlc_core.console import Outcome, counted, progress, say, warn
from dlc_core.errors import ConfigError, DataError, suggest
from dlc_core.image_files import FULL_DEPTH
from dlc_core.labels.checks import ERRORS, LabelReport, check
from dlc_core.labels.draw import DrawingStyle, draw_table
from dlc_core.labels.files import labelled_folders, read_folder
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed

_DRAWN_SUFFIX = "_labeled"
_SHOWN_PER_KIND = 5


def check_labels(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Draw and check the labels of a project.

    Parameters
    ----------
    project : Project
        The project.
    composed : Composed
        `dlc_core.labels.settings.CheckLabelsSettings`.
    arguments : sequence of str
        Names of folders below ``labeled-data``, or of videos; none for all.

    Returns
    -------
    Outcome
        Counts, problems and the folders with pictures. Tables and images that cannot be read count as failed; what is
        only doubtful does not.
    """
    folders = folders_named(project, arguments)
    with progress("checking", len(folders), "folders") as advance:
        report = check(project, folders, advance)
    _tell(report)
    drawn = _draw(project, folders, composed.config, report.depths) if composed.config.draw else []
    data = {
        "frames": report.frames,
        "points": report.points,
        "points_of": report.points_of,
        "problems": [asdict(problem) for problem in report.problems],
        "drawn": [str(folder) for folder in drawn],
    }
    failed = sum(problem.kind in ERRORS for problem in report.problems)
    return Outcome(data, "" if failed else "dlc create-dataset", failed)


def folders_named(project: Project, arguments: Sequence[str]) -> list[Path]:
    """Return the labelled folders that are named, by their names or their videos'; all if none is.

    Raises
    ------
    DataError
        One has no labels, or does not exist.
    """
    folders = labelled_folders(project)
    known = {folder.name: folder for folder in folders}
    chosen = []
    for argument in arguments:
        name = PurePath(argument).name
        folder = known.get(name) or known.get(PurePath(argument).stem)
        if folder is None:
            raise DataError(
                f"{argument!r} has no labels in {project.labeled_data}. {suggest(name, known)}"
                f"Labelled: {', '.join(known) or 'none'}."
            )
        chosen.append(folder)
    return chosen or folders


def _tell(report: LabelReport) -> None:
    say(f"{counted(report.frames, 'labelled frame')}, {counted(report.points, 'point')}.")
    for name, number in report.points_of.items():
        if number == 0:
            warn(f"the body part {name!r} is labelled in no frame.")
    for kind, number in report.kinds().items():
        say(f"{kind}: {number}")
        for problem in [problem for problem in report.problems if problem.kind == kind][:_SHOWN_PER_KIND]:
            say(f"  {problem.where}: {problem.text}")
        if number > _SHOWN_PER_KIND:
            say(f"  ... and {number - _SHOWN_PER_KIND} more; --json lists them all")


def _draw(project: Project, folders: Sequence[Path], config: Any, depths: Mapping[str, int]) -> list[Path]:
    drawn, folders_of_frames = [], labelled_folders(project)
    for folder in folders:
        try:
            table = read_folder(folder, project.scorer)
        except DataError:  # the report names it
            continue
        target = folder.with_name(folder.name + _DRAWN_SUFFIX)
        if target in folders_of_frames or project.video_of(target.name) is not None:
            warn(
                f"{folder.name} is not drawn: its pictures would go to {target}, where the frames of another video "
                "are. Rename that video and its folder."
            )
            continue
        bits = depths.get(f"labeled-data/{folder.name}", FULL_DEPTH)
        pictures = draw_table(project.root, table, target, _style(project, table, config), bits)
        say(f"{counted(len(pictures), 'picture')} in {target}")
        drawn.append(target)
    return drawn


def _style(project: Project, table: LabelTable, config: Any) -> DrawingStyle:
    """Return the look of the labels; a body part has the same colour in every folder."""
    own = project.config
    names = (*own.bodyparts, *(name for name in table.bodyparts if name not in own.bodyparts))
    palette = keypoint_colors(len(names), own.colormap if config.colormap is None else config.colormap)
    if not 0.01 <= config.scale <= 20:
        raise ConfigError(f"scale={config.scale}; a factor from 0.01 to 20 is expected.")
    edges = project.skeleton.edges if config.draw_skeleton else ()
    return DrawingStyle(
        colors=palette[[names.index(name) for name in table.bodyparts]],
        dotsize=own.dotsize if config.dotsize is None else config.dotsize,
        alphavalue=own.alphavalue if config.alphavalue is None else config.alphavalue,
        scale=config.scale,
        edges=[
            (table.bodyparts.index(a), table.bodyparts.index(b))
            for a, b in edges
            if a in table.bodyparts and b in table.bodyparts
        ],
        line_color=named_color(own.skeleton_color if config.skeleton_color is None else config.skeleton_color),
    )
