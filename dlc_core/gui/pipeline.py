"""The project as a list of steps with their state: what the pipeline page shows, without the page.

To add a step: a row in `ROWS` and a function that tells how far it is. A configured step without a row is shown, too,
so that nothing that can be run is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlc_core.errors import DlcError
from dlc_core.gui import network_states, step_states
from dlc_core.gui.step_states import DONE, PART, READY, WAITING, Found, Item
from dlc_core.project.project import Project
from dlc_core.verbs import VERBS, Verb

__all__ = ["DONE", "PART", "READY", "ROWS", "WAITING", "Item", "Step", "StepRow", "next_step", "read_pipeline"]


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One step of the protocol as people see it.

    Parameters
    ----------
    name : str
        Of the configured step (`dlc_core.verbs.VERBS`), or of a step that only has a page or a plain command.
    title : str
    icon : str
        A Material icon.
    read : callable
        Given the project, tells how far it is.
    page : str
        The page where it is done by hand, "" for none.
    command : str
        The plain command that does it, "" for a configured step.
    """

    name: str
    title: str
    icon: str
    read: Callable[[Project], Found]
    page: str = ""
    command: str = ""


ROWS: tuple[StepRow, ...] = (
    StepRow(
        name="videos", title="Project and videos", icon="movie", read=step_states.project_state, command="add-videos"
    ),
    StepRow(
        name="extract_frames", title="Extract frames", icon="burst_mode", read=step_states.frames_state, page="/grab"
    ),
    StepRow(name="label", title="Label", icon="edit_location_alt", read=step_states.labels_state, page="/label"),
    StepRow(name="check_labels", title="Check labels", icon="fact_check", read=step_states.check_state),
    StepRow(name="create_dataset", title="Training set", icon="dataset", read=network_states.dataset_state),
    StepRow(name="train", title="Train", icon="model_training", read=network_states.training_state),
    StepRow(name="evaluate", title="Evaluate", icon="straighten", read=network_states.evaluation_state),
    StepRow(name="analyze", title="Analyze videos", icon="timeline", read=network_states.analysis_state),
    StepRow(name="filter", title="Filter", icon="show_chart", read=network_states.filter_state),
    StepRow(name="plot", title="Plot", icon="insights", read=network_states.plot_state),
    StepRow(name="label_video", title="Labelled video", icon="smart_display", read=network_states.label_video_state),
    StepRow(name="extract_outliers", title="Extract outliers", icon="troubleshoot", read=network_states.outliers_state),
    StepRow(name="refine", title="Refine", icon="auto_fix_high", read=step_states.refine_state, page="/refine"),
    StepRow(name="merge", title="Merge, next iteration", icon="merge", read=step_states.merge_state),
)
_OPTIONAL = ("check_labels", "filter", "plot", "label_video")
_BY_HAND = ("label", "refine", "videos")


@dataclass(frozen=True)
class Step:
    """A step of one project, as it is now.

    Parameters
    ----------
    name, title, icon, page : str
        As in `StepRow`.
    verb : Verb or None
        The configured step; None for one that is done by hand.
    command : str
        The word on the command line that does it, "" for none.
    found : Found
        How far it is.
    """

    name: str
    title: str
    icon: str
    page: str
    verb: Verb | None
    command: str
    found: Found


def read_pipeline(project: Project) -> list[Step]:
    """Return the steps of a project in the order of the protocol, each with its state.

    A step whose files are in disorder says so and hides no other.
    """
    verbs = {verb.name: verb for verb in VERBS}
    rows = [row for row in ROWS if row.name in verbs or row.name in _BY_HAND]
    known = {row.name for row in rows}
    steps = [_step(row, verbs.get(row.name), project) for row in rows]
    for verb in VERBS:
        if verb.name not in known:
            title = verb.command.replace("-", " ").capitalize()
            steps.append(Step(verb.name, title, "play_arrow", "", verb, verb.command, Found(READY, verb.summary)))
    return steps


def next_step(steps: list[Step]) -> Step | None:
    """Return the step that comes next: the first that can be done and is not, None if there is none.

    One that nothing depends on is passed over once a later step has been done without it.
    """
    known = [step for step in steps if step.name in {row.name for row in ROWS}]
    for place, step in enumerate(known):
        later = any(other.found.state in (DONE, PART) for other in known[place + 1 :])
        if step.found.state in (PART, READY) and not (step.name in _OPTIONAL and later):
            return step
    return None


def _step(row: StepRow, verb: Verb | None, project: Project) -> Step:
    try:
        found = row.read(project)
    except DlcError as exc:
        found = Found(PART, str(exc))
    return Step(row.name, row.title, row.icon, row.page, verb, verb.command if verb else row.command, found)
