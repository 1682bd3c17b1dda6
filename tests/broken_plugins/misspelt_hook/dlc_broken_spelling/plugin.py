"""The hook is called ``dlc_backbones``."""

from dlc_core.plugin_api import hookimpl


@hookimpl
def dlc_backbone():
    """Offer nothing."""
    return []
