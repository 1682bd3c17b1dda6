"""The options of ``dlc analyze`` and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc_core.project.address import RunAddress


@dataclass
class AnalyzeSettings(RunAddress):
    """Options of ``dlc analyze`` besides which network and which exporters.

    Parameters
    ----------
    videotype : str
        Suffix of the videos to take from folders: ``mp4``; "" takes every kind.
    destfolder : str or None
        Where results go; None: beside each video.
    crop : str
        ``none``, ``video_sets`` (each video's crop in config.yaml) or ``x1,x2,y1,y2`` in pixels. A project with
        ``cropping: true`` sets it to x1, x2, y1, y2 of its config.yaml.
    batch_size : int or None
        Frames that go through the network at once. None: up to 4 on a CPU, tried out on a GPU; the value in
        config.yaml is an upper bound of that.
    precision : {"float32", "bfloat16", "float16"}
        Of the computation. The 16-bit ones are faster on recent hardware; points may move by a fraction of a pixel.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    overwrite : bool
        Analyze again what is there under the same name, finished or not, of whichever network, crop or precision, and
        replace it, with every file that was exported from it.
    exporters : dict
        Options of the exporters by name: ``exporters.csv.sep=";"``.
    """

    videotype: str = ""
    destfolder: str | None = None
    crop: str = "none"
    batch_size: int | None = None
    precision: str = "float32"
    device: str = "auto"
    overwrite: bool = False
    exporters: dict[str, Any] = field(default_factory=dict)
