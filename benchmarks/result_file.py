"""What every result of a benchmark says besides its figures: where, and with which versions, it was measured."""

from __future__ import annotations

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from dlc_core import __version__
from dlc_core.files import write_text
from dlc_core.training.record import machine


def write_result(path: Path, packages: tuple[str, ...], **content: Any) -> None:
    """Write a result as JSON.

    Parameters
    ----------
    path : Path
        Its folder is made.
    packages : tuple of str
        Whose versions matter, besides ours and Python's.
    **content
        What was measured, and ``config``: with which budgets and constants.
    """
    here = {key: value for key, value in machine(torch.device("cpu")).items() if key != "host"}
    about = {
        "hardware": {**here, "cores": os.cpu_count(), "load": [round(value, 1) for value in os.getloadavg()]},
        "versions": {
            "dlc-core": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"config": content.pop("config", {}), **about, **content}, indent=1) + "\n")
