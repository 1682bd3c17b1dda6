"""Blobs with a known centre, and how to find the centre of one in an image.

The measure is the centroid of the squared grey level. Rounding to 8 bit adds an error of 1/sqrt(12) grey levels to
each pixel; for a Gaussian of amplitude A = 255 it moves this centroid by sqrt(pi / 6) / (pi A) = 0.0009 px
(standard deviation), whatever the blob's size, since more pixels bring as much more signal as noise. The plain
centroid, whose far pixels count most, has 0.0026 px. 0.01 px is therefore eleven standard deviations of the
measurement, and a tenth of the 0.1 to 0.5 px by which a wrong pixel convention shows. A blob must be wide where it
is measured, sd 3 px or more, so that sampling it is harmless, and 4 sd from the edge, so that nothing above half a
grey level is cut off: hence sd 12 px in the images that go in and scales down to 1/4.
"""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from dlc_core.geometry import Preprocessing
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

SD = 12.0
SKELETON = Skeleton(("nose", "left_ear", "right_ear", "tail"), symmetric=(("left_ear", "right_ear"),))
GEOMETRY_ONLY = {
    "none": {},
    "scalecrop": {},
    "imgaug": dict.fromkeys(
        ["motionblurratio", "brightnessratio", "contrastratio", "claheratio", "histeqratio", "jpegratio", "coverratio"],
        0.0,
    ),
    "tensorpack": dict.fromkeys(
        ["brightnessratio", "contrastratio", "saturationratio", "noiseratio", "blurratio"], 0.0
    ),
    "kornia": {
        "brightness_dif": 0.0,
        "contrast_factor_lo": 1.0,
        "contrast_factor_up": 1.0,
        "saturation_max_dif": 0.0,
        "motionblurratio": 0.0,
        "noiseratio": 0.0,
    },
}


@pytest.fixture
def blobs() -> ModuleType:
    """Return this module: `build`, `blob`, `centre`, `is_whole`."""
    return sys.modules[__name__]


def build(name: str, preprocessing: Preprocessing | None = None, skeleton: Skeleton = SKELETON, **options: object):
    """Return an augmenter without operations on colour, with `options`."""
    return (
        load_plugins()
        .registry("augmenter")
        .build(
            {"name": name, **GEOMETRY_ONLY[name], **options},
            skeleton=skeleton,
            preprocessing=preprocessing or Preprocessing(),
        )
    )


def blob(height: int, width: int, x: float, y: float, sd: float = SD) -> NDArray[np.uint8]:
    """Return (1, height, width, 3) uint8: one frame with a Gaussian at (x, y)."""
    rows, columns = np.mgrid[:height, :width]
    values = np.rint(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sd**2)))
    return np.repeat(values.astype(np.uint8)[None, ..., None], 3, axis=-1)


def centre(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return x, y of the blob in (h, w, 3)."""
    weights = image.astype(np.float64).sum(-1) ** 2
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def is_whole(point: NDArray[np.float32], size: tuple[int, int], sd: float) -> bool:
    """Tell whether a blob at `point` lies within an image of (height, width)."""
    return bool(
        np.isfinite(point).all() and (point > 4 * sd).all() and (point < np.array(size[::-1]) - 1 - 4 * sd).all()
    )
