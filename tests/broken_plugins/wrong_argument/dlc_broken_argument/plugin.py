"""The hook takes no arguments; this implementation wants one."""

from dlc_core.plugin_api import hookimpl


@hookimpl
def dlc_backbones(settings):
    """Offer nothing."""
    return []
