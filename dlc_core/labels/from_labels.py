"""Make a project from labelled images that belong to none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlc_core.console import progress
from dlc_core.errors import DataError
from dlc_core.labels.compact import say_conflicts, snapshot
from dlc_core.labels.files import read_csv, write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles
from dlc_core.project.create import AnyPath, copy_file, new_project, write_config
from dlc_core.project.project import Project


def project_from_labels(
    csv: AnyPath,
    name: str | None = None,
    experimenter: str | None = None,
    working_directory: AnyPath = ".",
) -> Project:
    """Make a project from labelled images that belong to none, and return it; the images are copied.

    Images that lie directly in ``labeled-data/``, or beside the table, go to ``labeled-data/<folder>/``, where folder
    is the one that holds the table.

    Parameters
    ----------
    csv : path-like
        A label table as DeepLabCut writes it, perhaps with a journal of edits beside it; its images are looked for from
        its folder upwards.
    name, experimenter : str or None
        Task and scorer; None for the name of the table's folder, and for the table's scorer.
    working_directory : path-like
        Where the project's folder is made.

    Raises
    ------
    DataError
        The table cannot be read, or an image is missing.
    ProjectError
        The project exists.
    """
    file = Path(csv).absolute()
    table = _with_edits(file)
    sources = _sources(file, table.images)
    task, person = name or file.parent.name, experimenter or table.scorer
    images = tuple(_inside_project(image, file.parent.name) for image in table.images)
    renamed = LabelTable(person, images, table.bodyparts, table.keypoints)
    with new_project(task, person, working_directory, table.bodyparts) as (root, final):
        with progress("copying", len(sources), "images") as advance:
            for source, image in zip(sources, images, strict=True):
                copy_file(source, root / image)
                advance(1)
        for folder in renamed.folders():
            place = f"labeled-data/{folder}/"
            write_labels(renamed.select(image for image in images if image.startswith(place)), root / place)
        write_config(root, final, task, person, {}, table.bodyparts)
    return Project.open(final)


def _with_edits(csv: Path) -> LabelTable:
    """Return the labels in a csv, with the edits of the journal that belongs to it."""
    table = read_csv(csv)
    files = LabelFiles(csv.parent, table.scorer)
    if csv != files.csv or not files.journal.exists():
        return table
    state = snapshot(files)
    say_conflicts(files, state.conflicts)
    return files.table(state.frames)


def _sources(csv: Path, images: Sequence[str]) -> list[Path]:
    """Return where the images of a table lie: below the folder of the table or one above it, or beside the table."""
    for folder in csv.parents:
        found = [folder / image for image in images]
        if any(path.is_file() for path in found):
            break
    else:
        found = [csv.parent / image.rsplit("/", 1)[-1] for image in images]
    missing = [path for path in found if not path.is_file()]
    if missing or not images:
        raise DataError(
            f"{csv} labels {len(images)} images; {len(missing)} of them are not there, the first is "
            f"{missing[0] if missing else 'none at all'}. Put the images where the table says, from its folder on."
        )
    return found


def _inside_project(image: str, folder: str) -> str:
    """Return an image's name as ``labeled-data/<folder>/<file>``, made from the folders it has, else from `folder`."""
    *folders, file = image.split("/")
    inner = [part for part in folders if part != "labeled-data"]
    return f"labeled-data/{'_'.join(inner) or folder}/{file}"
