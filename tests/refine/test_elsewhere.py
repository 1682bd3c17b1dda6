"""Machine labels of another iteration than that of config.yaml."""

from __future__ import annotations

import sys

import pytest

from dlc_core.cli import main
from dlc_core.labels.machine import machine_file
from dlc_core.project.project import Project
from dlc_core.refine.elsewhere import waiting_elsewhere

from .conftest import CONFIG


def in_iteration(project: Project, number: int) -> Project:
    project.config.path.write_text(CONFIG.replace("iteration: 2", f"iteration: {number}"))
    return Project.open(project.root)


def test_frames_without_labels_that_wait_in_another_iteration_are_counted(project: Project) -> None:
    assert waiting_elsewhere(project) == ""
    assert waiting_elsewhere(in_iteration(project, 5)) == (
        "4 frames without labels have machine labels of iteration 2 (a 2, b 2), and config.yaml says iteration: 5. To "
        "refine and merge them, set iteration: 2."
    )


def test_labelled_frames_and_frames_whose_image_is_gone_do_not_wait(project: Project) -> None:
    for name in ("img00.png", "img01.png"):
        (project.labeled_data / "b" / name).unlink()
    for name in ("img02.png", "img03.png"):
        (project.labeled_data / "a" / name).unlink()
    assert waiting_elsewhere(in_iteration(project, 0)) == ""


def test_a_table_of_another_iteration_that_cannot_be_read_is_named(project: Project) -> None:
    machine_file(project.labeled_data / "a", 2).write_bytes(b"damaged")
    assert "machinelabels-iter2.h5 cannot be read" in waiting_elsewhere(in_iteration(project, 5))


def test_a_merge_that_finds_nothing_names_what_waits(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_iteration(project, 5)
    monkeypatch.setattr(sys, "argv", ["dlc", "merge", "-p", str(project.root)])
    main()
    said = capsys.readouterr()
    assert "Nothing to merge: there are no refined machine labels of iteration 5." in said.out
    assert "4 frames without labels have machine labels of iteration 2" in said.err
    assert "was merged before" not in said.out and "Next" not in said.out
