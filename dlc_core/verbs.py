"""The table of verbs that are configured through Hydra: where their options, their defaults list and their code are.

To add a verb: a row here, a settings dataclass, a run function and ``configs/<name>.yaml``; the command line, the
Python API and the sweeps read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dlc_core.errors import ConfigError, suggest


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One step of the protocol.

    Parameters
    ----------
    name : str
        The name of its config; on the command line underscores become dashes.
    settings : str
        ``"module:Class"`` of the dataclass with its options.
    run : str
        ``"module:function"``, called with (project, composed, arguments).
    arguments : str
        What its positional arguments are called, "" if it takes none.
    summary : str
        One line of help.
    without_project : bool
        Whether it can work outside a project, if it is told ``run=`` or ``file=``.
    asks : bool
        Whether it asks before it writes; ``--yes`` (its option ``yes``) answers beforehand.
    page : str
        The page of the browser application on which it is done by hand (``--manual``), "" for none.
    """

    name: str
    settings: str
    run: str
    arguments: str = ""
    summary: str
    without_project: bool = False
    asks: bool = False
    page: str = ""

    @property
    def command(self) -> str:
        """The word on the command line."""
        return self.name.replace("_", "-")


VERBS: tuple[Verb, ...] = (
    Verb(
        name="extract_frames",
        settings="dlc_core.frames.settings:ExtractFramesSettings",
        run="dlc_core.frames.run:extract_frames",
        arguments="VIDEO",
        summary="Choose frames that are worth labelling and write them as images.",
        page="/grab",
    ),
    Verb(
        name="check_labels",
        settings="dlc_core.outliers.check_settings:JudgeLabelsSettings",
        run="dlc_core.outliers.run_check:check_labels",
        arguments="FOLDER",
        summary="Draw the labelled frames and report doubtful labels; detector=label_error finds wrong ones.",
    ),
    Verb(
        name="create_dataset",
        settings="dlc_core.data.settings:CreateDatasetSettings",
        run="dlc_core.data.run:create_dataset",
        summary="Make training sets: pack the frames, store the split.",
    ),
    Verb(
        name="train",
        settings="dlc_core.training.settings:TrainSettings",
        run="dlc_core.training.run:train",
        summary="Train a network on a shuffle.",
    ),
    Verb(
        name="evaluate",
        settings="dlc_core.evaluation.settings:EvaluateSettings",
        run="dlc_core.evaluation.run:evaluate",
        summary="Measure the error of a network against the labels.",
    ),
    Verb(
        name="analyze",
        settings="dlc_core.inference.settings:AnalyzeSettings",
        run="dlc_core.inference.run:analyze",
        arguments="VIDEO",
        summary="Find the pose in every frame of videos.",
        without_project=True,
    ),
    Verb(
        name="filter",
        settings="dlc_core.filtering.settings:FilterSettings",
        run="dlc_core.filtering.run:filter_poses",
        arguments="VIDEO",
        summary="Smooth the trajectories of analysed videos.",
        without_project=True,
    ),
    Verb(
        name="export",
        settings="dlc_core.export.settings:ExportSettings",
        run="dlc_core.export.run:export",
        arguments="VIDEO",
        summary="Write analysed poses in other formats.",
        without_project=True,
    ),
    Verb(
        name="extract_outliers",
        settings="dlc_core.outliers.settings:ExtractOutliersSettings",
        run="dlc_core.outliers.run:extract_outliers",
        arguments="VIDEO",
        summary="Find frames whose poses are probably wrong and write some with machine labels, for a person.",
        asks=True,
    ),
    Verb(
        name="plot",
        settings="dlc_core.visualize.settings:PlotSettings",
        run="dlc_core.visualize.run:plot",
        arguments="VIDEO",
        summary="Draw trajectories, positions, likelihoods and jumps.",
        without_project=True,
    ),
    Verb(
        name="label_video",
        settings="dlc_core.visualize.settings:LabelVideoSettings",
        run="dlc_core.visualize.run:label_video",
        arguments="VIDEO",
        summary="Write videos with the poses drawn in.",
        without_project=True,
    ),
    Verb(
        name="merge",
        settings="dlc_core.refine.settings:MergeSettings",
        run="dlc_core.refine.run:merge",
        summary="Join refined machine labels to the labels and begin the next iteration.",
    ),
)


def verb_named(name: str) -> Verb:
    """Return the row of a verb by its config name, ``"label_video"``, or its word, ``"label-video"``.

    Raises
    ------
    ConfigError
        There is no such verb.
    """
    for verb in VERBS:
        if name in (verb.name, verb.command):
            return verb
    names = [verb.name for verb in VERBS]
    raise ConfigError(f"there is no step {name!r}. {suggest(name, names)}Steps: {', '.join(names)}.")


def settings_of(verb: Verb) -> Any:
    """Return the dataclass with the options of a verb."""
    module, _, name = verb.settings.partition(":")
    return getattr(import_module(module), name)


FREE_VALUES = frozenset(
    {
        "backbone.weights_file",
        "colormap",
        "crop",
        "destfolder",
        "file",
        "init_weights",
        "run",
        "skeleton_color",
        "split.file",
        "sweep",
        "training.pose_cfg",
        "videotype",
    }
)
"""Options whose value is a path or a free name: the command line quotes it for Hydra, whatever it contains."""

FREE_LISTS = frozenset({"bodyparts", "displayedbodyparts", "ensemble"})
"""The same for options that take one name or a list of names in brackets."""
