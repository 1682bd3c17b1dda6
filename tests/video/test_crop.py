"""Crops are half-open rectangles of whole pixels."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.errors import ConfigError
from dlc_core.video.crop import Crop


@pytest.mark.parametrize("text", ["0,640,277,480", "0, 640, 277, 480", " 0 ,640,277 , 480 "])
def test_a_crop_is_read_in_the_spellings_of_config_yaml(text):
    crop = Crop.parse(text)
    assert crop == Crop(0, 640, 277, 480)
    assert (crop.width, crop.height) == (640, 203)
    assert Crop.parse(crop.as_text()) == crop


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,10.5,0,10", "none"])
def test_text_that_is_no_crop_is_quoted_with_what_is_expected(text):
    with pytest.raises(ConfigError, match="x1,x2,y1,y2") as caught:
        Crop.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("limits", [(5, 5, 0, 9), (9, 2, 0, 9), (0, 9, 4, 4)])
def test_an_empty_crop_is_refused(limits):
    with pytest.raises(ConfigError, match="holds no pixel"):
        Crop(*limits)


def test_a_crop_larger_than_the_frame_is_clipped_and_that_is_said(capsys):
    assert Crop(-5, 900, 10, 500).within(480, 640, "mouse.mp4") == Crop(0, 640, 10, 480)
    said = capsys.readouterr().err
    assert "mouse.mp4" in said
    assert "0,640,10,480" in said


def test_a_crop_inside_the_frame_stays_without_a_word(capsys):
    assert Crop(0, 640, 0, 480).within(480, 640) == Crop(0, 640, 0, 480)
    assert capsys.readouterr().err == ""


def test_a_crop_outside_the_frame_names_the_size_of_the_frame():
    with pytest.raises(ConfigError, match="640 x 480"):
        Crop(700, 800, 0, 10).within(480, 640)


def test_the_pixels_of_a_crop_are_those_of_the_half_open_rectangle():
    image = np.arange(5 * 7).reshape(5, 7)
    crop = Crop(2, 5, 1, 3)
    np.testing.assert_array_equal(crop.apply(image), [[9, 10, 11], [16, 17, 18]])
    assert crop.apply(image)[0, 0] == image[int(crop.offset()[1]), int(crop.offset()[0])]
    assert not crop.is_whole(5, 7)
    assert Crop(0, 7, 0, 5).is_whole(5, 7)
