"""Cells of a map and pixels of the network input are converted into each other without a shift."""

from __future__ import annotations

import pytest
import torch

from dlc_core.model.grid import CellGrid

STRIDE8 = CellGrid(8, 4.0)


@pytest.mark.parametrize(("length", "cells"), [(4, 1), (5, 1), (12, 1), (13, 2), (448, 56), (450, 56), (453, 57)])
def test_cells_are_inside_if_their_centre_lies_on_a_pixel_of_the_image(length, cells):
    centres = [8 * i + 4 for i in range(100)]
    assert STRIDE8.cells_inside(length) == max(1, sum(centre <= length - 0.5 for centre in centres)) == cells


def test_displacement_is_point_minus_cell_in_x_and_y():
    away = STRIDE8.displacements(torch.tensor([[10.0, 30.0]]), (24, 40))
    assert away.shape == (1, 2, 3, 5)
    assert away[0, :, 2, 1].tolist() == [10 - 12, 30 - 20]


def test_displacement_of_an_absent_point_is_nan():
    away = STRIDE8.displacements(torch.tensor([[torch.nan, torch.nan]]), (24, 40))
    assert bool(away.isnan().all())


def test_the_nearest_cell_is_the_one_with_the_smallest_displacement():
    points = torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([61.0, 45.0]) - 0.5
    nearest = STRIDE8.nearest(points, (45, 61))
    distance = STRIDE8.displacements(points, (45, 61)).square().sum(1)
    assert nearest.flatten(1).sum(1).tolist() == [1] * 200
    assert torch.equal(nearest.flatten(1).float().argmax(1), distance.flatten(1).argmin(1))


def test_an_absent_point_has_no_nearest_cell():
    assert not STRIDE8.nearest(torch.tensor([[torch.nan, 3.0]]), (45, 61)).any()


def test_a_mask_is_read_at_the_centres_of_the_cells():
    mask = torch.zeros(1, 24, 40, dtype=torch.bool)
    mask[0, 12, 20] = True
    cells = STRIDE8.at_cells(mask, (24, 40))
    assert cells.nonzero().tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("size", [(24, 40), torch.tensor([[24, 40]])], ids=["one size", "a size per sample"])
def test_a_peak_in_the_padding_is_not_chosen(size):
    scores = torch.zeros(1, 1, 7, 11)
    scores[0, 0, 2, 5] = 9.0  # x = 44, beyond 40 pixels
    scores[0, 0, 3, 0] = 9.0  # y = 28, beyond 24 pixels
    scores[0, 0, 1, 3] = 1.0
    cells = STRIDE8.peaks(scores, size)
    assert STRIDE8.positions(cells, 11).tolist() == [[[28.0, 12.0]]]


def test_sizes_per_sample_give_what_each_sample_would_give_alone():
    scores = torch.randn(3, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    sizes = torch.tensor([[72, 72], [30, 50], [3, 3]])
    together = STRIDE8.peaks(scores, sizes)
    alone = [STRIDE8.peaks(scores[i : i + 1], (int(h), int(w))) for i, (h, w) in enumerate(sizes)]
    assert torch.equal(together, torch.cat(alone))
