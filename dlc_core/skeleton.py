"""What an animal is made of: the names of its keypoints, how they are joined, which mirror each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, suggest

SINGLE_ANIMAL = "single"


@dataclass(frozen=True)
class Skeleton:
    """Names of keypoints and individuals, in the order of the axes of every array of this project.

    Parameters
    ----------
    keypoints : tuple of str
        Names of the body parts, unique.
    edges : tuple of (str, str)
        Pairs of body parts to be joined by a line.
    symmetric : tuple of (str, str)
        Pairs that swap their places when the image is mirrored (left ear, right ear).
    individuals : tuple of str
        One name for a single-animal project.
    exists : (individuals, keypoints) bool or None
        Which individual has which keypoint; None means that every individual has them all. Pairs that do not exist
        are NaN and are never trained, counted or exported.

    Raises
    ------
    ConfigError
        A name occurs twice, an edge or pair uses an unknown name, or a body part is in two symmetric pairs.
    """

    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...] = ()
    symmetric: tuple[tuple[str, str], ...] = ()
    individuals: tuple[str, ...] = (SINGLE_ANIMAL,)
    exists: NDArray[np.bool_] = field(default=None, compare=False)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        for what, names in (("body part", self.keypoints), ("individual", self.individuals)):
            if not names:
                raise ConfigError(f"there is no {what}; at least one is needed. Add it to config.yaml.")
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ConfigError(f"{what} {twice[0]!r} is listed twice; names must be unique. Rename one.")
        for what, pairs in (("skeleton edge", self.edges), ("symmetric pair", self.symmetric)):
            for name in (name for pair in pairs for name in pair if name not in self.keypoints):
                raise ConfigError(
                    f"the {what} {list(pairs)} names {name!r}, which is no body part. "
                    f"{suggest(name, self.keypoints)}Known: {', '.join(self.keypoints)}."
                )
        _require_disjoint(self.symmetric)
        shape = (len(self.individuals), len(self.keypoints))
        exists = np.ones(shape, bool) if self.exists is None else np.asarray(self.exists, bool)
        if exists.shape != shape:
            raise ConfigError(f"`exists` has shape {exists.shape}, expected (individuals, keypoints) = {shape}.")
        exists.flags.writeable = False
        object.__setattr__(self, "exists", exists)

    def edge_indices(self) -> list[tuple[int, int]]:
        """Return the edges as pairs of indices on the keypoint axis."""
        return _as_indices(self.keypoints, self.edges)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as lists and strings, which JSON and a checkpoint can hold."""
        return {
            "keypoints": list(self.keypoints),
            "edges": [list(edge) for edge in self.edges],
            "symmetric": [list(pair) for pair in self.symmetric],
            "individuals": list(self.individuals),
            "exists": self.exists.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return the skeleton that `to_dict` wrote."""
        return cls(
            keypoints=tuple(stored["keypoints"]),
            edges=tuple((a, b) for a, b in stored["edges"]),
            symmetric=tuple((a, b) for a, b in stored["symmetric"]),
            individuals=tuple(stored["individuals"]),
            exists=np.asarray(stored["exists"], bool),
        )

    def mirrored_order(self) -> NDArray[np.int64]:
        """Return the order of keypoints in a mirrored image.

        Returns
        -------
        (keypoints,) int64
            ``mirrored[..., i, :] = original[..., order[i], :]``: the identity but for the symmetric pairs.
        """
        order = np.arange(len(self.keypoints), dtype=np.int64)
        for i, j in _as_indices(self.keypoints, self.symmetric):
            order[i], order[j] = j, i
        return order


def _require_disjoint(pairs: Sequence[tuple[str, str]]) -> None:
    """Raise if a body part would have to change places with two others, or with itself."""
    members = [name for pair in pairs for name in pair]
    twice = next((name for name in members if members.count(name) > 1), None)
    if twice is not None:
        found = " and ".join(str(list(pair)) for pair in pairs if twice in pair)
        raise ConfigError(
            f"the body part {twice!r} stands twice in the symmetric pairs, in {found}; each may be in one pair, with "
            "another one. Correct symmetric_bodyparts in config.yaml."
        )


def _as_indices(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    where = {name: index for index, name in enumerate(names)}
    return [(where[a], where[b]) for a, b in pairs]
