"""The files of tables that have a journal: what is read is written again unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.labels.files import read_csv, read_h5, write_labels
from dlc_core.labels.machine import MachineLabels, read_machine, write_machine
from dlc_core.labels.replay import Frames
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles, MachineFiles, TableFiles, changed, frames_of

from .conftest import BODYPARTS, table_of

NAMES = tuple(f"labeled-data/m/img{number}.png" for number in range(3))


def write(files: TableFiles, frames: Frames) -> None:
    with files.prepared(frames) as commit:
        commit()


def test_labels_are_the_same_after_reading_and_writing_whatever_they_hold(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    nan, inf = np.nan, np.inf
    rows = [[[1 / 3, 1e-9], [nan, nan], [2.0, nan]], [[nan] * 2] * 3, [[inf, 1.0], [-5.0, 1e6], [0.0, 0.0]]]
    table = LabelTable("ada", NAMES, BODYPARTS, np.array(rows)[:, None])
    write_labels(table, folder)
    files = LabelFiles(folder, "ada")
    content = files.csv.read_bytes()
    frames = files.read()
    assert list(frames.rows) == list(NAMES) and frames.rows[NAMES[1]] == {}
    assert frames.rows[NAMES[0]]["tail"] == (2.0, None)
    write(files, frames)
    assert files.csv.read_bytes() == content and read_h5(files.h5) == table == read_csv(files.csv)
    assert files.table(frames_of(table)) == table


def test_a_folder_with_an_h5_alone_gets_its_csv(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_labels(table_of("m", 2), folder)
    files = LabelFiles(folder, "ada")
    files.csv.unlink()
    write(files, files.read())
    assert read_csv(files.csv) == table_of("m", 2)


def test_a_table_by_another_scorer_is_refused(tmp_path: Path) -> None:
    write_labels(table_of("m", 2), tmp_path / "m")
    (tmp_path / "m" / "CollectedData_ada.csv").rename(tmp_path / "m" / "CollectedData_eve.csv")
    with pytest.raises(DataError, match="labels by 'ada'; its name says 'eve'"):
        LabelFiles(tmp_path / "m", "eve").read()


def test_machine_labels_and_their_state_are_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    keypoints = np.arange(18.0).reshape(3, 1, 3, 2)
    likelihood = np.linspace(0, 1, 9).reshape(3, 1, 3)
    labels = MachineLabels("DLC_net", NAMES, BODYPARTS, keypoints, likelihood)
    files = MachineFiles(tmp_path / "m", 4)
    files.folder.mkdir()
    write_machine(labels, files.h5)
    frames = files.read()
    frames.done |= {NAMES[0]: 0.6, NAMES[2]: None}
    write(files, frames)
    assert read_machine(files.h5) == labels and files.read() == frames
    assert files.journal.name == "machinelabels-iter4.journal" and files.refined.name == "refined-iter4.json"


def test_machine_labels_of_another_folder_are_refused(tmp_path: Path) -> None:
    files = MachineFiles(tmp_path / "renamed", 4)
    files.folder.mkdir()
    write_machine(MachineLabels("net", NAMES, BODYPARTS, np.ones((3, 1, 3, 2)), np.ones((3, 1, 3))), files.h5)
    with pytest.raises(DataError, match=r"img0\.png', which does not lie in this folder \(renamed\)"):
        files.read()


def test_changed_rows_are_those_that_differ_appear_or_vanish() -> None:
    before = {"a": {"x": (1.0, 2.0)}, "b": {}, "c": {}}
    assert changed(before, {"a": {"x": (1.0, 2.5)}, "b": {}, "d": {}}) == {"a", "c", "d"}
