"""What the head `deconv` learns and how its maps become points: one object for both, so they cannot drift apart.

References
----------
Insafutdinov et al. (2016), DeeperCut: score maps within a radius, location refinement and its Huber loss.
Mathis et al. (2018), DeepLabCut, methods; the numbers (17 px, 7.2801, 0.05) are those of its ``pose_cfg.yaml``. The
Gaussian target, of standard deviation 2/3 of the radius, is that of DeepLabCut 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dlc_core.errors import ConfigError
from dlc_core.model.grid import CellGrid
from dlc_core.model.structures import Labels, Poses

from . import check_target

_GAUSSIAN_SD_PER_RADIUS = 2 / 3


@dataclass(frozen=True)
class ScoremapTarget:
    """What a score map is to look like, at the cells inside the image.

    Parameters
    ----------
    values : (B, K, h, w) float32
        In [0, 1].
    trained : (B, K, h, w) bool
        False for maps of keypoints without a label and for ignored cells.
    """

    values: Tensor
    trained: Tensor


@dataclass(frozen=True)
class DeconvTargets:
    """What the head learns from a batch.

    Parameters
    ----------
    scoremap : ScoremapTarget
    locref : (B, K, 2, h, w) float32
        Keypoint minus cell over `locref_stdev`; 0 where not trained.
    locref_trained : (B, K, h, w) bool
        Cells within the radius of a labelled keypoint.
    intermediate : ScoremapTarget or None
        For the map of intermediate supervision.
    """

    scoremap: ScoremapTarget
    locref: Tensor
    locref_trained: Tensor
    intermediate: ScoremapTarget | None = None


@dataclass(frozen=True)
class DeconvCodec:
    """Labels to targets and maps to poses.

    Parameters
    ----------
    target : str
        ``"disc"``: 1 within the radius, score = sigmoid of the map. ``"gaussian"``: standard deviation 2/3 of the
        radius, score = the map clipped to [0, 1].
    radius : float
        ``pos_dist_thresh``, in network-input pixels. The cell nearest to a label is always within it.
    locref_stdev : float
        Unit of the location refinement, in network-input pixels.
    absent : tuple of int
        Indices of keypoints that the individual does not have.
    """

    target: str
    radius: float
    locref_stdev: float
    absent: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_target(self.target)
        for option, value in (("pos_dist_thresh", self.radius), ("locref_stdev", self.locref_stdev)):
            if not value > 0:
                raise ConfigError(f"head.{option}={value}; a number of pixels above 0 is needed.")

    def encode(self, labels: Labels, image_size: tuple[int, int], grid: CellGrid) -> DeconvTargets:
        """Return targets at the cells inside the image. No label, nothing trained."""
        points = self._labelled(labels)
        scoremap, within, displacement = self._scoremap(points, labels, image_size, grid)
        trained = within & scoremap.trained
        locref = torch.where(trained[:, :, None], displacement / self.locref_stdev, 0.0)
        return DeconvTargets(scoremap, locref, trained)

    def encode_scoremap(self, labels: Labels, image_size: tuple[int, int], grid: CellGrid) -> ScoremapTarget:
        """Return the target of a score map alone, for intermediate supervision."""
        return self._scoremap(self._labelled(labels), labels, image_size, grid)[0]

    def decode(self, scoremap: Tensor, locref: Tensor, image_size: tuple[int, int] | Tensor, grid: CellGrid) -> Poses:
        """Return the point that the best cell inside the image votes for.

        Parameters
        ----------
        scoremap : (B, K, h, w) float
            Logits for ``disc``, values for ``gaussian``.
        locref : (B, 2 K, h, w) float
            x, y of each keypoint in turn, over `locref_stdev`.
        image_size : (int, int) or (B, 2) int64 tensor
            Height and width without padding.
        grid : CellGrid
            Of these maps.

        References
        ----------
        Mathis et al. (2018): position = cell + stdev x refinement at the maximum of the score map.
        """
        keypoints, width = scoremap.shape[1], scoremap.shape[-1]
        # Logits in half precision saturate less than their sigmoids, so the maximum is looked for before the sigmoid.
        cells = grid.peaks(scoremap, image_size)
        best = scoremap.flatten(2).gather(2, cells[..., None])[..., 0].float()
        votes = locref.reshape(len(locref), keypoints, 2, -1)
        vote = votes.gather(3, cells[..., None, None].expand(-1, -1, 2, 1))[..., 0].float()
        points = grid.positions(cells, width) + self.locref_stdev * vote
        likelihood = best.sigmoid() if self.target == "disc" else best.clamp(0, 1)
        if self.absent:
            points[:, self.absent], likelihood[:, self.absent] = torch.nan, 0.0
        return Poses(keypoints=points[:, None], likelihood=likelihood[:, None])

    def _labelled(self, labels: Labels) -> Tensor:
        """Return (B, K, 2) keypoints of the only individual, NaN unless they train something."""
        points = labels.keypoints[:, 0].float()
        points = torch.where(labels.visible[:, 0, :, None], points, torch.nan)
        if self.absent:
            points[:, self.absent] = torch.nan
        return points

    def _scoremap(
        self, points: Tensor, labels: Labels, image_size: tuple[int, int], grid: CellGrid
    ) -> tuple[ScoremapTarget, Tensor, Tensor]:
        displacement = grid.displacements(points, image_size)
        squared = displacement.square().sum(2)
        # A comparison with NaN is False: a keypoint without a label has no cell within the radius.
        within = (squared <= self.radius**2) | grid.nearest(points, image_size)
        if self.target == "disc":
            values = within.float()
        else:
            sd = _GAUSSIAN_SD_PER_RADIUS * self.radius
            values = torch.nan_to_num(torch.exp(-squared / (2 * sd**2)), nan=0.0)
        trained = torch.isfinite(points).all(-1)[..., None, None].expand_as(within)
        if labels.ignore_mask is not None:
            trained = trained & ~grid.at_cells(labels.ignore_mask, image_size)[:, None]
        return ScoremapTarget(values, trained), within, displacement
