"""Machine labels that wait: of this iteration to be refined, and of others, which nobody asks for."""

from __future__ import annotations

from pathlib import Path

from dlc_core.console import counted
from dlc_core.errors import DataError
from dlc_core.labels.compact import snapshot
from dlc_core.labels.files import folders_of_frames
from dlc_core.labels.machine import machine_file, machine_tables, read_machine
from dlc_core.labels.table_files import LabelFiles
from dlc_core.project.project import Project


def waiting_elsewhere(project: Project) -> str:
    """Return how many frames without labels have machine labels of other iterations, in words; "" if there are none.

    A table that cannot be read is named.
    """
    waiting: dict[int, dict[str, int]] = {}
    unreadable = []
    tables = [(folder, iteration) for folder in folders_of_frames(project) for iteration in machine_tables(folder)]
    for folder, iteration in tables:
        if iteration == project.iteration:
            continue
        try:
            number = _without_labels(project, machine_file(folder, iteration))
        except DataError as exc:
            unreadable.append(str(exc))
            continue
        if number:
            waiting.setdefault(iteration, {})[folder.name] = number
    said = [_said(project.iteration, iteration, folders) for iteration, folders in sorted(waiting.items())]
    return " ".join([*said, *unreadable])


def waiting_here(project: Project) -> int:
    """Return how many frames without labels have machine labels of this iteration; raises DataError if unreadable."""
    files = (machine_file(folder, project.iteration) for folder in folders_of_frames(project))
    return sum(_without_labels(project, file) for file in files if file.is_file())


def _without_labels(project: Project, file: Path) -> int:
    """Return how many frames of a machine table have an image and no labels."""
    labelled = snapshot(LabelFiles(file.parent, project.scorer)).frames.rows
    images = read_machine(file).images
    return sum(image not in labelled and (project.root / image).is_file() for image in images)


def _said(now: int, iteration: int, folders: dict[str, int]) -> str:
    number = sum(folders.values())
    where = ", ".join(f"{name} {count}" for name, count in folders.items())
    return (
        f"{counted(number, 'frame')} without labels {'has' if number == 1 else 'have'} machine labels of iteration "
        f"{iteration} ({where}), and config.yaml says iteration: {now}. To refine and merge "
        f"{'it' if number == 1 else 'them'}, set iteration: {iteration}."
    )
