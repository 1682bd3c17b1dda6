"""What a program that watches a step can read of its progress, and who can answer a question."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from dlc_core.console import PROGRESS_FILE, ask, can_ask, progress
from dlc_core.errors import ConfigError


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


def test_the_last_line_of_progress_is_printed_once(monkeypatch, capsys):
    now = iter(range(0, 1000, 60))
    monkeypatch.setattr("dlc_core.console.time.monotonic", lambda: float(next(now)))
    with progress("Fitting", 2, "tracks") as advance:
        advance(1)
        advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Fitting: 1/2 tracks", "Fitting: 2/2 tracks"]
    assert " left" in lines[0] and " in " in lines[1]


def test_work_goes_on_when_its_progress_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file where a folder is needed")
    monkeypatch.setenv(PROGRESS_FILE, str(tmp_path / "taken" / "progress.json"))
    done = []
    with progress("Packing", 10, "frames") as advance:
        advance(10)
        done.append(10)
    assert done == [10]


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), (" YES ", True), ("", False), ("n", False), ("ja", False)])
def test_only_yes_means_yes(monkeypatch, capsys, answer, agreed):
    monkeypatch.setattr("builtins.input", lambda _="": answer)
    assert ask("Extract 3 frames?") is agreed
    captured = capsys.readouterr()
    assert captured.err == "Extract 3 frames? [y/N] " and captured.out == "", "stdout may be for JSON"


def test_a_question_that_nobody_answers_is_an_error(monkeypatch):
    def no_input(_=""):
        raise EOFError

    monkeypatch.setattr("builtins.input", no_input)
    with pytest.raises(ConfigError, match=r"nobody answered the question: Extract\? Say yes=true"):
        ask("Extract?")


def test_there_is_somebody_at_a_terminal_and_in_a_notebook(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert not can_ask()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object()))
    assert not can_ask(), "a program that uses IPython"
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert can_ask()
    monkeypatch.undo()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert can_ask()
