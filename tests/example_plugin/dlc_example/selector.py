"""Frames at a regular distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError
from dlc_core.plugin_api import Crop, VideoReader


class EveryNth:
    """Every nth candidate; if these are too few, evenly spread ones.

    Parameters
    ----------
    nth : int
        Distance in candidates.

    Raises
    ------
    ConfigError
        `nth` is below 1.
    """

    def __init__(self, nth: int) -> None:
        if nth < 1:
            raise ConfigError(f"selector.nth={nth}; a distance of at least 1 is needed.")
        self.nth = nth

    def select(
        self,
        video: VideoReader,  # noqa: ARG002 - other selectors look at the frames
        candidates: NDArray[np.int64],
        n: int,
        crop: Crop | None,  # noqa: ARG002
        generator: np.random.Generator,  # noqa: ARG002
    ) -> NDArray[np.int64]:
        """Return min(n, candidates) frame indices, sorted."""
        n = min(n, len(candidates))
        regular = candidates[:: self.nth][:n]
        if len(regular) == n:
            return regular
        return candidates[np.linspace(0, len(candidates) - 1, n).round().astype(np.int64)]
