"""Where the cells of a map lie in the network input; what targets, losses and decoding of a dense head have in common.

A cell outside the image never counts: targets are made for the cells inside, decoding looks at no others, so padding is
neither trained nor chosen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_EDGE = 0.5  # the image reaches this far beyond the centre of its last pixel


@dataclass(frozen=True)
class CellGrid:
    """Cell i of a map lies at ``stride * i + offset`` network-input pixels, along x and along y.

    Parameters
    ----------
    stride : int
        Network-input pixels per cell.
    offset : float
        Where the first cell lies.
    """

    stride: int
    offset: float

    def cells_inside(self, length: int) -> int:
        """Return how many cells lie inside an image of `length` pixels along one axis, at least 1."""
        return max(1, math.floor((length - _EDGE - self.offset) / self.stride) + 1)

    def centres(self, count: int, device: torch.device | str | None = None) -> Tensor:
        """Return the (count,) float32 positions of the first `count` cells along one axis, in network-input pixels."""
        return torch.arange(count, device=device, dtype=torch.float32) * self.stride + self.offset

    def displacements(self, points: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Return how far each point is from each cell inside the image.

        Parameters
        ----------
        points : (..., 2) float32
            x, y in network-input pixels; NaN stays NaN.
        image_size : (int, int)
            Height and width.

        Returns
        -------
        (..., 2, h, w) float32
            Point minus cell, x then y, in network-input pixels.
        """
        rows, columns = (self.centres(self.cells_inside(length), points.device) for length in image_size)
        dx = points[..., 0, None] - columns
        dy = points[..., 1, None] - rows
        shape = (*points.shape[:-1], len(rows), len(columns))
        return torch.stack([dx[..., None, :].expand(shape), dy[..., :, None].expand(shape)], dim=-3)

    def nearest(self, points: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Return the cell inside the image that is nearest to each point.

        Returns
        -------
        (..., h, w) bool
            True for one cell a point, for none if the point is NaN.
        """
        known = torch.isfinite(points).all(-1)
        marks = []
        for axis, length in ((1, image_size[0]), (0, image_size[1])):
            count = self.cells_inside(length)
            index = ((torch.nan_to_num(points[..., axis]) - self.offset) / self.stride).round().clamp(0, count - 1)
            marks.append(torch.arange(count, device=points.device) == index[..., None])
        rows, columns = marks
        return rows[..., :, None] & columns[..., None, :] & known[..., None, None]

    def at_cells(self, mask: Tensor, image_size: tuple[int, int]) -> Tensor:
        """Return the value of a pixel mask at each cell inside the image: (B, H, W) to (B, h, w)."""
        rows, columns = (self.centres(self.cells_inside(n), mask.device).long().clamp(max=n - 1) for n in image_size)
        return mask[:, rows[:, None], columns]

    def peaks(self, scores: Tensor, image_size: tuple[int, int] | Tensor) -> Tensor:
        """Return the cell with the highest score of each map, among those inside the image.

        Parameters
        ----------
        scores : (B, K, h, w) float
        image_size : (int, int) or (B, 2) int64 tensor
            Height and width of the image, of each image if they differ in a padded batch.

        Returns
        -------
        (B, K) int64
            ``row * w + column``.
        """
        height, width = scores.shape[-2:]
        if not isinstance(image_size, Tensor):
            rows, columns = (self.cells_inside(length) for length in image_size)
            rows, columns = min(rows, height), min(columns, width)
            best = scores[..., :rows, :columns].flatten(2).argmax(-1)
            return best // columns * width + best % columns
        limits = image_size.to(scores.device)
        row = self._inside(height, limits[:, 0])
        column = self._inside(width, limits[:, 1])
        allowed = (row[:, :, None] & column[:, None, :])[:, None]
        return scores.masked_fill(~allowed, -torch.inf).flatten(2).argmax(-1)

    def positions(self, cells: Tensor, width: int) -> Tensor:
        """Return where cells lie in network-input pixels.

        Parameters
        ----------
        cells : (...) int64
            ``row * width + column``.
        width : int
            Cells in a row of the map.

        Returns
        -------
        (..., 2) float32
            x, y.
        """
        return torch.stack([cells % width, cells // width], dim=-1).float() * self.stride + self.offset

    def _inside(self, count: int, lengths: Tensor) -> Tensor:
        inside = self.centres(count, lengths.device) <= lengths[:, None] - _EDGE
        inside[:, 0] = True
        return inside
