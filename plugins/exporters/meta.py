"""DeepLabCut's ``_meta.pickle`` beside a table of poses: above all, whose pixels the table is in."""

from __future__ import annotations

import math
import pickle
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.errors import DataError
from dlc_core.files import replacing
from dlc_core.foreign_pickles import read_pickle
from dlc_core.inference.pose_file import PoseFile
from dlc_core.video.crop import Crop

SUFFIX = "_meta.pickle"
ELSEWHERE = "copy the .zarr folder to another disk and name that place with `dlc export destfolder=`"
"""What a user can do who cannot write beside the video."""

_NUMBER = (int, float, np.integer, np.floating)


@dataclass(frozen=True)
class TableMeta:
    """What the metadata of a table says of the video.

    Parameters
    ----------
    crop : Crop or None
        Whose pixels the table is in; None for the full frame.
    fps : float
        NaN when unknown.
    frame_size : (int, int) or None
        Height and width of the full frame.
    """

    crop: Crop | None = None
    fps: float = math.nan
    frame_size: tuple[int, int] | None = None

    def known(self) -> dict[str, Any]:
        """Return the fields by name, as `PoseFile.from_arrays` takes them."""
        return {"crop": self.crop, "fps": self.fps, "frame_size": self.frame_size}


def meta_path(table: Path) -> Path:
    """Return where the metadata of a table is."""
    return table.with_name(table.stem + SUFFIX)


def write_meta(poses: PoseFile, scorer: str, table: Path) -> Path:
    """Write the metadata of `table` with the keys DeepLabCut uses, and return the file."""
    about = poses.attributes
    height, width = poses.frame_size or (0, 0)
    crop = poses.crop or (Crop(0, width, 0, height) if width else None)
    project = about.get("project", {})
    started, finished = (float(about.get(key) or 0.0) for key in ("started", "finished"))
    data: dict[str, Any] = {
        "start": started,
        "stop": finished,
        "run_duration": finished - started,
        "Scorer": scorer,
        "pytorch-config": {
            "run": about.get("run", ""),
            "snapshot": about.get("snapshot", ""),
            "precision": about.get("precision", ""),
            "python": platform.python_version(),
        },
        "fps": poses.fps if not math.isnan(poses.fps) else 0.0,
        "batch_size": about.get("batch_size", 1),
        "frame_dimensions": (width, height),
        "nframes": poses.frame_count,
        "iteration (active-learning)": project.get("iteration", 0),
        "training set fraction": project.get("training_fraction", 0.0),
        "cropping": poses.crop is not None,
        "cropping_parameters": [crop.x1, crop.x2, crop.y1, crop.y2] if crop else [0, 0, 0, 0],
        "individuals": list(poses.skeleton.individuals),
        "bodyparts": list(poses.skeleton.keypoints),
        "unique_bodyparts": [],
    }
    if made_by := about.get("filter"):  # DeepLabCut's own metadata of filtered tables do not say it
        data["filter"] = dict(made_by)
    path = meta_path(table)
    with replacing(path, ELSEWHERE) as temporary:
        temporary.write_bytes(pickle.dumps({"data": data}, protocol=4))
    return path


def read_meta(table: Path) -> TableMeta:
    """Return what the metadata beside a table says; nothing of it is known where there is none.

    Raises
    ------
    DataError
        The metadata cannot be understood.
    """
    path = meta_path(table)
    if not path.is_file():
        return TableMeta()
    try:
        data = read_pickle(path, skip_foreign=True)["data"]
        crop = Crop(*(int(value) for value in data["cropping_parameters"])) if data["cropping"] else None
        fps, (width, height) = data.get("fps"), data.get("frame_dimensions", (0, 0))
        known = isinstance(width, _NUMBER) and width > 0 and crop is None  # of a crop, DeepLabCut keeps its size
        return TableMeta(
            crop=crop,
            fps=float(fps) if isinstance(fps, _NUMBER) and fps > 0 else math.nan,
            frame_size=(int(height), int(width)) if known else None,
        )
    except (KeyError, TypeError, ValueError, IndexError) as exc:  # DataError is a ValueError
        raise DataError(
            f"{path} cannot be read ({exc}); it says whose pixels {table.name} is in. "
            "Export the table again, or remove this file if no crop was analysed."
        ) from exc
