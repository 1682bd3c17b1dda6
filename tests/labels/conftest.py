"""A small project with two labelled folders, made on the spot."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.labels import compact as compaction
from dlc_core.labels import table_files
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

BODYPARTS = ("snout", "leftear", "tail")


def table_of(folder: str, frames: int, first: float = 10.0) -> LabelTable:
    """Return labels whose points are first, first + 1, first + 2, ... in reading order."""
    images = tuple(f"labeled-data/{folder}/img{index:03d}.png" for index in range(frames))
    points = first + np.arange(frames * 6, dtype=np.float64).reshape(frames, 1, 3, 2) / 4
    return LabelTable("ada", images, BODYPARTS, points)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "reach = 1 Zoë"
    for folder, frames in (("a", 3), ("b 2", 2)):
        table = table_of(folder, frames)
        for number, image in enumerate(table.images):
            (root / image).parent.mkdir(parents=True, exist_ok=True)
            pixels = np.full((40, 60, 3), 20 * number, np.uint8)
            assert cv2.imwrite(str(root / image), pixels)
        write_labels(table, root / "labeled-data" / folder)
    (root / "config.yaml").write_text(
        f"Task: reach\nscorer: ada\nbodyparts: [{', '.join(BODYPARTS)}]\nskeleton: [[snout, tail]]\n", encoding="utf-8"
    )
    return Project.open(root)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that a test saves are whole; test_compact has those that are not."""
    monkeypatch.setattr(compaction, "SETTLED_S", 0.0)


@pytest.fixture
def slow_writing(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Return an event that is set when compaction builds an h5, and one that it waits for then."""
    building, go_on = threading.Event(), threading.Event()
    original = table_files.write_h5

    def slow(*args: object) -> None:
        building.set()
        assert go_on.wait(10)
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table_files, "write_h5", slow)
    return building, go_on


@pytest.fixture
def editor(project: Project) -> LabelEditor:
    return LabelEditor.open(project, "a", "Eve")
