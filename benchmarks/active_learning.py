"""What a round of the loop is worth: 20 more labelled frames that a detector chose, against 20 chosen at random.

Question    Mean Euclidean error over all frames before and after one round of the protocol's loop: extract frames,
            label or correct them, merge, train on from the last snapshot. Once for each detector that reads a video,
            and once for frames chosen at random.
Data        animal: a generated video of 3,000 frames, 320 x 240, 6 body parts, the truth known in every frame. Half-way
            another animal in another light begins that moves in another way. 40 frames of the first half train the
            first network, 20 of the whole video are added.
            pool: the 116 labelled frames of openfield-Pranav-2018-10-30, 640 x 480, 4 body parts, as a video without
            order, so for detectors that look at one frame at a time. 40 random ones train the first network.
Command     python benchmarks/active_learning.py --data ../shared/data
            The same command goes on after an interruption: what the result file holds is not measured again.
Hardware    2 cores, no GPU; the JSON says which.
Seeds       1, 2, 3 (animal, choice of frames, training).
Expected    animal: the error of the second half falls to a third or less, whatever the choice; half of the random
            frames lie there, too, so that detectors need not be far ahead. pool: uncertain and ensemble beat chance.

Every step is the command a user would type; only the person is missing, whose labels and corrections are the truth
(`dlc_core.demo.person`). One more frame than said is labelled: the test part that every training set has to have.
Where fewer frames are beyond a detector's threshold than are wanted, it is lowered as a person would (`LOOSER`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from result_file import write_result

from dlc_core.demo.compare import errors_px
from dlc_core.demo.generate import Truth, generate_video, true_keypoints
from dlc_core.demo.person import label, refine
from dlc_core.evaluation.metrics import mean_error, pck
from dlc_core.frames.frame_files import existing_frames
from dlc_core.labels.csv_file import read_csv
from dlc_core.project.project import Project
from dlc_core.video.writer import VideoWriter

OPENFIELD = Path("openfield-Pranav-2018-10-30/labeled-data/m4s1/CollectedData_Pranav.csv")
RESULT = Path(__file__).parent / "results" / "active_learning.json"
CONTROLS = {"random": "uniform", "kmeans": "kmeans"}
"""Choices without a detector, and their frame selectors."""
DISTANCES = ("detector.epsilon", (20, 10, 5, 2, 1, 0))
LOOSER = {
    "uncertain": ("detector.p_bound", (0.01, 0.1, 0.5, 0.9, 1)),
    "jump": DISTANCES,
    "arima": DISTANCES,
    "ensemble": DISTANCES,
}
"""The threshold of each detector, and its values: the protocol's first."""
BUDGETS = ("frames", "first", "added", "steps", "steps_again", "members", "network")
"""Options that every run in one result file has in common."""


@dataclass(frozen=True)
class Experiment:
    """A video whose points are known, and which frames of it train the first network."""

    name: str
    choices: tuple[str, ...]
    first: tuple[str, ...]  # how extract-frames chooses the first frames
    halves: bool  # whether the video has two parts that differ

    def make(self, folder: Path, seed: int, arguments: argparse.Namespace) -> tuple[Path, Truth]:
        """Write the video, unless it is there, and return it and its truth."""
        if self.name == "pool":
            return pool(folder / "pool.mp4", arguments.data / OPENFIELD)
        video, what = folder / "mouse.mp4", (arguments.frames, 240, 320, seed, arguments.frames // 2)
        return video, true_keypoints(*what) if video.is_file() else generate_video(video, *what)


EXPERIMENTS = {
    "animal": Experiment(
        "animal", ("random", "uncertain", "jump", "arima", "ensemble"), ("stop=0.5", "selector=kmeans"), True
    ),
    "pool": Experiment("pool", ("random", "uncertain", "ensemble"), ("selector=uniform",), False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--experiments", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--choices", nargs="+", choices=[*CONTROLS, *LOOSER], help="instead of the usual ones")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--frames", type=int, default=3000, help="of the animal's video")
    parser.add_argument("--first", type=int, default=40, help="frames that train the first network")
    parser.add_argument("--added", type=int, default=20, help="frames that are added to them")
    parser.add_argument("--steps", type=int, default=200, help="of the first training")
    parser.add_argument("--steps-again", type=int, default=200, help="of the second training")
    parser.add_argument("--members", type=int, default=3, help="networks of the ensemble, the first included")
    parser.add_argument("--network", nargs="+", default=["backbone=efficientnet_lite0"], help="options of dlc train")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "dlc-active-learning")
    parser.add_argument("--result", type=Path, default=RESULT)
    arguments = parser.parse_args()
    runs = measured_already(arguments)
    for name in arguments.experiments:
        experiment = EXPERIMENTS[name]
        choices = [one for one in arguments.choices or experiment.choices if name == "animal" or suits_a_pool(one)]
        for seed in arguments.seeds:
            known = {run["choice"] for run in runs if (run["experiment"], run["seed"]) == (name, seed)}
            for run in rounds(experiment, [one for one in choices if one not in known], seed, arguments):
                runs.append(run)
                print(json.dumps(run), flush=True)
                write(arguments, runs)


def suits_a_pool(choice: str) -> bool:
    """Tell whether a choice of frames makes sense where frames that follow each other are unrelated."""
    return choice not in ("jump", "arima")


def rounds(
    experiment: Experiment, choices: list[str], seed: int, arguments: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Train the first network of a seed, unless that was done, and yield one round of the loop for each choice."""
    if not choices:
        return
    folder = arguments.work / f"{experiment.name}-{seed}"
    done = folder / "before.json"
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    video, truth = experiment.make(folder, seed, arguments)
    if not done.is_file():
        done.write_text(json.dumps(first_networks(experiment, folder, video, truth, seed, arguments)))
    start = json.loads(done.read_text())
    if start["config"] != config_of(arguments):
        raise SystemExit(f"{folder} holds networks of other budgets: {start['config']}. Give another --work folder.")
    for choice in choices:
        place = shutil.copytree(folder / "project", fresh(folder / choice), symlinks=True)
        yield {
            "experiment": experiment.name,
            "seed": seed,
            "choice": choice,
            "before": start["errors"],
            **one_round(experiment, place, choice, truth, seed, start, arguments),
        }
        shutil.rmtree(place)


def first_networks(
    experiment: Experiment, folder: Path, video: Path, truth: Truth, seed: int, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Make a project, label its first frames, train the first networks on them and analyse the video with each."""
    bodyparts = ",".join(truth.names)
    dlc(folder, "create-project", experiment.name, "truth", video, "--copy-videos", "--bodyparts", bodyparts)
    (made,) = folder.glob(f"{experiment.name}-truth-*")
    project = made.rename(folder / "project")
    dlc(project, "extract-frames", f"n={arguments.first + 1}", f"seed={seed}", *experiment.first)
    frames = project / "labeled-data" / video.stem
    names = label(frames, "truth", truth)
    test = names[seed % len(names)]
    (folder / "test.txt").write_text(f"{frames.name}/{test}\n")
    create_dataset(project, folder)
    for member in range(arguments.members):
        run = f"first{member}"
        trained = train(project, run, seed + 100 * member, arguments.steps, arguments)
        found = analyzed(project, run, video.name)
        if not member:
            snapshot = str(Path(trained["snapshot"]).relative_to(project))
            errors = errors_of(found, truth, existing_frames(frames), experiment.halves)
    return {"config": config_of(arguments), "video": video.name, "snapshot": snapshot, "errors": errors}


def one_round(
    experiment: Experiment,
    project: Path,
    choice: str,
    truth: Truth,
    seed: int,
    start: dict[str, Any],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Add frames to a copy of the first project, train on from its network, and return what became of the errors."""
    started = time.monotonic()
    video = project / "videos" / start["video"]
    frames = project / "labeled-data" / video.stem
    before = existing_frames(frames)
    if choice in CONTROLS:
        dlc(project, "extract-frames", f"selector={CONTROLS[choice]}", f"n={arguments.added}", f"seed={seed + 1000}")
        label(frames, "truth", truth)
        config = project / "config.yaml"  # as merging does
        config.write_text(config.read_text().replace("iteration: 0", "iteration: 1"))
        thresholds = []
    else:
        thresholds = extract_outliers(project, choice, video, before, seed, arguments)
        refine(Project.open(project), video.stem, truth)
        dlc(project, "merge")
    create_dataset(project, project.parent)
    train(project, "second", seed, arguments.steps_again, arguments, f"init_weights={project / start['snapshot']}")
    found = analyzed(project, "second", video.name)
    new = existing_frames(frames) - before
    return {
        "after": errors_of(found, truth, before | new, experiment.halves),
        "new_frames": sorted(new),
        "thresholds": thresholds,
        "wall_s": round(time.monotonic() - started, 1),
    }


def extract_outliers(
    project: Path, detector: str, video: Path, before: set[int], seed: int, arguments: argparse.Namespace
) -> list[str]:
    """Extract the wanted number of outlier frames and return the thresholds that were needed."""
    frames, used = project / "labeled-data" / video.stem, []
    words = [f"detector={detector}", "run=first0", f"seed={seed}", "plotting=false", "--yes"]
    if detector == "ensemble":
        words.append("ensemble=[" + ",".join(f"first{member}" for member in range(1, arguments.members)) + "]")
    option, values = LOOSER[detector]
    for value in values:
        missing = arguments.added - len(existing_frames(frames) - before)
        if not missing:
            break
        used.append(f"{option}={value}")
        dlc(project, "extract-outliers", video, *words, used[-1], f"n={missing}")
    return used


def create_dataset(project: Path, folder: Path) -> None:
    dlc(project, "create-dataset", "split.method=file", f"split.file={folder / 'test.txt'}")


def train(project: Path, run: str, seed: int, steps: int, arguments: argparse.Namespace, *more: str) -> dict[str, Any]:
    """Train and return what the command reports."""
    words = [*arguments.network, f"training.steps={steps}", f"training.save_iters={steps}", f"seed={seed}"]
    return dlc(project, "train", *words, f"run={run}", "training.best_on_test=false", *more)


def analyzed(project: Path, run: str, video: str) -> Path:
    """Analyse the project's video and return the store with the poses of all its frames."""
    (done,) = dlc(project, "analyze", f"videos/{video}", f"run={run}", "exporter=[]")["videos"]
    return project / done["store"]


def errors_of(poses: Path, truth: Truth, labelled: set[int], halves: bool) -> dict[str, dict[str, float]]:
    """Return the errors over all frames, those without labels, and perhaps both halves of the video, in pixels."""
    apart = errors_px(poses, truth)
    frames = np.arange(len(apart))
    parts = {"all": frames >= 0, "unlabelled": ~np.isin(frames, sorted(labelled))}
    if halves:
        parts |= {"first_half": frames < len(apart) // 2, "second_half": frames >= len(apart) // 2}
    return {
        name: {
            "mean_px": round(mean_error(apart[part]), 3),
            "median_px": round(float(np.nanmedian(apart[part])), 3),
            "within_5px": round(float(pck(apart[part], [5.0])[0]), 4),
        }
        for name, part in parts.items()
    }


def pool(video: Path, labels: Path) -> tuple[Path, Truth]:
    """Write labelled images as the frames of a video without loss, unless it is there, and return it and the labels."""
    table = read_csv(labels)
    if not video.is_file():
        images = [cv2.imread(str(labels.parent / Path(name).name))[..., ::-1] for name in table.images]
        with VideoWriter(video, 30.0, *images[0].shape[:2], quality=0) as writer:
            for image in images:
                writer.write(np.ascontiguousarray(image))
    return video, Truth(table.keypoints.astype(np.float32), table.bodyparts, (), ())


def dlc(folder: Path, *words: object) -> dict[str, Any]:
    """Run a command there and return what it prints as JSON, if it can."""
    verb, *rest = map(str, words)
    as_json = [] if verb == "create-project" else ["--json"]
    command = [sys.executable, "-m", "dlc_core", verb, *as_json, *rest]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout) if as_json else {}
    return found


def fresh(folder: Path) -> Path:
    """Return a path at which there is nothing any more."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def config_of(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in BUDGETS}


def measured_already(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the runs in the result file, which must be of the same budgets."""
    if not arguments.result.is_file():
        return []
    stored = json.loads(arguments.result.read_text())
    if stored["config"] != config_of(arguments):
        raise SystemExit(f"{arguments.result} is of other budgets: {stored['config']}. Give another --result.")
    runs: list[dict[str, Any]] = stored["runs"]
    return runs


def write(arguments: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    write_result(
        arguments.result,
        ("torch", "timm", "pytorch-lightning", "statsmodels"),
        config=config_of(arguments),
        mean_px={name: table(name, runs) for name in EXPERIMENTS if any(run["experiment"] == name for run in runs)},
        runs=runs,
    )


def table(experiment: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return median and range over the seeds of the error over all frames, before and after each choice."""
    mine = [run for run in runs if run["experiment"] == experiment]
    rows = {"before": list({run["seed"]: run["before"]["all"]["mean_px"] for run in mine}.values())}
    for run in mine:
        rows.setdefault(run["choice"], []).append(run["after"]["all"]["mean_px"])
    return {
        name: {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
        for name, values in rows.items()
    }


if __name__ == "__main__":
    main()
