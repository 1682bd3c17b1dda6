"""Frames that look different: small copies of them are clustered, and one frame is taken from each cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import progress
from dlc_core.errors import ConfigError
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

_ENOUGH = 1000  # small frames; more cost time and hardly change the clusters
_BATCH, _MAX_ITERATIONS, _TOLERANCE = 100, 50, 1e-3  # DeepLabCut's settings of MiniBatchKMeans


class Kmeans:
    """One frame from each of n clusters of down-sampled frames, as in DeepLabCut.

    Reading is nearly all of the work, so frames are read once, in order, as luma, and shrunk by area.

    Parameters
    ----------
    step : int or None
        Look at every step-th candidate; None for 500 to 1000 in all.
    resize_width : int
        Width of the small frames in pixels.
    color : bool
        Compare colours and not only brightness.

    Raises
    ------
    ConfigError
        `step` or `resize_width` is below 1.

    References
    ----------
    Nath, Mathis et al. (2019), Using DeepLabCut for 3D markerless pose estimation across species and behaviors, step C.
    Sculley (2010), Web-scale k-means clustering.
    """

    def __init__(self, step: int | None = None, resize_width: int = 30, color: bool = False) -> None:
        if step is not None and step < 1:
            raise ConfigError(
                f"selector.step is {step}; a whole number of at least 1, or null for automatic, is needed."
            )
        if resize_width < 1:
            raise ConfigError(f"selector.resize_width is {resize_width}; at least 1 pixel is needed.")
        self.step = step
        self.resize_width = resize_width
        self.color = color

    def select(
        self,
        video: VideoReader,
        candidates: NDArray[np.int64],
        n: int,
        crop: Crop | None,
        generator: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return min(n, candidates) frame indices, sorted."""
        if n >= len(candidates) or n == 0:
            return candidates[: min(n, len(candidates))]
        looked_at = candidates[:: self._step(len(candidates), n)]
        labels = self._cluster(self._small_frames(video, looked_at, crop), n, generator)
        chosen = [generator.choice(looked_at[labels == label]) for label in np.unique(labels)]
        missing = n - len(chosen)  # clusters that stay empty because frames are alike
        rest = np.setdiff1d(candidates, chosen)
        return np.sort(np.concatenate([chosen, generator.choice(rest, missing, replace=False)]).astype(np.int64))

    def _step(self, candidates: int, n: int) -> int:
        wanted = self.step if self.step is not None else -(-candidates // _ENOUGH)
        return max(1, min(wanted, candidates // n))

    def _small_frames(self, video: VideoReader, indices: NDArray[np.int64], crop: Crop | None) -> NDArray[np.float32]:
        """Return (frames, pixels) float32, the mean frame taken off."""
        height, width = (video.height, video.width) if crop is None else (crop.height, crop.width)
        width_small = min(self.resize_width, width)
        size = max(1, round(height * width_small / width)), width_small
        channels = 3 if self.color else 1
        small = np.empty((len(indices), size[0] * size[1] * channels), np.float32)
        with progress(f"looking at {video.path.name}", len(indices), "frames") as advance:
            for row, image in zip(small, self._images(video, indices, crop, size), strict=True):
                row[:] = image.reshape(-1)
                advance(1)
        small -= small.mean(axis=0)
        return small

    def _images(
        self, video: VideoReader, indices: NDArray[np.int64], crop: Crop | None, size: tuple[int, int]
    ) -> Iterator[NDArray[np.uint8]]:
        return (image for _, image in video.frames(indices.tolist(), crop=crop, gray=not self.color, size=size))

    def _cluster(self, frames: NDArray[np.float32], n: int, generator: np.random.Generator) -> NDArray[np.int64]:
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.exceptions import ConvergenceWarning

        clustering = MiniBatchKMeans(
            n_clusters=n,
            batch_size=_BATCH,
            max_iter=_MAX_ITERATIONS,
            tol=_TOLERANCE,
            n_init=3,
            random_state=int(generator.integers(2**31)),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # frames alike; the caller fills up
            return np.asarray(clustering.fit(frames).labels_, np.int64)
