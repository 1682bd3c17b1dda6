"""Labels that lie outside their image: a slip of the hand or of a keyboard, never a point that can be learnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlc_core.console import counted, warn
from dlc_core.geometry import outside
from dlc_core.labels.table import LabelTable

_SHOWN = 5


def without_points_outside(labels: LabelTable, sizes: Mapping[str, tuple[int, int]]) -> LabelTable:
    """Return `labels` with the points that lie outside their image absent; say how many and where.

    Parameters
    ----------
    labels : LabelTable
        Labels of images.
    sizes : mapping of str to (height, width)
        Pixels of the images; those of an image that is not listed stay as they are.
    """
    points = np.array(labels.keypoints)
    found: list[str] = []
    for row, name in enumerate(labels.images):
        if name not in sizes:
            continue
        height, width = sizes[name]
        gone = outside(points[row], height, width) & labels.present[row]
        for individual, part in np.argwhere(gone):
            x, y = points[row, individual, part]
            found.append(f"{labels.bodyparts[part]} in {name} at {x:g}, {y:g} (of {width} x {height} pixels)")
        points[row][gone] = np.nan
    if not found:
        return labels
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    lie = "lies outside its image and counts" if len(found) == 1 else "lie outside their image and count"
    warn(
        f"{counted(len(found), 'labelled point')} {lie} as not labelled: "
        f"{', '.join(found[:_SHOWN])}{more}. `dlc check-labels` lists them; correct the label tables, then "
        "dlc create-dataset overwrite=true."
    )
    return LabelTable(labels.scorer, labels.images, labels.bodyparts, points)
