"""How far each step of a project is, read from its folders; nothing is written, and nothing heavy is computed.

One function a step. Each returns a `Found`: a state, a line, and one `Item` for every video, folder or network.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc_core.console import counted
from dlc_core.errors import DlcError
from dlc_core.frames.frame_files import existing_frames, read_crops
from dlc_core.labels.compact import snapshot, stamp_of
from dlc_core.labels.known_files import file_stamp
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.project import Project

Table = LabelFiles | MachineFiles
DONE, PART, READY, WAITING = "done", "part", "ready", "waiting"
_LARGE, _REST = 500, 20
_SEEN: dict[Table, _Seen] = {}
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True)
class Item:
    """One thing that a step is about.

    Parameters
    ----------
    name : str
        A video, a folder of frames, a network.
    text : str
        How far it is.
    state : {"done", "part", "ready", "waiting"}
    files : tuple of Path
        Pictures and videos to show.
    """

    name: str
    text: str
    state: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Found:
    """How far a step is.

    Parameters
    ----------
    state : {"done", "part", "ready", "waiting"}
        Part: begun, or done with something that has changed since. Ready: it can be done now. Waiting: another step
        comes first.
    text : str
        One line.
    items : tuple of Item
    """

    state: str
    text: str
    items: tuple[Item, ...] = ()


def summed(items: Sequence[Item], text: str, waiting_for: str) -> Found:
    """Return the state of a step from those of what it is about; without anything it waits for another step."""
    if not items:
        return Found(WAITING, waiting_for)
    states = {item.state for item in items}
    if states == {DONE}:
        return Found(DONE, text, tuple(items))
    return Found(PART if states & {DONE, PART} else READY, text, tuple(items))


def project_state(project: Project) -> Found:
    """Return what the project is, and its videos."""
    videos, missing = project.videos(), project.missing_videos()
    items = [
        Item(video.name, f"crop {crop.as_text()}" if crop else "no crop", DONE, ()) for video, crop in videos.items()
    ]
    items += [Item(Path(name).name, "the file is not there", PART) for name in missing]
    parts = counted(len(project.config.bodyparts), "body part")
    text = f"{project.scorer} labels {parts} in {counted(len(videos), 'video')}"
    if not items:
        return Found(PART, f"{text}: add some")
    return Found(PART if missing else DONE, text, tuple(items))


def frames_state(project: Project) -> Found:
    """Return how many frames each video has."""
    items = []
    for video in project.videos():
        folder = project.labeled_data / video.stem
        number = len(existing_frames(folder))
        cropped = sum((folder / name).is_file() for name in read_crops(folder))
        text = counted(number, "frame") + (f", {cropped} of them cropped" if cropped else "")
        items.append(Item(video.name, text, DONE if number else READY))
    others = {video.stem for video in project.videos()}
    for folder in frame_folders(project):
        if folder.name not in others:
            items.append(Item(folder.name, f"{counted(len(_images(folder)), 'frame')}, no video of that name", DONE))
    total = sum(len(_images(folder)) for folder in frame_folders(project))
    return summed(items, f"{counted(total, 'frame')} of {counted(len(items), 'video')}", "add a video first")


def labels_state(project: Project) -> Found:
    """Return how many frames of each folder have labels, the edits of a journal included.

    Outlier frames of this iteration are not counted: they wait to be refined, and get their labels with the merge.
    """
    items, done, total = [], 0, 0
    for folder in frame_folders(project):
        names = {f"labeled-data/{folder.name}/{path.name}" for path in _images(folder)}
        rows = labelled_frames(LabelFiles(folder, project.scorer)) & names
        waiting = labelled_frames(MachineFiles(folder, project.iteration)) - rows
        images = len(names - waiting)
        if not images:
            continue
        done, total = done + len(rows), total + images
        state = DONE if len(rows) >= images else PART if rows else READY
        items.append(Item(folder.name, f"{len(rows)} of {counted(images, 'frame')} labelled", state))
    return summed(items, f"{done} of {counted(total, 'frame')} labelled", "extract frames first")


def check_state(project: Project) -> Found:
    """Return which folders have pictures of their labels that are not older than these."""
    items = []
    for folder in frame_folders(project):
        changed = labels_changed_s(folder, project.scorer)
        if not changed:
            continue
        pictures = sorted(_images(folder.with_name(f"{folder.name}_labeled")))
        is_old = any(picture.stat().st_mtime < changed for picture in pictures)
        text = "labels have changed since" if is_old else counted(len(pictures), "picture") if pictures else "not drawn"
        items.append(Item(folder.name, text, PART if is_old else DONE if pictures else READY, tuple(pictures)))
    drawn = sum(item.state == DONE for item in items)
    return summed(items, f"{drawn} of {counted(len(items), 'folder')} drawn", "label frames first")


def labels_changed_s(folder: Path, scorer: str) -> float:
    """Return when the labels of a folder were last changed, be it in the journal; 0 if there are none."""
    files = LabelFiles(folder, scorer)
    stamps = (file_stamp(files.csv) or file_stamp(files.h5), file_stamp(files.journal))
    return max((stamp[2] / 1e9 for stamp in stamps if stamp), default=0.0)


def refine_state(project: Project) -> Found:
    """Return how many outlier frames of this iteration a person has finished."""
    items, done, total = [], 0, 0
    for folder in frame_folders(project):
        files = MachineFiles(folder, project.iteration)
        if not files.h5.is_file():
            continue
        there = {f"labeled-data/{folder.name}/{path.name}" for path in _images(folder)}
        rows, finished = labelled_frames(files) & there, _finished(files) & there
        if not rows:
            continue
        done, total = done + len(finished), total + len(rows)
        state = DONE if len(finished) >= len(rows) else PART if finished else READY
        items.append(Item(folder.name, f"{len(finished)} of {counted(len(rows), 'frame')} refined", state))
    return summed(items, f"{done} of {counted(total, 'outlier frame')} refined", "extract outlier frames first")


def outlier_items(project: Project) -> list[Item]:
    """Return the folders that got outlier frames in this iteration."""
    files = [MachineFiles(folder, project.iteration) for folder in frame_folders(project)]
    return [
        Item(one.folder.name, counted(len(labelled_frames(one)), "outlier frame"), DONE)
        for one in files
        if one.h5.is_file()
    ]


def merge_state(project: Project) -> Found:
    """Return whether the refined frames of this iteration can join the labels."""
    refined = refine_state(project)
    if refined.state == WAITING:
        text = f"nothing to merge in iteration {project.iteration}"
        return Found(WAITING, text)
    text = f"{refined.text}; merging begins iteration {project.iteration + 1}"
    return Found(READY if refined.state == DONE else WAITING, text, refined.items)


def frame_folders(project: Project) -> list[Path]:
    """Return the folders below ``labeled-data`` that hold frames, those of drawn labels left out, sorted."""
    if not project.labeled_data.is_dir():
        return []
    found = sorted(path for path in project.labeled_data.iterdir() if path.is_dir() and path.name[0] != ".")
    return [path for path in found if not is_drawn(path, found) and _images(path)]


def is_drawn(folder: Path, folders: Iterable[Path]) -> bool:
    """Tell whether a folder holds pictures of another one's labels, and is not that of a video of such a name."""
    name = folder.name.removesuffix("_labeled")
    if name in ("", folder.name) or folder.with_name(name) not in folders:
        return False
    return not any(folder.glob("CollectedData_*"))


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix.lower() in _IMAGES and path.name[0] != "."]


@dataclass(frozen=True)
class _Seen:
    """The frames of a table that have a row, and those that are refined, as they were at a moment."""

    stamp: object
    rows: frozenset[str]
    finished: frozenset[str]
    at_s: float
    took_s: float

    def is_good(self, stamp: object) -> bool:
        """Tell whether it holds still, or is a large table that was read so recently that others would be slowed."""
        rests = len(self.rows) > _LARGE and time.monotonic() - self.at_s < _REST * self.took_s
        return self.stamp == stamp or rests


def labelled_frames(files: Table) -> frozenset[str]:
    """Return the frames that have a row, the edits of a journal included; none of a table in disorder."""
    return _look(files).rows


def _finished(files: Table) -> frozenset[str]:
    return _look(files).finished


def _look(files: Table) -> _Seen:
    """Return what is in a table; nothing of one in disorder: the step that reads it says what is wrong."""
    stamp, seen = stamp_of(files), _SEEN.get(files)
    if seen is None or not seen.is_good(stamp):
        began = time.monotonic()
        try:
            frames = snapshot(files).frames
            rows = frozenset(frames.rows)
            finished = frozenset(image for image, pcutoff in frames.done.items() if pcutoff is not None) & rows
        except DlcError:
            rows = finished = frozenset()
        now = time.monotonic()
        seen = _SEEN[files] = _Seen(stamp, rows, finished, now, now - began)
    return seen
