import cv2
import numpy as np
import pytest

from dlc_core.colors import keypoint_colors
from dlc_core.evaluation.plots import Style, draw_comparison

NAMES = ("snout", "ohr (links) äöü", "$tail$")
STYLE = Style(NAMES, keypoint_colors(3), dotsize=16, alphavalue=1.0, pcutoff=0.5)
NOWHERE = np.full((1, 3, 2), np.nan)
SURE = np.ones((1, 3))


def image_of(height=300, width=400):
    return np.full((height, width, 3), 128, np.uint8)


def points(x, y, part=0):
    array = NOWHERE.copy()
    array[0, part] = x, y
    return array


def shape_at(picture, x, y, half=7):
    """Return which pixels around (x, y) are not background."""
    patch = picture[y - half : y + half + 1, x - half : x + half + 1].astype(int)
    return np.abs(patch - 128).max(axis=-1) > 60


def scale_of(picture, image):
    return picture.shape[0] / image.shape[0]


@pytest.mark.parametrize(("size", "scale"), [((900, 1200), 1.0), ((300, 450), 2.0), ((60, 80), 4.0)])
def test_small_images_are_enlarged_and_the_legend_is_added_to_the_right(size, scale):
    image = image_of(*size)
    picture = draw_comparison(image, NOWHERE, NOWHERE, SURE, STYLE)
    assert scale_of(picture, image) == scale
    assert picture.shape[1] > scale * size[1] + 50
    assert picture.dtype == np.uint8


def test_human_points_are_plus_signs_confident_ones_discs_and_uncertain_ones_crosses():
    image = image_of(900, 1200)
    human = shape_at(draw_comparison(image, points(200, 300), NOWHERE, SURE, STYLE), 200, 300)
    sure = shape_at(draw_comparison(image, NOWHERE, points(200, 300), SURE, STYLE), 200, 300)
    unsure = shape_at(draw_comparison(image, NOWHERE, points(200, 300), 0.2 * SURE, STYLE), 200, 300)
    middle, corner = (7, 1), (3, 3)
    assert human[middle]
    assert not human[corner]
    assert unsure[corner]
    assert not unsure[middle]
    assert sure[4, 4]  # within a disc of radius 6.8, outside both signs' arms
    assert sure[7, 2]
    assert sure.sum() > human.sum()


@pytest.mark.parametrize("likelihood", [1.0, 0.0])
def test_marks_grow_with_an_image_that_is_enlarged_and_never_vanish(likelihood):
    def width(image, dotsize):
        style = Style(NAMES, keypoint_colors(3), dotsize=dotsize, alphavalue=1.0, pcutoff=0.5)
        picture = draw_comparison(image, NOWHERE, points(40, 30), likelihood * SURE, style)
        scale = scale_of(picture, image)
        inside = np.abs(picture[:, : round(scale * image.shape[1])].astype(int) - 128).max(axis=-1) > 60
        return np.ptp(np.flatnonzero(inside.any(axis=0))) + 1

    small, large = image_of(60, 80), image_of(900, 1200)
    assert width(small, 12) > 2.5 * width(large, 12)  # 4 times, but for the rim
    assert width(large, 0.1) >= 4


def test_a_mark_lies_where_the_point_is_after_enlarging():
    image = image_of(60, 80)
    picture = draw_comparison(image, points(40.25, 30.5), NOWHERE, SURE, STYLE)
    weight = np.abs(picture[:, : 80 * 4].astype(float) - 128).sum(axis=-1)
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    centre = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    np.testing.assert_allclose(centre, 4 * (np.array([40.25, 30.5]) + 0.5) - 0.5, atol=0.15)


def test_the_legend_shows_every_colour():
    picture = draw_comparison(image_of(), NOWHERE, NOWHERE, SURE, STYLE)
    legend = picture[:, 900:].astype(int)
    for color in STYLE.colors.astype(int):
        assert (np.abs(legend - color).max(axis=-1) < 10).sum() > 20


def test_many_body_parts_still_fit_into_the_height_of_the_picture():
    names = tuple(f"part {index}" for index in range(40))
    style = Style(names, keypoint_colors(40), alphavalue=1.0)
    nothing = np.full((1, 40, 2), np.nan)
    picture = draw_comparison(image_of(200, 400), nothing, nothing, np.ones((1, 40)), style)
    legend = cv2.cvtColor(picture[:, 900:], cv2.COLOR_RGB2GRAY)
    assert (legend[-6:] > 250).all()  # nothing is cut off at the bottom
