"""What opens the browser application: commands, functions, and notebooks, whose event loop runs already."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import dlc_core as dlc
from dlc_core.errors import ConfigError, DataError, ProjectError
from dlc_core.lock import holding
from dlc_core.project.create import create_project
from dlc_core.project.project import Project

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")


@pytest.fixture
def project(tmp_path: Path, data_folder: Path) -> Project:
    return create_project("reach", "Ann", [data_folder / "sleap-tests" / "small_robot_3_frame.mp4"], tmp_path)


def run_dlc(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dlc_core", *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [["n=3"], ["a.mp4", "b.mp4"]])
def test_choosing_by_hand_takes_one_video_and_no_options(project, words):
    done = run_dlc("extract-frames", "--manual", "-p", str(project.root), *words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{words[-1]!r} means nothing with --manual" in done.stderr


@pytest.mark.parametrize("words", [["--port", "8099"], ["--host", "0.0.0.0"], ["--no-open"]])
def test_an_option_of_the_browser_without_by_hand_is_refused_before_frames_are_taken(project, words):
    done = run_dlc("extract-frames", "n=2", "-p", str(project.root), *words)
    assert done.returncode == 2
    assert f"{words[0]} is for --manual" in done.stderr
    assert not list(project.labeled_data.rglob("*.png"))


def test_a_video_that_the_project_lacks_is_named_before_anything_opens(project):
    with pytest.raises(DataError, match="'other' is not in"):
        dlc.extract_frames(project.root, mode="manual", videos_list="other")
    with pytest.raises(ConfigError, match="mode='manual'"):
        dlc.extract_frames(project.root, mode="manual", overrides=["n=3"])
    with pytest.raises(ConfigError, match="'automatic'"):
        dlc.extract_frames(project.root, mode="semi")


def test_in_a_notebook_the_server_is_a_process_whose_refusal_is_an_error_there(project, capsys):
    async def cell() -> None:
        dlc.label_frames(project.root, open_browser=False)

    with holding(project.labeled_data / ".gui.lock", ProjectError), pytest.raises(ProjectError, match="already open"):
        asyncio.run(cell())
    assert "already open" in capsys.readouterr().out
