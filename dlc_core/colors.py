"""One colour per body part, the same in every picture and video of a project."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, suggest

Colors = NDArray[np.uint8]


def keypoint_colors(n: int, colormap: str = "hsv") -> Colors:
    """Return `n` colours spread over a colormap.

    Parameters
    ----------
    n : int
        How many body parts.
    colormap : str
        One of Matplotlib's names: ``hsv``, ``rainbow``, ``viridis``, ...

    Returns
    -------
    (n, 3) uint8
        RGB. The ends of the map are left out, because those of a cyclic one are the same colour.

    Raises
    ------
    ConfigError
        Matplotlib knows no such map.
    """
    import matplotlib

    if colormap not in matplotlib.colormaps:
        raise ConfigError(
            f"colormap is {colormap!r}, which Matplotlib does not know. {suggest(colormap, matplotlib.colormaps)}"
            "Use a name like hsv, rainbow or viridis."
        )
    places = (np.arange(n) + 0.5) / max(n, 1)
    return np.asarray(np.rint(255 * np.asarray(matplotlib.colormaps[colormap](places))[:, :3]), np.uint8)


def named_color(name: str) -> tuple[int, int, int]:
    """Return the RGB values in 0 to 255 of a colour by name (``black``, ``tab:blue``) or code (``#1f77b4``).

    Raises
    ------
    ConfigError
        There is no such colour.
    """
    from matplotlib.colors import CSS4_COLORS, is_color_like, to_rgb

    if not is_color_like(name):
        raise ConfigError(
            f"the colour {name!r} is unknown. {suggest(name, CSS4_COLORS)}Use a name like black or a code like #1f77b4."
        )
    red, green, blue = (round(255 * value) for value in to_rgb(name))
    return red, green, blue
