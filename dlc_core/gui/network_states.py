"""How far the steps are that make and use networks: training sets, runs, their errors, analysed videos."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlc_core.console import counted
from dlc_core.errors import DlcError
from dlc_core.gui.step_states import (
    DONE,
    PART,
    READY,
    WAITING,
    Found,
    Item,
    frame_folders,
    labels_changed_s,
    outlier_items,
    summed,
)
from dlc_core.project.project import Project
from dlc_core.project.run_times import LOG
from dlc_core.project.runs import CONFIG, EVALUATION, Run, runs_of
from dlc_core.training.log import read_log

STORE = ".zarr"
_FILTERED = "_filtered"
_PICTURES_SHOWN = 60


def dataset_state(project: Project) -> Found:
    """Return the training sets of this iteration, and whether labels have changed since they were made."""
    files = sorted((project.dataset_folder() / "dlc-core").glob("shuffle-*.json"))
    changed = max((labels_changed_s(folder, project.scorer) for folder in frame_folders(project)), default=0.0)
    if not files:
        return Found(READY, "none in this iteration") if changed else Found(WAITING, "label frames first")
    items = []
    for file in files:
        is_old = file.stat().st_mtime < changed
        items.append(
            Item(
                file.stem.removeprefix("shuffle-"),
                "labels have changed since" if is_old else "up to date",
                PART if is_old else DONE,
            )
        )
    return summed(items, f"{counted(len(items), 'training set')} in iteration {project.iteration}", "")


def training_state(project: Project) -> Found:
    """Return the runs of this iteration, the newest first."""
    runs = list(_runs(project))
    if not runs:
        made = dataset_state(project).state in (DONE, PART)
        return Found(READY, "no network yet") if made else Found(WAITING, "make a training set first")
    items = [_run_item(run) for run in runs]
    done = [item for item in items if item.state == DONE]
    return Found(DONE if done else PART, f"{len(done)} of {counted(len(items), 'network')} trained", tuple(items))


def evaluation_state(project: Project) -> Found:
    """Return the errors of the runs of this iteration."""
    items = []
    for run in _runs(project):
        if not run.snapshots():
            continue
        results = sorted((run.folder / EVALUATION).glob("*-results.json"), key=lambda file: file.stat().st_mtime)
        pictures = sorted((run.folder / EVALUATION).glob("LabeledImages_*/*.png"))[:_PICTURES_SHOWN]
        text = _errors(results[-1], results[-1].stat().st_mtime_ns) if results else "not evaluated"
        items.append(Item(_named(run), text, DONE if results else READY, tuple(pictures)))
    done = sum(item.state == DONE for item in items)
    return summed(items, f"{done} of {counted(len(items), 'network')} evaluated", "train a network first")


def analysis_state(project: Project) -> Found:
    """Return which videos have poses, and by how many networks."""
    has_network = any(run.snapshots() for run in _runs(project))
    items = []
    for video in project.videos():
        stores = [store for store in _stores(video) if _FILTERED not in store.name]
        complete = [store for store in stores if _frames(store, _grown(store))[0]]
        text = ", ".join(_about(store) for store in stores) or "not analysed"
        items.append(Item(video.name, text, DONE if complete else PART if stores else READY))
    if not has_network and not any(item.state != READY for item in items):
        return Found(WAITING, "train a network first", tuple(items))
    done = sum(item.state == DONE for item in items)
    return summed(items, f"{done} of {counted(len(items), 'video')} analysed", "add a video first")


def filter_state(project: Project) -> Found:
    """Return which videos have filtered poses."""
    return _made_from_poses(
        project, "filtered", lambda video: [store for store in _stores(video) if _FILTERED in store.name]
    )


def plot_state(project: Project) -> Found:
    """Return which videos have plots of their poses."""
    return _made_from_poses(
        project, "plotted", lambda video: sorted((video.parent / "plot-poses" / video.stem).glob("*.png"))
    )


def label_video_state(project: Project) -> Found:
    """Return which videos have a copy with the poses drawn in."""
    return _made_from_poses(
        project, "drawn", lambda video: sorted(_beginning_with(video, "*_labeled.mp4"), key=lambda file: file.name)
    )


def outliers_state(project: Project) -> Found:
    """Return which folders got outlier frames in this iteration."""
    items = tuple(outlier_items(project))
    if items:
        text = f"outliers of {counted(len(items), 'folder')} in iteration {project.iteration}"
        return Found(DONE, text, items)
    analysed = any(_stores(video) for video in project.videos())
    text = f"none in iteration {project.iteration}"
    return Found(READY, text) if analysed else Found(WAITING, "analyse a video first")


def suggestions(project: Project) -> dict[str, list[str]]:
    """Return values that options may have: the runs of this iteration, and the last snapshots of all iterations.

    The newest come first.
    """
    names = [run.name for run in _runs(project)]
    folders = project.models_folder().parent.glob("iteration-*/*-trainset*shuffle*")
    every = sorted((run for folder in folders for run in runs_of(folder)), key=lambda run: run.changed_s, reverse=True)
    saved = [str(run.snapshots()[-1].path) for run in every if run.snapshots()]
    return {"run": names, "init_weights": saved}


def newest_log(project: Project) -> tuple[str, list[dict[str, str]]] | None:
    """Return the name and the log of the run that was trained last, None if there is none."""
    for run in _runs(project):
        if (run.folder / LOG).is_file():
            rows = read_log(run.folder / LOG)
            return (run.name, rows) if rows else None
    return None


def _made_from_poses(project: Project, word: str, find: Any) -> Found:
    items = []
    for video in project.videos():
        if not _stores(video):
            continue
        files = tuple(find(video))
        shown = tuple(file for file in files if file.suffix in (".png", ".mp4"))
        items.append(Item(video.name, word if files else f"not {word}", DONE if files else READY, shown))
    done = sum(item.state == DONE for item in items)
    return summed(items, f"{done} of {counted(len(items), 'analysed video')} {word}", "analyse a video first")


def _runs(project: Project) -> Iterator[Run]:
    """Yield the runs of this iteration, the newest first."""
    folders = sorted(project.models_folder().glob("*-trainset*shuffle*"))
    runs = [run for folder in folders for run in runs_of(folder)]
    yield from sorted(runs, key=lambda run: run.changed_s, reverse=True)


def _run_item(run: Run) -> Item:
    saved, total = run.snapshots(), _total_steps(run.folder / CONFIG)
    logged, errors = _last_row(run.folder / LOG)
    step = max(logged, saved[-1].step if saved else 0)
    of = f" of {total:,}" if total else ""
    text = f"step {step:,}{of}{errors}" if step else "no step yet"
    is_whole = bool(saved) and (total is None or saved[-1].step >= total)
    return Item(_named(run), text, DONE if is_whole else PART)


def _named(run: Run) -> str:
    """Return the run's name with its shuffle, which is part of no name."""
    for parent in run.folder.parents:
        if "shuffle" in parent.name:
            return f"{run.name} (shuffle {parent.name.rpartition('shuffle')[2]})"
    return run.name


def _total_steps(config: Path) -> int | None:
    try:
        return _steps_in(config, config.stat().st_mtime_ns)
    except (OSError, DlcError):
        return None


@functools.lru_cache(maxsize=256)
def _steps_in(config: Path, _changed: int) -> int | None:
    steps = Run(config.parent).config().get("training", {}).get("steps")
    return int(steps) if steps else None


def _last_row(log: Path) -> tuple[int, str]:
    """Return the last step in a log, and the last errors in it as text."""
    step, errors = 0, ""
    try:
        with log.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                step = int(row["step"])
                named = {"test": row.get("test_error_px"), "validation": row.get("validation_error_px")}
                known = [f"{part} error {float(value):.2f} px" for part, value in named.items() if value]
                errors = f", {', '.join(known)}" if known else errors
    except (OSError, ValueError, KeyError, TypeError):  # the last row may be half written
        pass
    return step, errors


@functools.lru_cache(maxsize=256)
def _errors(file: Path, _changed: int) -> str:
    """Return the mean errors in an evaluation's file as text."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        means = {part: stored[part]["mean_px"] for part in ("test", "train", "validation") if part in stored}
    except (OSError, ValueError, KeyError, TypeError):
        return f"{file.name} cannot be read"
    known = [f"{part} error {value:.2f} px" for part, value in means.items() if value is not None]
    return ", ".join([f"step {stored['step']:,}", *known])


def _beginning_with(video: Path, rest: str) -> list[Path]:
    stem = video.stem.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    return [path for path in video.parent.glob(f"{stem}{rest}") if path.name[0] != "."]


def _stores(video: Path) -> list[Path]:
    return sorted(path for path in _beginning_with(video, f"*{STORE}") if _grown(path))


def _grown(store: Path) -> int:
    """Return when the store last got poses or attributes; 0 if it is none."""
    try:
        return max((store / name).stat().st_mtime_ns for name in ("zarr.json", "keypoints"))
    except OSError:
        return 0


@functools.lru_cache(maxsize=256)
def _frames(store: Path, _changed: int) -> tuple[bool, int, str]:
    """Return whether a store is complete, how many frames it holds, and whose it is."""
    from dlc_core.inference.pose_file import PoseFile

    try:
        poses = PoseFile.open(store)
    except DlcError:
        return False, 0, ""
    return poses.complete, poses.frame_count, str(poses.attributes.get("run", poses.scorer))


def _about(store: Path) -> str:
    complete, frames, run = _frames(store, _grown(store))
    return f"{frames:,} frames by {run}" + ("" if complete else ", unfinished")
