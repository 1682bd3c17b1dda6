"""What this package offers."""

from __future__ import annotations

from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class Window3Config:
    """Options of the head `window3`."""

    name: str = "window3"
    radius: float = 17.0


@hookimpl
def dlc_heads() -> list[Component]:
    """Offer `window3`."""
    return [
        Component(
            name="window3",
            target="dlc_window_head.head:Window3Head",
            config=Window3Config,
            summary="score map and offsets from three neighbouring frames",
        )
    ]
