"""Pictures of labelled frames: marks lie where the labels are."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.labels.draw import DrawingStyle, draw_frame

RED_GREEN = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)


def centre_of(picture: np.ndarray, color: int) -> list[float]:
    """Return the centre of mass of everything that has more of one colour than of the other."""
    weight = np.clip(picture[..., color].astype(float) - picture[..., 1 - color], 0, None)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return [float((weight * x).sum() / weight.sum()), float((weight * y).sum() / weight.sum())]


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_mark_is_centred_on_its_label_at_every_scale(scale: float) -> None:
    points = np.array([[30.25, 40.5], [80.0, 20.75]])
    style = DrawingStyle(RED_GREEN, dotsize=12, alphavalue=1.0, scale=scale)
    picture = draw_frame(np.zeros((100, 120, 3), np.uint8), points, ["a", "b"], style)
    inside = picture[: round(100 * scale), : round(120 * scale)]
    for color in (0, 1):
        expected = (points[color] + 0.5) * scale - 0.5
        # a drawn line snaps to 1/16 px and has whole-pixel thickness
        np.testing.assert_allclose(centre_of(inside, color), expected, atol=0.5)


def test_the_size_of_a_mark_is_dotsize_and_its_opacity_alphavalue() -> None:
    frame = np.full((60, 60, 3), 100, np.uint8)
    for size in (6, 20):
        style = DrawingStyle(RED_GREEN[:1], dotsize=size, alphavalue=1.0)
        changed = (draw_frame(frame, np.array([[30.0, 30.0]]), ["a"], style)[:, :60] != 100).any(axis=-1)
        rows = np.flatnonzero(changed.any(axis=1))
        assert abs((rows.max() - rows.min()) - size) <= 6, "arms, outline and rounding"
    faint = draw_frame(frame, np.array([[30.0, 30.0]]), ["a"], DrawingStyle(RED_GREEN[:1], 20, alphavalue=0.0))
    assert (faint[:, :60] == 100).all()


def test_a_mark_grows_with_the_picture_and_never_vanishes() -> None:
    frame = np.full((60, 60, 3), 100, np.uint8)

    def width(scale: float, dotsize: float = 12) -> int:
        style = DrawingStyle(RED_GREEN[:1], dotsize, alphavalue=1.0, scale=scale)
        picture = draw_frame(frame, np.array([[30.0, 30.0]]), ["a"], style)[: round(60 * scale), : round(60 * scale)]
        return int(np.ptp(np.flatnonzero((picture != 100).any(axis=(0, 2)))))

    assert abs(width(4.0) - 48) <= 16, "arms, outline and rounding"
    assert width(0.25) >= 5
    assert width(1.0, 0.1) >= 5


def test_absent_infinite_and_far_points_are_not_drawn_and_their_names_are_grey() -> None:
    frame = np.zeros((60, 60, 3), np.uint8)
    points = np.array([[np.nan, 3], [1e300, -1e300]])
    picture = draw_frame(frame, points, ["a", "b"], DrawingStyle(RED_GREEN, alphavalue=1.0))
    assert (picture[:60, :60] == 0).all()
    legend = picture[:, 60:].astype(int)
    assert np.ptp(legend, axis=-1).max() == 0, "no coloured squares"


def test_the_skeleton_joins_only_points_that_are_there() -> None:
    frame = np.zeros((60, 60, 3), np.uint8)
    style = DrawingStyle(RED_GREEN, 2, alphavalue=1.0, edges=[(0, 1)], line_color=(0, 0, 255))
    both = draw_frame(frame, np.array([[5.0, 30], [55, 30]]), ["a", "b"], style)
    assert both[30, 30, 2] > 200
    one = draw_frame(frame, np.array([[5.0, 30], [np.nan, np.nan]]), ["a", "b"], style)
    assert one[30, 30, 2] == 0


def test_many_names_on_a_small_image_all_fit() -> None:
    names = [f"part {index} with a long näme" for index in range(17)]
    style = DrawingStyle(np.tile(RED_GREEN[:1], (17, 1)))
    picture = draw_frame(np.zeros((40, 40, 3), np.uint8), np.full((17, 2), 5.0), names, style)
    assert picture.shape[0] >= 17 * 20 and picture.shape[1] > 180
