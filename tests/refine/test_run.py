"""``dlc merge`` at the command line and in Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

import dlc_core as dlc
from dlc_core.cli import main
from dlc_core.labels.machine import machine_file
from dlc_core.project.project import Project

Call = Callable[..., int]


@pytest.fixture
def call(project: Project, monkeypatch: pytest.MonkeyPatch) -> Call:
    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["dlc", "merge", "-p", str(project.root), *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return call


def test_the_command_refuses_then_merges_then_has_nothing_to_merge(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call() == 2
    assert (
        "Error: 4 frames with machine labels are not marked as done: a (2 of 3), b (2 of 2)." in capsys.readouterr().err
    )
    assert call("unrefined=accept", "pcutoff=0.1", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["merged"], data["iteration"], data["frames"]) == (True, 3, 4)
    assert data["folders"][0] == {
        "folder": "a", "frames": 2, "labelled_before": 1, "unrefined": 0, "without_image": 0
    }  # fmt: skip
    assert call() == 0
    said = "".join(capsys.readouterr())
    assert "Nothing to merge" in said and "Iteration 2 was merged before." in said


def test_the_function_of_the_paper_merges(project: Project) -> None:
    outcome = dlc.merge_datasets(project.config.path, unrefined="leave")
    assert outcome.data["merged"] and outcome.next_step == "dlc create-dataset"
    assert Project.open(project.root).iteration == 3


def test_frames_that_wait_to_be_refined_are_counted_where_none_can_be_merged(
    project: Project, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_file(project.labeled_data / "a", 2).unlink()
    assert call("unrefined=leave") == 0
    said = capsys.readouterr().out
    assert "2 frames with machine labels wait to be refined." in said and "Next: dlc refine" in said


def test_a_cutoff_that_would_not_count_is_refused_and_that_of_config_yaml_is_not(
    project: Project, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    text = project.config.path.read_text()
    project.config.path.write_text(text if "pcutoff:" in text else f"{text.rstrip()}\npcutoff: 0.6\n")
    assert call("unrefined=leave", "pcutoff=0.5") == 2
    assert "Error: pcutoff counts with unrefined=accept alone, and unrefined is 'leave'." in capsys.readouterr().err
    assert call("unrefined=acept", "pcutoff=0.5") == 2
    assert "Did you mean 'accept'" in capsys.readouterr().err
    assert call("unrefined=leave") == 0
