import matplotlib
import numpy as np
import pytest

from dlc_core.colors import keypoint_colors, named_color
from dlc_core.errors import ConfigError


@pytest.mark.parametrize("colormap", ["hsv", "viridis", "rainbow"])
def test_every_body_part_has_a_colour_of_its_own(colormap):
    colors = keypoint_colors(20, colormap)
    assert colors.shape == (20, 3)
    assert colors.dtype == np.uint8
    assert len(np.unique(colors, axis=0)) == 20
    first, last = colors[0].astype(int), colors[-1].astype(int)
    assert np.abs(first - last).max() > 40  # also in the cyclic map


def test_a_single_body_part_has_the_colour_in_the_middle_of_the_map():
    np.testing.assert_array_equal(
        keypoint_colors(1, "viridis")[0], np.rint(255 * np.array(matplotlib.colormaps["viridis"](0.5)[:3]))
    )


def test_an_unknown_colormap_is_answered_with_near_names():
    with pytest.raises(ConfigError, match="'viridis'"):
        keypoint_colors(3, "virdis")


def test_colours_by_name_and_code_are_matplotlibs():
    assert named_color("black") == (0, 0, 0)
    assert named_color("#ff8000") == (255, 128, 0)
    with pytest.raises(ConfigError, match="'black'"):
        named_color("blakc")
