"""The options of ``dlc filter`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.project.address import PosesAddress


@dataclass
class FilterSettings(PosesAddress):
    """Options of ``dlc filter`` besides whose poses, and those of the filter and the exporters.

    Parameters
    ----------
    overwrite : bool
        Filter again what is filtered already, and replace tables that were changed since they were exported, or that
        another program wrote.
    exporters : dict
        Options of the exporters by name: ``exporters.csv.sep=";"``.
    filter : component
        How trajectories are smoothed.
    """

    overwrite: bool = False
    exporters: dict[str, Any] = field(default_factory=dict)
    filter: Any = None
