"""DeepLabCut's table of poses: one row a frame, columns (scorer, bodyparts, coords) with x, y, likelihood.

With several individuals there is a fourth level, (scorer, individuals, bodyparts, coords). Pairs of individual and
keypoint that do not exist have no columns.

**Which pixels.** A `PoseFile` is always in full-frame pixels. DeepLabCut's files of a cropped analysis are in the
pixels of the crop, and its own functions add x1 and y1 from ``_meta.pickle`` again; so our tables are shifted the
same way when they are written, and back when they are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseBlock, PoseFile
from dlc_core.skeleton import SINGLE_ANIMAL, Skeleton

from .meta import TableMeta

BLOCK = 16384
"""Frames in memory at once while writing."""

COORDS = ("x", "y", "likelihood")
ANOTHER = "Take it from a copy, or analyze the video again."
"""What helps with a table that cannot be read: where there is a store, that is read instead."""


def table_columns(scorer: str, skeleton: Skeleton) -> pd.MultiIndex:
    """Return the columns, with names as Python strings (object dtype), so that older versions of pandas read them."""
    several = len(skeleton.individuals) > 1
    rows = [
        (scorer, *((individual,) if several else ()), keypoint, coordinate)
        for i, individual in enumerate(skeleton.individuals)
        for k, keypoint in enumerate(skeleton.keypoints)
        if skeleton.exists[i, k]
        for coordinate in COORDS
    ]
    names = ["scorer", *(["individuals"] if several else []), "bodyparts", "coords"]
    levels = [pd.Index(list(level), dtype=object) for level in zip(*rows, strict=True)]
    return pd.MultiIndex.from_arrays(levels, names=names)


def table_blocks(poses: PoseFile, scorer: str) -> Iterator[pd.DataFrame]:
    """Yield the table in parts of `BLOCK` rows: float32 values, int64 frame indices."""
    columns = table_columns(scorer, poses.skeleton)
    offset = np.zeros(2, np.float32) if poses.crop is None else poses.crop.offset().astype(np.float32)
    for block in poses.blocks(frames=BLOCK):
        values = _block_values(block, offset, poses.skeleton.exists)
        yield pd.DataFrame(values, columns=columns, index=pd.RangeIndex(block.start, block.start + len(values)))


def _block_values(block: PoseBlock, offset: NDArray[np.float32], exists: NDArray[np.bool_]) -> NDArray[np.float32]:
    both = np.concatenate([block.keypoints - offset, block.likelihood[..., None]], axis=-1)
    chosen: NDArray[np.float32] = both[:, exists]
    return chosen.reshape(len(chosen), -1)


def poses_from_table(table: pd.DataFrame, path: Path, meta: TableMeta) -> PoseFile:
    """Return the poses of a table of predictions.

    Frames that the table leaves out are NaN. A table without likelihoods (tracks that a person proofread) counts as
    certain: likelihood 1 where there is a point, 0 elsewhere.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns (scorer, bodyparts, coords) or (scorer, individuals, bodyparts, coords); the index holds frame indices.
    path : Path
        Where it comes from, for messages.
    meta : TableMeta
        Whose pixels the table is in, and what else is known of the video.

    Raises
    ------
    DataError
        It is not such a table.
    """
    frames = _frame_indices(table, path)
    names = [str(name) for name in table.columns.names]
    if names not in (["scorer", "bodyparts", "coords"], ["scorer", "individuals", "bodyparts", "coords"]):
        raise DataError(f"{path} has columns {names}; expected scorer, bodyparts, coords. Is it a table of poses?")
    scorers = table.columns.get_level_values("scorer").unique()
    if len(scorers) != 1:
        raise DataError(f"{path} holds {len(scorers)} scorers: {', '.join(map(str, scorers))}; expected one.")
    count = int(frames.max()) + 1 if len(frames) else 0
    columns = [
        (str(column[1]) if len(names) == 4 else SINGLE_ANIMAL, str(column[-2]), str(column[-1]))
        for column in table.columns
    ]
    individuals = tuple(dict.fromkeys(column[0] for column in columns))
    keypoints = tuple(dict.fromkeys(column[1] for column in columns))
    values = np.full((count, len(individuals), len(keypoints), 3), np.nan, np.float32)
    exists = np.zeros((len(individuals), len(keypoints)), bool)
    scored = False
    try:
        numbers = table.to_numpy(np.float32)
    except (ValueError, TypeError) as exc:
        raise DataError(
            f"{path} holds something that is no number ({exc}). Correct the file or export it again."
        ) from exc
    for j, (individual, keypoint, coordinate) in enumerate(columns):
        i, k = individuals.index(individual), keypoints.index(keypoint)
        if coordinate not in COORDS:
            raise DataError(f"{path} has a column {coordinate!r}; expected x, y, likelihood. Is it a table of poses?")
        values[frames, i, k, COORDS.index(coordinate)] = numbers[:, j]
        exists[i, k] = True
        scored |= coordinate == "likelihood"
    points: NDArray[np.float32] = values[..., :2]
    likelihood = values[..., 2] if scored else np.asarray(np.isfinite(points).all(axis=-1), np.float32)
    if meta.crop is not None:
        points = np.add(points, meta.crop.offset(), dtype=np.float32)
    skeleton = Skeleton(keypoints=keypoints, individuals=individuals, exists=exists)
    return PoseFile.from_arrays(points, likelihood, skeleton, scorer=str(scorers[0]), path=path, **meta.known())


def _frame_indices(table: pd.DataFrame, path: Path) -> NDArray[np.int64]:
    try:
        frames = np.asarray(table.index, np.float64)
        whole = bool((frames == np.floor(frames)).all() and (frames >= 0).all())
    except (ValueError, TypeError):
        whole = False
    if not whole or table.index.nlevels > 1:
        raise DataError(
            f"{path} is indexed by {table.index[0]!r}, not by frame numbers: "
            "it is a table of labels, not of a video's poses."
        )
    if table.index.has_duplicates:
        raise DataError(f"{path} holds frame {table.index[table.index.duplicated()][0]} twice. {ANOTHER}")
    return frames.astype(np.int64)
