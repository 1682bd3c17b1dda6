"""A rectangle of whole pixels, the only form in which a crop is stored or handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc_core.console import warn
from dlc_core.errors import ConfigError


@dataclass(frozen=True)
class Crop:
    """The pixels with x in [x1, x2) and y in [y1, y2).

    Parameters
    ----------
    x1, x2, y1, y2 : int
        Whole pixels of the full frame; x2 and y2 are not part of it. The order is that of ``config.yaml``.

    Raises
    ------
    ConfigError
        The rectangle is empty.

    Examples
    --------
    >>> Crop.parse("0, 640, 277, 480").height
    203
    """

    x1: int
    x2: int
    y1: int
    y2: int

    def __post_init__(self) -> None:
        if self.x2 <= self.x1 or self.y2 <= self.y1:
            raise ConfigError(
                f"the crop {self.as_text()} holds no pixel; it is x1,x2,y1,y2 with x1 < x2 and y1 < y2. "
                "Swap or widen the limits."
            )

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Return the crop written as ``"x1,x2,y1,y2"``, spaces allowed.

        Raises
        ------
        ConfigError
            The text is not four whole numbers, or the rectangle is empty.
        """
        parts = [part.strip() for part in str(text).split(",")]
        try:
            x1, x2, y1, y2 = (int(part) for part in parts)
        except ValueError as exc:
            raise ConfigError(
                f"the crop {text!r} cannot be read; four whole numbers x1,x2,y1,y2 are needed, like 0,640,0,480."
            ) from exc
        return cls(x1, x2, y1, y2)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.y2 - self.y1

    def as_text(self) -> str:
        """Return ``"x1,x2,y1,y2"``, which `parse` reads."""
        return f"{self.x1},{self.x2},{self.y1},{self.y2}"

    def is_whole(self, height: int, width: int) -> bool:
        """Tell whether nothing of a frame of that size is cut away."""
        return self.x1 <= 0 and self.y1 <= 0 and self.x2 >= width and self.y2 >= height

    def within(self, height: int, width: int, what: str = "the frame") -> Crop:
        """Return the part that lies inside a frame of `height` x `width` pixels; say so when that is less than asked.

        Parameters
        ----------
        height, width : int
            Of the full frame.
        what : str
            The frame's name in messages: a video's path.

        Raises
        ------
        ConfigError
            Nothing of the crop lies inside the frame.
        """
        x1, x2 = max(self.x1, 0), min(self.x2, width)
        y1, y2 = max(self.y1, 0), min(self.y2, height)
        if x1 >= x2 or y1 >= y2:
            raise ConfigError(
                f"the crop {self.as_text()} lies outside {what}, which has {width} x {height} pixels (width x height). "
                f"Choose x1,x2,y1,y2 within 0,{width},0,{height}."
            )
        inside = Crop(x1, x2, y1, y2)
        if inside != self:
            warn(
                f"the crop {self.as_text()} reaches beyond {what} ({width} x {height} pixels); "
                f"{inside.as_text()} is used."
            )
        return inside

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the view of `image`, (H, W) or (H, W, C), that the crop covers; no copy is made."""
        return image[self.y1 : self.y2, self.x1 : self.x2]

    def offset(self) -> NDArray[np.float64]:
        """Return the (2,) float64 x, y of the crop's first pixel: what to add to a point of the cropped image."""
        return np.array([self.x1, self.y1], np.float64)
