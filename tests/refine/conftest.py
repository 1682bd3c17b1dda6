"""A small project whose folder holds human labels of some frames and machine labels of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlc_core.labels.files import write_labels
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

PARTS = ("snout", "tail")
CONFIG = """# my project
Task: reach
scorer: ada
bodyparts: [snout, tail]  # two points
pcutoff: 0.3
iteration: 2   # rounds of refinement
# the end
"""


def names(folder: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"labeled-data/{folder}/img{number:02}.png" for number in numbers)


def machine_labels(folder: str, *numbers: int, likelihood: float = 0.9) -> MachineLabels:
    """Return machine labels whose points are 100 * frame + 10 * body part, and that + 1."""
    corner = 100.0 * np.array(numbers)[:, None, None, None] + 10.0 * np.arange(2)[None, None, :, None]
    keypoints = corner + np.arange(2)
    return MachineLabels(
        "DLC_net", names(folder, *numbers), PARTS, keypoints, np.full((len(numbers), 1, 2), likelihood)
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give folder a: frames 0, 1 labelled, machine labels of 1, 2, 3; folder b: machine labels of 0, 1."""
    root = tmp_path / "reach"
    for folder, count in (("a", 4), ("b", 2)):
        (root / "labeled-data" / folder).mkdir(parents=True)
        for image in names(folder, *range(count)):
            (root / image).write_bytes(b"an image")
    points = np.array([[[[1.0, 2.0], [3.0, 4.0]]], [[[5.0, 6.0], [np.nan, np.nan]]]])
    write_labels(LabelTable("ada", names("a", 0, 1), PARTS, points), root / "labeled-data/a")
    write_machine(machine_labels("a", 1, 2, 3), machine_file(root / "labeled-data/a", 2))
    write_machine(machine_labels("b", 0, 1, likelihood=0.2), machine_file(root / "labeled-data/b", 2))
    (root / "config.yaml").write_text(CONFIG)
    return Project.open(root)
