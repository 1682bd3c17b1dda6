import matplotlib
import numpy as np
import pytest

from dlc_core.colors import dark_on_white, keypoint_colors, named_color
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


def test_light_colours_are_darkened_for_lines_on_white_and_keep_their_hue():
    colors = np.array([[255, 255, 0], [0, 255, 255], [255, 255, 255], [255, 128, 0], [0, 0, 255], [0, 0, 0]], np.uint8)
    dark = dark_on_white(colors)
    linear = np.where(dark / 255 <= 0.04045, dark / 255 / 12.92, ((dark / 255 + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    assert (contrast > 2.95).all()  # WCAG: 3:1, but for rounding to 8 bits
    np.testing.assert_array_equal(dark[-2:], colors[-2:])
    assert dark[0, 0] == dark[0, 1] > 100 > dark[0, 2] == 0
    assert dark[2, 0] == dark[2, 1] == dark[2, 2]
    assert len(np.unique(dark_on_white(keypoint_colors(20)), axis=0)) == 20
