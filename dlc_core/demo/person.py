"""A person who knows the truth: labels frames and corrects machine labels, as somebody would in the browser.

Demo, notebooks, tests and benchmarks run every other step of the protocol as users do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from dlc_core.data.neighbours import frame_index
from dlc_core.demo.generate import Truth
from dlc_core.errors import DataError
from dlc_core.frames.frame_files import read_crops
from dlc_core.labels.files import save_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.refine.editing import Edit, RefineEditor


def label(folder: Path, scorer: str, truth: Truth, names: Sequence[str] | None = None) -> list[str]:
    """Label frames with their true points and return their names; labels of other frames stay.

    Parameters
    ----------
    folder : Path
        A folder below ``labeled-data`` with ``img<number>.png``.
    scorer : str
        Who labels.
    truth : Truth
        Of the whole video; a point that is NaN is not labelled.
    names : sequence of str or None
        The images; None for all of the folder.

    Raises
    ------
    DataError
        There is no image, or one of a frame that the video does not have.
    """
    if names is None:
        names = sorted(path.name for path in folder.glob("img*.png"))
    if not names:
        raise DataError(f"there is no frame to label in {folder}. Run `dlc extract-frames` first.")
    images = tuple(f"labeled-data/{folder.name}/{name}" for name in names)
    save_labels(LabelTable(scorer, images, truth.names, _in_images(truth, folder, names)), folder)
    return list(names)


def refine(project: Project, folder: str, truth: Truth) -> list[str]:
    """Move every machine label of the current iteration to its true point, mark the frames as done, return their names.

    Parameters
    ----------
    project : Project
        Its iteration says which machine labels are meant.
    folder : str
        Name of a folder below ``labeled-data``, that of the video.
    truth : Truth
        Of the whole video; a point that is NaN is removed.

    Raises
    ------
    DataError
        The folder has no machine labels, or a frame that the video does not have.
    """
    with RefineEditor.open(project, folder) as editor:
        names = [PurePosixPath(image).name for image in editor.images]
        points = _in_images(truth, project.labeled_data / folder, names)[:, 0]
        for image, row in zip(editor.images, points, strict=True):
            there = dict(zip(truth.names, row.tolist(), strict=True))
            gone = tuple(name for name, point in there.items() if not np.isfinite(point).all())
            placed = {name: tuple(point) for name, point in there.items() if name not in gone}
            editor.apply(Edit(image=image, set=placed, unset=gone, done=project.config.pcutoff))
    return names


def _in_images(truth: Truth, folder: Path, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the true points of some images, (images, 1, keypoints, 2), in pixels of the image files."""
    indices = [frame_index(name) for name in names]
    if max(indices, default=0) >= len(truth.keypoints):
        raise DataError(
            f"{folder} holds frame {max(indices)}; the video whose points are known has {len(truth.keypoints)} frames. "
            "Give the truth of the video that the frames were taken from."
        )
    crops = read_crops(folder)
    corners = np.array([crops[name].offset() if name in crops else (0.0, 0.0) for name in names])
    points: NDArray[np.float64] = truth.keypoints[indices].astype(np.float64) - corners.reshape(-1, 1, 1, 2)
    return points
