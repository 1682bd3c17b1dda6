"""What this package offers. Torch is not imported here: dlc-core imports a target when it builds it."""

from __future__ import annotations

from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class TinyConvConfig:
    """Options of the backbone `tiny_conv`.

    Parameters
    ----------
    width : int
        Channels of the first map; every further one has twice as many.
    """

    name: str = "tiny_conv"
    width: int = 16


@dataclass
class EveryNthConfig:
    """Options of the frame selector `every_nth`.

    Parameters
    ----------
    nth : int
        Distance of the frames, in candidates.
    """

    name: str = "every_nth"
    nth: int = 10


@hookimpl
def dlc_backbones() -> list[Component]:
    """Offer `tiny_conv`."""
    return [
        Component(
            name="tiny_conv",
            target="dlc_example.backbone:TinyConv",
            config=TinyConvConfig,
            summary="four small convolutions, for trying things out",
        )
    ]


@hookimpl
def dlc_frame_selectors() -> list[Component]:
    """Offer `every_nth`."""
    return [
        Component(
            name="every_nth",
            target="dlc_example.selector:EveryNth",
            config=EveryNthConfig,
            summary="frames at a regular distance",
        )
    ]


@hookimpl
def dlc_config_paths() -> list[str]:
    """Offer the presets in ``conf/``."""
    return ["pkg://dlc_example.conf"]
