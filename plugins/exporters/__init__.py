"""Built-in exporters: ``h5``, ``csv`` and ``deeplabcut``, all in DeepLabCut's table layout.

To add a format: a class with ``suffix`` and ``write(poses, path)``, perhaps ``read(path)``, in a file beside this
one, a dataclass with its options and a row below. `dlc_core.plugin_api.protocols.Exporter` says what each must do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class H5Config:
    """Options of `h5`: none."""

    name: str = "h5"


@dataclass
class CsvConfig:
    """Options of `csv`.

    Parameters
    ----------
    sep : str
        What separates the columns. DeepLabCut reads a comma.
    """

    name: str = "csv"
    sep: str = ","


@dataclass
class DeepLabCutConfig:
    """Options of `deeplabcut`.

    Parameters
    ----------
    scorer : str
        The scorer name that DeepLabCut will look for; "" derives it from DeepLabCut's own snapshots in the project.
    """

    name: str = "deeplabcut"
    scorer: str = ""


@hookimpl
def dlc_exporters() -> Iterable[Component]:
    """Offer the built-in exporters."""
    return [
        Component(
            name="h5",
            target="dlc_plugins.exporters.h5:H5",
            config=H5Config,
            summary="DeepLabCut's HDF5 table, with _meta.pickle",
        ),
        Component(
            name="csv",
            target="dlc_plugins.exporters.csv:Csv",
            config=CsvConfig,
            summary="DeepLabCut's table as text",
        ),
        Component(
            name="deeplabcut",
            target="dlc_plugins.exporters.deeplabcut:DeepLabCut",
            config=DeepLabCutConfig,
            summary="the HDF5 table under the scorer name that DeepLabCut 3 looks for",
        ),
    ]
