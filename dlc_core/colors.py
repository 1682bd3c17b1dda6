"""One colour per body part, the same in every picture and video of a project."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlc_core.errors import ConfigError, suggest

Colors = NDArray[np.uint8]

_BRIGHTEST_ON_WHITE = 0.3  # relative luminance; the contrast with white is then 3:1, what WCAG 2.1 asks of graphics


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


def dark_on_white(colors: Colors) -> Colors:
    """Return colours for thin lines on white: light ones darkened, of the same hue; the others as they are.

    Parameters
    ----------
    colors : (n, 3) uint8
        RGB.

    Returns
    -------
    (n, 3) uint8
        RGB, of a relative luminance of at most 0.3.

    References
    ----------
    Relative luminance and the transfer function of sRGB: IEC 61966-2-1.
    """
    encoded = colors / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    linear *= np.minimum(1, _BRIGHTEST_ON_WHITE / np.maximum(luminance, 1e-9))[:, None]
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * encoded), np.uint8)


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
