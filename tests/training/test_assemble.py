"""What the program chooses where nobody did."""

from __future__ import annotations

import pytest

from dlc_core.geometry import Preprocessing
from dlc_core.training.assemble import automatic_scale


@pytest.mark.parametrize(
    ("sizes", "scale"),
    [
        ([(240, 320)], 1.0),
        ([(360, 480)], 0.6667),
        ([(480, 640)], 0.5),
        ([(1080, 1920)], 0.5),
        ([(300, 400)], 0.8),
        ([], 1.0),
    ],
)
def test_small_images_keep_their_detail_and_large_ones_are_halved(sizes, scale):
    assert automatic_scale(sizes, 1500) == scale


@pytest.mark.parametrize("limit", [1500, 700, 333])
@pytest.mark.parametrize("size", [(3072, 4096), (2160, 3840), (1081, 1923)])
def test_the_median_image_is_never_scaled_to_one_that_is_left_out(size, limit):
    sizes = [size, (240, 320), (5000, 5000)]
    chosen = Preprocessing(automatic_scale(sizes, limit), max_input_size=limit)
    assert chosen.accepts(*size)
