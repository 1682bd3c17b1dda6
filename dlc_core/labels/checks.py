"""What is doubtful about the labels of a project: points outside the image, duplicates, empty frames, odd images."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import counted
from dlc_core.errors import DataError
from dlc_core.geometry import outside
from dlc_core.image_files import bits_in_use, folder_of, odd_sizes, partly_used, read_content, stored_image
from dlc_core.labels.files import check_bodyparts, chosen_folders, label_file, read_folder
from dlc_core.labels.machine import machine_file, read_machine
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

ERRORS = ("unreadable table", "missing image", "unreadable image")
"""Kinds of problem that stop training; the others are only doubtful."""


@dataclass(frozen=True)
class Problem:
    """One thing that is doubtful.

    Parameters
    ----------
    kind : str
        One of `ERRORS`, or ``outside the image``, ``half a point``, ``infinite``, ``same place``, ``same picture``,
        ``another size``, ``fewer than 16 bits``, ``no point``, ``to be refined``, ``unreadable machine labels``,
        ``not labelled``.
    where : str
        The frame, or the folder for a table that cannot be read and for what its images have in common.
    text : str
        What was found, in words.
    """

    kind: str
    where: str
    text: str


@dataclass(frozen=True)
class LabelReport:
    """The labels of a project, counted and checked.

    Parameters
    ----------
    frames, points : int
        Labelled frames, and points that can be trained on.
    points_of : dict of str to int
        Such points of each body part of config.yaml.
    problems : tuple of Problem
        Everything doubtful, folder by folder.
    depths : dict of str to int
        How many bits the 16-bit images of a folder use, ``labeled-data/<folder>`` to bits, for folders with such.
    """

    frames: int
    points: int
    points_of: dict[str, int]
    problems: tuple[Problem, ...]
    depths: dict[str, int] = field(default_factory=dict)

    def kinds(self) -> dict[str, int]:
        """Return how many problems of each kind there are."""
        return dict(Counter(problem.kind for problem in self.problems))


def check(
    project: Project, folders: Sequence[Path] | None = None, advance: Callable[[int], None] = lambda _: None
) -> LabelReport:
    """Return what the labels of a project are worth; nothing is changed, and one bad table does not stop the rest.

    Parameters
    ----------
    project : Project
        The project.
    folders : sequence of Path or None
        Folders below ``labeled-data``; None for all that hold labels.
    advance : callable
        Called with 1 after every folder, for a progress bar.

    Raises
    ------
    DataError
        There are no labels at all.
    """
    chosen = chosen_folders(project, folders)
    problems: list[Problem] = []
    counts = dict.fromkeys(project.config.bodyparts, 0)
    frames = 0
    depths: dict[str, int] = {}
    for folder in chosen:
        advance(1)
        try:
            table = read_folder(folder, project.scorer)
            check_bodyparts(project, table.bodyparts, label_file(folder, project.scorer))
        except DataError as exc:
            problems.append(Problem("unreadable table", folder.name, str(exc)))
            continue
        frames += len(table.images)
        for name, number in zip(table.bodyparts, table.present.sum(axis=(0, 1)), strict=True):
            counts[name] = counts.get(name, 0) + int(number)
        problems += _of_points(table)
        problems += _of_images(project.root, table, depths)
        waiting, found = _to_be_refined(project, folder, table)
        problems += found
        problems += _not_labelled(folder, {*waiting, *table.images})
    used = {name: counts[name] for name in project.config.bodyparts}
    return LabelReport(frames, sum(used.values()), used, tuple(problems), depths)


def _of_points(table: LabelTable) -> Iterator[Problem]:
    """Yield what is wrong with the numbers, whatever the images are."""
    for image, points in zip(table.images, table.keypoints[:, 0], strict=True):
        missing, infinite = np.isnan(points), np.isinf(points)
        if missing.all():
            yield Problem("no point", image, "no body part is labelled; label the frame or remove its row")
        for name, point in _named(table, points, missing.any(axis=1) & ~missing.all(axis=1)):
            yield Problem(
                "half a point", image, f"{name} has x={point[0]:g}, y={point[1]:g}; it counts as not labelled"
            )
        for name, point in _named(table, points, infinite.any(axis=1)):
            yield Problem("infinite", image, f"{name} has x={point[0]:g}, y={point[1]:g}; it counts as not labelled")
        whole = np.isfinite(points).all(axis=1)
        first: dict[tuple[float, ...], str] = {}
        for name, point in _named(table, points, whole):
            other = first.setdefault(tuple(point.tolist()), name)
            if other != name:
                yield Problem("same place", image, f"{other} and {name} are both at {point[0]:g}, {point[1]:g}")


def _of_images(root: Path, table: LabelTable, depths: dict[str, int]) -> Iterator[Problem]:
    """Yield what is wrong with the images, or with the labels on them; add to `depths` what their folder uses."""
    seen: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    highest: dict[str, int] = {}
    for image, points in zip(table.images, table.keypoints[:, 0], strict=True):
        file = root / image
        if not file.is_file():
            yield Problem("missing image", image, f"{file} does not exist; restore it or remove its row")
            continue
        try:
            content = read_content(file)
            pixels = stored_image(content, image)
        except DataError as exc:
            yield Problem("unreadable image", image, str(exc))
            continue
        height, width = sizes[image] = pixels.shape[0], pixels.shape[1]
        if pixels.dtype == np.uint16:
            highest[folder_of(image)] = max(highest.get(folder_of(image), 0), int(pixels.max()))
        for name, point in _named(table, points, outside(points, height, width) & np.isfinite(points).all(axis=1)):
            yield Problem(
                "outside the image",
                image,
                f"{name} is at {point[0]:g}, {point[1]:g}; the image has {width} x {height} pixels",
            )
        twin = seen.setdefault(hashlib.blake2b(content).hexdigest(), image)
        if twin != image:
            yield Problem("same picture", image, f"its image is identical to {twin}")
    for image, text in odd_sizes(sizes).items():
        yield Problem("another size", image, text)
    used = {folder: bits_in_use(value) for folder, value in highest.items()}
    for folder, text in partly_used(used).items():
        yield Problem("fewer than 16 bits", folder, text)
    depths.update(used)


def _to_be_refined(project: Project, folder: Path, table: LabelTable) -> tuple[set[str], list[Problem]]:
    """Return the frames without labels that a network has labelled for a person, and how many there are in words."""
    file = machine_file(folder, project.iteration)
    if not file.is_file():
        return set(), []
    where = f"labeled-data/{folder.name}"
    try:
        waiting = set(read_machine(file).images) - set(table.images)
    except DataError as exc:
        return set(), [Problem("unreadable machine labels", where, str(exc))]
    there = [image for image in waiting if (project.root / image).is_file()]
    if not there:
        return set(), []
    have = "has" if len(there) == 1 else "have"
    text = f"{counted(len(there), 'frame')} {have} a network's labels: dlc refine, then dlc merge"
    return waiting, [Problem("to be refined", where, text)]


def _not_labelled(folder: Path, images: Iterable[str]) -> Iterator[Problem]:
    """Yield the images of a folder that are not among `images`."""
    labelled = {image.rsplit("/", 1)[-1] for image in images}
    for file in sorted(folder.iterdir()):
        is_image = file.suffix.lower() in {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"} and file.name[0] != "."
        if is_image and file.name not in labelled:
            yield Problem("not labelled", f"labeled-data/{folder.name}/{file.name}", "the frame is in no label table")


def _named(
    table: LabelTable, points: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for index in np.flatnonzero(chosen):
        yield table.bodyparts[index], points[index]
