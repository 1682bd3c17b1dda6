"""log.csv is whole after any crash, and goes on where a training goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlc_core.errors import DataError, DiskError
from dlc_core.training.log import TrainingLog, columns_of, read_log

COLUMNS = columns_of(["scoremap", "locref"])


def row(step: int) -> dict[str, float | int | None]:
    return {"step": step, "loss": 1 / step, "loss_scoremap": 0.5, "seconds": step * 2.0, "test_error_px": None}


@pytest.fixture
def log(tmp_path) -> TrainingLog:
    log = TrainingLog(tmp_path / "log.csv", COLUMNS)
    for step in (50, 100, 150):
        log.append(row(step))
    return log


def test_every_row_is_on_disk_at_once_under_one_header(log):
    lines = log.path.read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == ["50", "100", "150"]
    assert read_log(log.path)[1]["loss"] == "0.01"
    assert read_log(log.path)[1]["test_error_px"] == ""


def test_a_half_written_row_is_left_out_and_removed_before_the_log_goes_on(log):
    with log.path.open("a") as file:
        file.write("200,0.0")
    assert [line["step"] for line in read_log(log.path)] == ["50", "100", "150"]
    assert log.cut_after(150) == 300.0
    log.append(row(200))
    assert [line["step"] for line in read_log(log.path)] == ["50", "100", "150", "200"]


def test_rows_after_the_snapshot_that_is_resumed_are_dropped(log):
    assert log.cut_after(100) == 200.0
    assert [line["step"] for line in read_log(log.path)] == ["50", "100"]


def test_a_log_of_another_network_is_refused(log):
    with pytest.raises(DataError, match="has the columns"):
        TrainingLog(log.path, columns_of(["heatmap"])).cut_after(100)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_one_clear_line():
    with pytest.raises(DiskError, match="disk is full"):
        TrainingLog(Path("/dev/full"), COLUMNS).append(row(1))
