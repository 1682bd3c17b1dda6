"""A person who knows the truth: labels frames, as somebody would in the browser.

Demo, notebooks, tests and benchmarks run every other step of the protocol as users do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlc_core.data.neighbours import frame_index
from dlc_core.demo.generate import Truth
from dlc_core.errors import DataError
from dlc_core.labels.files import save_labels
from dlc_core.labels.table import LabelTable


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
    indices = [frame_index(name) for name in names]
    if max(indices) >= len(truth.keypoints):
        raise DataError(
            f"{folder} holds frame {max(indices)}; the video whose points are known has {len(truth.keypoints)} frames. "
            "Give the truth of the video that the frames were taken from."
        )
    images = tuple(f"labeled-data/{folder.name}/{name}" for name in names)
    points = truth.keypoints[indices].astype(np.float64)
    save_labels(LabelTable(scorer, images, truth.names, points), folder)
    return list(names)
