"""The commands that open a page: what they say when the person has done and ends the server."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")


@pytest.mark.parametrize(("command", "following"), [("label", "dlc check-labels"), ("refine", "dlc merge")])
def test_who_ends_the_server_is_told_what_comes_next(served, command, following):
    server = served(command)
    server.start()
    assert server.end() == 0
    assert server.log.read_text(encoding="utf-8").rstrip().endswith(f"Next: {following}")


@pytest.mark.parametrize("given", ["mouse", "mouse 1_labeled"])
def test_folders_of_drawn_labels_are_not_offered_for_labelling(project, given):
    (project.labeled_data / "mouse 1_labeled").mkdir()
    command = [sys.executable, "-m", "dlc_core", "label", given, "-p", str(project.root), "--no-open"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert f"no folder {given!r}. Did you mean 'mouse 1'?" in done.stderr
    assert done.stderr.rstrip().endswith("choose one of: mouse 1.")
