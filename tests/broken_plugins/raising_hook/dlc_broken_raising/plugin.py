"""The hook raises when it is called."""

from dlc_core.plugin_api import hookimpl


@hookimpl
def dlc_backbones():
    """Raise."""
    raise OSError("the licence server does not answer")
