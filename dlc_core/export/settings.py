"""The options of ``dlc export`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.project.address import AnyPosesAddress


@dataclass
class ExportSettings(AnyPosesAddress):
    """Options of ``dlc export`` besides which poses and those of the exporters.

    Parameters
    ----------
    overwrite : bool
        Replace files that were changed since they were exported.
    exporters : dict
        Options of the exporters by name: ``exporters.csv.sep=";"``.
    """

    overwrite: bool = False
    exporters: dict[str, Any] = field(default_factory=dict)
