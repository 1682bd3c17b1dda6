"""What plugin authors import.

`contract` documents the hooks, `protocols` what each kind must do, and `testing` checks it.
"""

from dlc_core.plugin_api.contract import Component, hookimpl
from dlc_core.plugin_api.kinds import KINDS, Kind

__all__ = ["KINDS", "Component", "Kind", "hookimpl"]
