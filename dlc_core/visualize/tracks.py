"""Which points of a pose file are drawn, under which name and in which colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc_core.colors import keypoint_colors
from dlc_core.errors import ConfigError, suggest
from dlc_core.skeleton import Skeleton


@dataclass(frozen=True)
class Tracks:
    """The points to draw, one after the other.

    Parameters
    ----------
    names : tuple of str
        Body part, or individual and body part when there are several individuals.
    individuals, keypoints : (tracks,) int64
        Where each point is on the axes of a pose file.
    colors : (tracks, 3) uint8
        RGB; a body part has the same colour whichever others are drawn.
    edges : tuple of (int, int)
        Tracks that are joined by a line.
    """

    names: tuple[str, ...]
    individuals: NDArray[np.int64]
    keypoints: NDArray[np.int64]
    colors: NDArray[np.uint8]
    edges: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.names)

    def of(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return keypoints (frames, I, K, 2) or likelihoods (frames, I, K) as (frames, tracks, ...) float64."""
        return values[:, self.individuals, self.keypoints].astype(np.float64)


def choose_tracks(skeleton: Skeleton, bodyparts: str | Sequence[str] = "all", colormap: str = "hsv") -> Tracks:
    """Return the tracks of some body parts.

    Parameters
    ----------
    skeleton : Skeleton
        Of the pose file.
    bodyparts : str or sequence of str
        ``all``, a name, or names.
    colormap : str
        One of Matplotlib's.

    Raises
    ------
    ConfigError
        A name is no body part; near names are suggested.
    """
    wanted = [bodyparts] if isinstance(bodyparts, str) else list(bodyparts)
    if wanted == ["all"]:
        wanted = list(skeleton.keypoints)
    for name in wanted:
        if name not in skeleton.keypoints:
            raise ConfigError(
                f"displayedbodyparts has {name!r}, which is no body part here. "
                f"{suggest(str(name), skeleton.keypoints)}Known: all, {', '.join(skeleton.keypoints)}."
            )
    if not wanted:
        raise ConfigError("displayedbodyparts is empty; name at least one body part, or all.")
    pairs = [
        (i, k)
        for i in range(len(skeleton.individuals))
        for k, name in enumerate(skeleton.keypoints)
        if name in wanted and skeleton.exists[i, k]
    ]
    where = {pair: track for track, pair in enumerate(pairs)}
    edges = [
        (where[i, a], where[i, b])
        for i in range(len(skeleton.individuals))
        for a, b in skeleton.edge_indices()
        if (i, a) in where and (i, b) in where
    ]
    several = len(skeleton.individuals) > 1
    names = [
        f"{skeleton.individuals[i]} {skeleton.keypoints[k]}" if several else skeleton.keypoints[k] for i, k in pairs
    ]
    places = np.array(pairs, np.int64).reshape(-1, 2)
    colors = keypoint_colors(len(skeleton.keypoints), colormap)[places[:, 1]]
    return Tracks(tuple(names), places[:, 0], places[:, 1], colors, tuple(edges))
