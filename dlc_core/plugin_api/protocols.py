"""What a component of each kind must be able to do.

These are protocols: a component needs no base class of ours. The kit (`dlc_core.plugin_api.testing`) checks them,
with one behavioural check per kind.

Arrays everywhere: keypoints are x, y in pixels, x to the right, y down, the centre of a pixel at integer coordinates,
NaN where absent; likelihood is in [0, 1]; a single animal is an axis of individuals of length 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from dlc_core.data.structures import AugmentedSample
    from dlc_core.filtering.structures import Track
    from dlc_core.inference.pose_file import PoseFile
    from dlc_core.model.structures import Features, Labels, LossTerm, Poses
    from dlc_core.outliers.structures import DetectorInput, FrameScores
    from dlc_core.video.crop import Crop
    from dlc_core.video.reader import VideoReader


@runtime_checkable
class Backbone(Protocol):
    """A `torch.nn.Module` that turns images into feature maps.

    Attributes
    ----------
    channels, strides : tuple of int
        Of the maps it returns, finest first; strides in network-input pixels per cell.
    mean, std : tuple of 3 float
        RGB values in [0, 1] by which the caller normalises: ``(rgb / 255 - mean) / std``.
    size_multiple : int
        Height and width of the input are padded (right, bottom) to a multiple of this.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size_multiple: int

    def __call__(self, images: Tensor) -> Features:
        """Return feature maps of `images`, (B, 3, H, W) float, already normalised; a map has ceil(H / stride) rows."""
        ...


@runtime_checkable
class Head(Protocol):
    """A `torch.nn.Module` that turns feature maps into poses and owns the whole codec: targets, loss, decoding.

    Attributes
    ----------
    window : tuple of int
        Offsets of the frames it looks at; (0,) for one frame, (-1, 0, 1) for three. The pose is that of offset 0.
    views : int
        Number of cameras it looks at together; 1 for all but multi-view heads.
    loss_weights : mapping of str to float
        The weight of each term of `loss` in the sum that is minimised.
    cell_offset : float
        Where in network-input pixels the first cell of its finest map lies; stored in every snapshot.
    keypoint_axes : mapping of str to int, optional
        Name of a parameter to the axis whose channels stand for keypoints, each keypoint with the same number of
        consecutive ones. With it, ``init_weights`` takes a head's weights keypoint by keypoint, by name.
    """

    window: tuple[int, ...]
    views: int
    loss_weights: Mapping[str, float]
    cell_offset: float

    def __call__(self, features: Features) -> Any:
        """Return the outputs, a dataclass of tensors of the head's own."""
        ...

    def targets(self, labels: Labels, image_size: tuple[int, int]) -> Any:
        """Return what to learn from `labels` in inputs of (height, width) pixels, on the labels' device."""
        ...

    def counts(self, targets: Any) -> Mapping[str, Tensor]:
        """Return the count of every term that `loss` will return, () float tensors; called before the forward pass."""
        ...

    def loss(self, outputs: Any, targets: Any) -> Mapping[str, LossTerm]:
        """Return un-normalised sums with their counts; see `dlc_core.model.structures.LossTerm`."""
        ...

    def decode(self, outputs: Any, image_size: tuple[int, int] | Tensor) -> Poses:
        """Return poses in network-input pixels; cells beyond `image_size` are padding and never chosen.

        `image_size` is (height, width), or a (B, 2) int64 tensor where a batch was padded to its largest image.
        """
        ...


@runtime_checkable
class SampleAugmenter(Protocol):
    """Changes one training image of any size and its keypoints; the image becomes one of `output_size` pixels.

    Attributes
    ----------
    stage : "sample"
    """

    stage: str

    def __call__(
        self, images: NDArray[np.uint8], keypoints: NDArray[np.float32], generator: np.random.Generator
    ) -> AugmentedSample:
        """Return the augmented sample.

        Parameters
        ----------
        images : (T, H, W, 3) uint8, RGB
            The frames of the window, T = 1 for most heads. Parameters are drawn once and applied to every frame.
        keypoints : (I, K, 2) float32
            Pixels of `images`, NaN where absent.
        generator : numpy.random.Generator
            Made from (seed, step, sample index): the only source of randomness.
        """
        ...


@runtime_checkable
class BatchAugmenter(Protocol):
    """Changes a whole batch, on the device; the images went through the plain preprocessing warp before.

    Attributes
    ----------
    stage : "batch"
    """

    stage: str

    def __call__(
        self, images: Tensor, keypoints: Tensor, generators: Sequence[np.random.Generator]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return images, keypoints and matrices.

        Parameters
        ----------
        images : (B, 3, H, W) uint8
        keypoints : (B, I, K, 2) float32
            Pixels of `images`, NaN where absent.
        generators : sequence of B numpy.random.Generator
            One a sample, made from (seed, step, sample index): the only source of randomness.

        Returns
        -------
        images : (B, 3, H, W) uint8
        keypoints : (B, I, K, 2) float32, NaN for a point that has left the image
        matrices : (B, 3, 3) float32, old pixels to new pixels
        """
        ...


Augmenter = SampleAugmenter | BatchAugmenter


@runtime_checkable
class FrameSelector(Protocol):
    """Chooses the frames of a video that are worth labelling."""

    def select(
        self,
        video: VideoReader,
        candidates: NDArray[np.int64],
        n: int,
        crop: Crop | None,
        generator: np.random.Generator,
    ) -> NDArray[np.int64]:
        """Return `n` of the candidates, or all of them if there are fewer.

        Parameters
        ----------
        video : VideoReader
            Open, full frame.
        candidates : (m,) int64
            Sorted, unique frame indices.
        n : int
            How many NEW frames are wanted; frames that exist already are no candidates.
        crop : Crop or None
            The part of the frame that matters.
        generator : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        (min(n, m),) int64
            A sorted, unique subset of `candidates`.
        """
        ...


@runtime_checkable
class OutlierDetector(Protocol):
    """Scores how likely the pose of each frame is wrong.

    Attributes
    ----------
    needs : frozenset of str
        A subset of {"video", "labels", "ensemble", "out_of_fold"}: what must be there besides the poses.
    """

    needs: frozenset[str]

    def score(self, poses: DetectorInput) -> FrameScores:
        """Return one score a frame and the threshold above (or below) which a frame is an outlier."""
        ...


@runtime_checkable
class Exporter(Protocol):
    """Writes poses in a file format.

    It may offer ``read(path) -> PoseFile`` as well, and ``target(poses, path) -> Path`` if its file is not named like
    the pose store.

    Attributes
    ----------
    suffix : str
        Of the file it writes, with the dot: ``".h5"``.
    """

    suffix: ClassVar[str]

    def write(self, poses: PoseFile, path: Path) -> list[Path]:
        """Write `poses` to `path` and return every file written; each is written aside and moved into place."""
        ...


@runtime_checkable
class PoseFilter(Protocol):
    """Smooths trajectories, one body part of one animal at a time."""

    def filter(self, track: Track) -> Track:
        """Return the smoothed track, of the same length; that of the argument stays as it is.

        Parameters
        ----------
        track : Track
            ``points`` (frames, 2) float64 in pixels, NaN where absent, ``likelihood`` (frames,) float32, and ``fps``,
            NaN when unknown. There is at least one frame; there may be no point at all.

        Returns
        -------
        Track
            Points may be added where there were none, and NaN where there is nothing to say. The likelihood stays in
            [0, 1]; built-in filters leave it as the network gave it. A `RuntimeWarning` is shown to the user once,
            with the body parts that it concerns.
        """
        ...
