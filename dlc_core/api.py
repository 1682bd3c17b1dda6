"""The protocol as Python functions, under the names of the paper.

``import dlc_core as dlc; dlc.train_network(config)``.

Every function takes the path of a project's ``config.yaml`` (or of its folder) and runs the code that the command
line runs. What the paper's arguments do not cover is given as overrides, in the syntax of the command line::

    dlc.train_network(config, shuffle=1, overrides=["backbone=resnet101", "training.steps=5000"])

References
----------
Nath, Mathis, Chen, Patel, Bethge, Mathis: Using DeepLabCut for 3D markerless pose estimation across species and
behaviors. Nature Protocols 14, 2152-2176 (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlc_core.api_browser import grab_frames, label_frames, refine_labels
from dlc_core.api_calls import AnyPath, Paths, listed, names_option, open_project, run_step, run_with, video_options
from dlc_core.api_filtering import filterpredictions
from dlc_core.api_refinement import extract_outlier_frames, merge_datasets
from dlc_core.console import Outcome
from dlc_core.errors import ConfigError
from dlc_core.overrides import quote_free_values
from dlc_core.verbs import verb_named

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed

__all__ = [
    "add_new_videos",
    "analyze_videos",
    "check_labels",
    "compose",
    "create_labeled_video",
    "create_new_project",
    "create_training_dataset",
    "evaluate_network",
    "extract_frames",
    "extract_outlier_frames",
    "filterpredictions",
    "label_frames",
    "merge_datasets",
    "plot_trajectories",
    "refine_labels",
    "run_step",
    "train_network",
]


def compose(overrides: Sequence[str] = (), verb: str = "train", config: AnyPath | None = None) -> Composed:
    """Return the configuration of a step, as the command line would compose it.

    Parameters
    ----------
    overrides : sequence of str
        ``["backbone=resnet101", "seed=3"]``.
    verb : str
        Name of the step: ``"train"``, ``"label_video"``, ...
    config : path or None
        A project whose config.yaml and pose_cfg.yaml are layers.

    Raises
    ------
    ConfigError
        An option or choice does not exist, or a value has the wrong type.
    """
    from dlc_core.plugin_api import hydra_bridge

    project = open_project(config) if config is not None else None
    return hydra_bridge.compose(verb_named(verb).name, quote_free_values(list(overrides)), project)


def create_new_project(
    project: str,
    experimenter: str,
    videos: Paths,
    working_directory: AnyPath | None = None,
    copy_videos: bool = False,
) -> str:
    """Make a project and return the path of its config.yaml (step A of the protocol)."""
    from dlc_core.project.create import create_project

    place = Path(working_directory or ".")
    made = create_project(project, experimenter, listed(videos), place, copy_videos=copy_videos)
    return str(made.root / "config.yaml")


def add_new_videos(config: AnyPath, videos: Paths, copy_videos: bool = False) -> None:
    """Add videos to a project."""
    from dlc_core.project.create import add_videos

    add_videos(open_project(config), listed(videos), copy_videos=copy_videos)


def extract_frames(
    config: AnyPath,
    mode: str = "automatic",
    algo: str = "kmeans",
    crop: bool = False,
    videos_list: Paths = (),
    overrides: Sequence[str] = (),
) -> Outcome:
    """Choose frames that are worth labelling and write them as images (step C of the protocol).

    Parameters
    ----------
    config : path
        The project.
    mode : str
        ``"automatic"``: a frame selector chooses. ``"manual"``: a person does, in the browser, until Ctrl+C.
    algo : str
        The frame selector: ``"kmeans"``, ``"uniform"``, or one of a plugin.
    crop : bool
        Whether to crop as config.yaml says for each video.
    videos_list : path or sequence of path
        Only these videos; empty for all.
    overrides : sequence of str
        More options.

    Raises
    ------
    ConfigError
        There is no such mode, or one that is given makes no sense with options.
    """
    if mode == "manual":
        return grab_frames(config, videos_list, overrides)
    if mode != "automatic":
        raise ConfigError(f"mode is {mode!r}; 'automatic' (with algo=<frame selector>) or 'manual' is expected.")
    options = {"selector": algo, "crop": "video_sets" if crop else "none"}
    return run_with("extract_frames", config, options, overrides, videos_list)


def check_labels(config: AnyPath, folders: Paths = (), overrides: Sequence[str] = ()) -> Outcome:
    """Draw the labelled frames and report doubtful labels (step E of the protocol).

    Parameters
    ----------
    config : path
        The project.
    folders : path or sequence of path
        Only these folders below ``labeled-data``, or those of these videos; empty for all.
    overrides : sequence of str
        More options.
    """
    return run_with("check_labels", config, {}, overrides, folders)


def create_training_dataset(
    config: AnyPath,
    num_shuffles: int = 1,
    Shuffles: Sequence[int] | None = None,  # noqa: N803 - the paper's name
    overrides: Sequence[str] = (),
) -> Outcome:
    """Make training sets for each TrainingFraction of the project (step F of the protocol).

    Parameters
    ----------
    config : path
        The project.
    num_shuffles : int
        How many, each with a split of its own.
    Shuffles : sequence of int or None
        Their numbers; None for 1, 2, ...
    overrides : sequence of str
        More options.
    """
    shuffles = None if Shuffles is None else list(Shuffles)
    return run_with("create_dataset", config, {"num_shuffles": num_shuffles, "shuffles": shuffles}, overrides)


def train_network(
    config: AnyPath,
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    max_snapshots_to_keep: int | None = None,
    displayiters: int | None = None,
    saveiters: int | None = None,
    maxiters: int | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Train a network (step G of the protocol); None leaves a value to config.yaml, pose_cfg.yaml or the default."""
    options = {
        "shuffle": shuffle,
        "trainingsetindex": trainingsetindex,
        "training.max_snapshots_to_keep": max_snapshots_to_keep,
        "training.display_iters": displayiters,
        "training.save_iters": saveiters,
        "training.steps": maxiters,
    }
    return run_with("train", config, options, overrides)


def evaluate_network(
    config: AnyPath,
    Shuffles: int | Sequence[int] | None = None,  # noqa: N803 - the name in later versions
    trainingsetindex: int | None = None,
    plotting: bool | None = None,
    overrides: Sequence[str] = (),
    shuffle: int | Sequence[int] | None = None,
) -> list[Outcome]:
    """Measure the error of the networks of one or several shuffles (step H of the protocol).

    Parameters
    ----------
    config : path
        The project.
    Shuffles, shuffle : int, sequence of int or None
        Their numbers, under the name of later versions or of the paper; None for shuffle 1.
    trainingsetindex : int or None
        Index into TrainingFraction of config.yaml.
    plotting : bool or None
        Whether to draw labels and poses.
    overrides : sequence of str
        More options.

    Raises
    ------
    ConfigError
        Both names were used.
    """
    if Shuffles is not None and shuffle is not None:
        raise ConfigError(f"Shuffles={Shuffles} and shuffle={shuffle} mean the same; give one of them.")
    asked = shuffle if Shuffles is None else Shuffles
    numbers = [1] if asked is None else [asked] if isinstance(asked, int) else list(asked)
    options = {"trainingsetindex": trainingsetindex, "plotting": plotting}
    return [run_with("evaluate", config, {"shuffle": number, **options}, overrides) for number in numbers]


def analyze_videos(
    config: AnyPath,
    videos: Paths,
    videotype: str = "",
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    save_as_csv: bool = False,
    destfolder: AnyPath | None = None,
    batchsize: int | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Find the pose in every frame of videos or folders of videos (step I of the protocol)."""
    options = {
        **video_options(videotype, shuffle, trainingsetindex, destfolder),
        "exporter": "[h5,csv]" if save_as_csv else "[h5]",
        "batch_size": batchsize,
    }
    return run_with("analyze", config, options, overrides, videos)


def plot_trajectories(
    config: AnyPath,
    videos: Paths,
    videotype: str = "",
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    filtered: bool | str = False,
    displayedbodyparts: str | Sequence[str] = "all",
    destfolder: AnyPath | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Draw trajectories, positions, likelihoods and jumps of analysed videos.

    With `filtered` those that a filter smoothed: True, or the filter's name if several did.
    """
    options = {
        **video_options(videotype, shuffle, trainingsetindex, destfolder),
        **names_option("displayedbodyparts", displayedbodyparts),
        "filtered": filtered or None,
    }
    return run_with("plot", config, options, overrides, videos)


def create_labeled_video(
    config: AnyPath,
    videos: Paths,
    videotype: str = "",
    shuffle: int | None = None,
    trainingsetindex: int | None = None,
    filtered: bool | str = False,
    displayedbodyparts: str | Sequence[str] = "all",
    destfolder: AnyPath | None = None,
    draw_skeleton: bool | None = None,
    trailpoints: int | None = None,
    displaycropped: bool | None = None,
    overrides: Sequence[str] = (),
) -> Outcome:
    """Write analysed videos with the poses drawn in (step J of the protocol); `filtered` as for `plot_trajectories`."""
    options = {
        **video_options(videotype, shuffle, trainingsetindex, destfolder),
        **names_option("displayedbodyparts", displayedbodyparts),
        "filtered": filtered or None,
        "draw_skeleton": draw_skeleton,
        "trailpoints": trailpoints,
        "displaycropped": displaycropped,
    }
    return run_with("label_video", config, options, overrides, videos)
