"""Offers a frame selector; dlc-example has one of the name ``every_nth`` already."""

from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class EveryNthConfig:
    """Options of the frame selector `every_nth`."""

    name: str = "every_nth"


@hookimpl
def dlc_frame_selectors():
    """Offer a name that is taken."""
    return [Component(name="every_nth", target="dlc_broken_duplicate.plugin:EveryNthConfig", config=EveryNthConfig)]
