"""What a program that watches a step can read of its progress."""

from __future__ import annotations

import json

from dlc_core.console import PROGRESS_FILE, progress


def test_progress_is_kept_in_the_file_that_the_environment_names(tmp_path, monkeypatch, capsys):
    file = tmp_path / "progress.json"
    monkeypatch.setenv(PROGRESS_FILE, str(file))
    with progress("Packing", 10, "frames", done=2) as advance:
        assert json.loads(file.read_text())["done"] == 2
        advance(5)
    state = json.loads(file.read_text())
    assert {key: state[key] for key in ("description", "done", "total", "unit")} == {
        "description": "Packing",
        "done": 7,
        "total": 10,
        "unit": "frames",
    }
    assert "Packing: 7/10 frames" in capsys.readouterr().err


def test_work_goes_on_when_its_progress_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file where a folder is needed")
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "taken" / "progress.json"))
    done = []
    with progress("Packing", 10, "frames") as advance:
        advance(10)
        done.append(10)
    assert done == [10]
