"""The head of DeepLabCut: score map and location refinement, each one transposed convolution on the coarsest map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch.nn.functional as F  # noqa: N812 - PyTorch's own convention
from torch import Tensor, nn

from dlc_core.errors import ConfigError
from dlc_core.model.grid import CellGrid
from dlc_core.model.structures import FeatureInfo, Features, Labels, LossTerm, Poses
from dlc_core.skeleton import Skeleton

from .deconv_codec import DeconvCodec, DeconvTargets, ScoremapTarget

# Share of cells expected to be positive before anything is learnt: Lin et al. (2017), Focal loss, section 4.1.
_PRIOR = 0.01
_INITIAL_SD = 0.001


@dataclass(frozen=True)
class DeconvOutputs:
    """Maps of the head; from n cells of a feature map come 2 n + 1.

    Parameters
    ----------
    scoremap : (B, K, h, w) float
        Logits for the target ``disc``, values for ``gaussian``.
    locref : (B, 2 K, h, w) float
        x, y of each keypoint in turn: where it is seen from the cell, over `locref_stdev`.
    intermediate : (B, K, h', w') float or None
        The score map of intermediate supervision; it takes no part in decoding.
    """

    scoremap: Tensor
    locref: Tensor
    intermediate: Tensor | None = None


class DeconvHead(nn.Module):
    """Score map and location refinement for one animal.

    Parameters
    ----------
    features : FeatureInfo
        Maps of the backbone; the last is used, and the last but one for intermediate supervision.
    skeleton : Skeleton
        Its keypoints are the channels.
    target : str
        ``"disc"`` (cross-entropy, score = sigmoid) or ``"gaussian"`` (squared error, score = clipped value).
    pos_dist_thresh : float
        Radius in network-input pixels within which a cell belongs to a keypoint.
    locref_stdev : float
        Unit of the location refinement in network-input pixels.
    locref_weight : float
        Weight of the location refinement; the score map has weight 1.
    intermediate_supervision : bool
        Train one more score map on the last map but one, with weight 1. The backbone must give two maps:
        ``backbone.out_indices=[-2,-1]``.

    Raises
    ------
    ConfigError
        An option is out of range, the backbone gives too few maps, or the project has several animals.

    References
    ----------
    Mathis et al. (2018), DeepLabCut, Nature Neuroscience 21; Insafutdinov et al. (2016), DeeperCut.
    """

    codec: DeconvCodec
    window = (0,)
    views = 1
    keypoint_axes: Mapping[str, int] = {
        f"{branch}.{parameter}": axis
        for branch in ("scoremap", "locref", "intermediate")
        for parameter, axis in (("weight", 1), ("bias", 0))
    }
    """Which axis of which parameter holds the keypoints, for starting from a network of other keypoints."""

    def __init__(
        self,
        features: FeatureInfo,
        skeleton: Skeleton,
        target: str = "disc",
        pos_dist_thresh: float = 17.0,
        locref_stdev: float = 7.2801,
        locref_weight: float = 0.05,
        intermediate_supervision: bool = False,
    ) -> None:
        super().__init__()
        if len(skeleton.individuals) > 1:
            raise ConfigError(
                f"the head deconv finds one animal and the project has {len(skeleton.individuals)} "
                f"({', '.join(skeleton.individuals)}). Choose a head for several animals."
            )
        if intermediate_supervision and len(features.channels) < 2:
            raise ConfigError(
                f"head.intermediate_supervision=true needs two maps and the backbone gives {len(features.channels)}. "
                "Add backbone.out_indices=[-2,-1], or set head.intermediate_supervision=false."
            )
        keypoints = len(skeleton.keypoints)
        absent = tuple(index for index, exists in enumerate(skeleton.exists[0]) if not exists)
        self.codec = DeconvCodec(target, pos_dist_thresh, locref_stdev, absent)
        self.grid = _grid(features.strides[-1])
        self.cell_offset = self.grid.offset
        self.scoremap = _upsampling(features.channels[-1], keypoints, target)
        self.locref = _upsampling(features.channels[-1], 2 * keypoints)
        self.loss_weights: Mapping[str, float] = {"scoremap": 1.0, "locref": float(locref_weight)}
        self.intermediate: nn.Module | None = None
        if intermediate_supervision:
            self.intermediate = _upsampling(features.channels[-2], keypoints, target)
            self.intermediate_grid = _grid(features.strides[-2])
            self.loss_weights = {**self.loss_weights, "intermediate": 1.0}

    def forward(self, features: Features) -> DeconvOutputs:
        """Return the maps."""
        last = features.maps[-1]
        intermediate = self.intermediate(features.maps[-2]) if self.intermediate is not None else None
        return DeconvOutputs(self.scoremap(last), self.locref(last), intermediate)

    def targets(self, labels: Labels, image_size: tuple[int, int]) -> DeconvTargets:
        """Return what to learn, for the cells inside images of (height, width) pixels."""
        targets = self.codec.encode(labels, image_size, self.grid)
        if self.intermediate is None:
            return targets
        if self.intermediate_grid == self.grid:
            return replace(targets, intermediate=targets.scoremap)
        return replace(targets, intermediate=self.codec.encode_scoremap(labels, image_size, self.intermediate_grid))

    def counts(self, targets: DeconvTargets) -> dict[str, Tensor]:
        """Return the number of trained elements of each term: cells of score maps, twice the cells of refinements."""
        counts = {
            "scoremap": targets.scoremap.trained.sum().float(),
            "locref": 2 * targets.locref_trained.sum().float(),
        }
        if targets.intermediate is not None:
            counts["intermediate"] = targets.intermediate.trained.sum().float()
        return counts

    def loss(self, outputs: DeconvOutputs, targets: DeconvTargets) -> dict[str, LossTerm]:
        """Return cross-entropy or squared error of the score maps, and Huber's loss of the refinement, as sums."""
        height, width = targets.locref.shape[-2:]
        refined = outputs.locref[..., :height, :width].float().reshape(targets.locref.shape)
        error = F.huber_loss(refined, targets.locref, reduction="none") * targets.locref_trained[:, :, None]
        totals = {"scoremap": self._scoremap_loss(outputs.scoremap, targets.scoremap), "locref": error.sum()}
        if targets.intermediate is not None and outputs.intermediate is not None:
            totals["intermediate"] = self._scoremap_loss(outputs.intermediate, targets.intermediate)
        counts = self.counts(targets)
        return {term: LossTerm(total, counts[term]) for term, total in totals.items()}

    def decode(self, outputs: DeconvOutputs, image_size: tuple[int, int] | Tensor) -> Poses:
        """Return poses in network-input pixels; `image_size` is (height, width) or, for a padded batch, (B, 2)."""
        return self.codec.decode(outputs.scoremap, outputs.locref, image_size, self.grid)

    def _scoremap_loss(self, scoremap: Tensor, target: ScoremapTarget) -> Tensor:
        height, width = target.values.shape[-2:]
        inside = scoremap[..., :height, :width].float()
        if self.codec.target == "disc":
            error = F.binary_cross_entropy_with_logits(inside, target.values, reduction="none")
        else:
            error = (inside - target.values).square()
        total: Tensor = (error * target.trained).sum()
        return total


def _grid(feature_stride: int) -> CellGrid:
    """Return where the cells of a map lie that was made twice as fine: at stride 8, cell i at 8 i + 4."""
    if feature_stride % 2:
        raise ConfigError(
            f"the head deconv needs a map of even stride and the backbone's has stride {feature_stride}. "
            "Choose a coarser one by backbone.out_indices."
        )
    stride = feature_stride // 2
    return CellGrid(stride, stride / 2)


def _upsampling(channels: int, outputs: int, target: str = "") -> nn.ConvTranspose2d:
    """Return a transposed convolution from n to 2 n + 1 cells; for a disc it starts from a small probability."""
    layer = nn.ConvTranspose2d(channels, outputs, kernel_size=3, stride=2)
    nn.init.normal_(layer.weight, std=_INITIAL_SD)
    nn.init.constant_(layer.bias, -math.log((1 - _PRIOR) / _PRIOR) if target == "disc" else 0.0)  # type: ignore[arg-type]
    return layer
