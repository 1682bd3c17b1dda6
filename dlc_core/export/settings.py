"""The options of ``dlc export`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.project.address import RunAddress


@dataclass
class ExportSettings(RunAddress):
    """Options of ``dlc export`` besides those of the exporters.

    ``run=`` and ``snapshotindex=`` are needed only for a video that several networks analysed.

    Parameters
    ----------
    videotype : str
        Suffix of the videos to take from folders: ``mp4``; "" takes every kind.
    destfolder : str or None
        Where the analysis put its results; None: beside each video.
    overwrite : bool
        Replace files that were changed since they were exported.
    exporters : dict
        Options of the exporters by name: ``exporters.csv.sep=";"``.
    """

    videotype: str = ""
    destfolder: str | None = None
    overwrite: bool = False
    exporters: dict[str, Any] = field(default_factory=dict)
