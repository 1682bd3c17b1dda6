"""``dlc check-labels`` as a whole."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from pathlib import Path

import cv2
import pytest

from dlc_core import api, console
from dlc_core.cli import main
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.files import write_labels
from dlc_core.labels.run import check_labels
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project

from .conftest import table_of


def run(project: Project, *overrides: str, arguments: tuple[str, ...] = ()) -> dict:
    outcome = check_labels(project, compose("check_labels", overrides, project), arguments)
    data = json.loads(json.dumps(outcome.data))
    return {**data, "failed": outcome.failed, "next_step": outcome.next_step}


def test_labelled_frames_are_drawn_beside_their_folder_and_the_next_step_is_named(project: Project) -> None:
    result = run(project)
    assert [Path(folder).name for folder in result["drawn"]] == ["a_labeled", "b 2_labeled"]
    pictures = sorted((project.labeled_data / "a_labeled").iterdir())
    assert [picture.name for picture in pictures] == ["img000.png", "img001.png", "img002.png"]
    assert cv2.imread(str(pictures[0])).shape[1] > 60, "the names stand at the right"
    assert (result["frames"], result["points"], result["failed"]) == (5, 15, 0)
    assert result["next_step"] == "dlc create-dataset"
    run(project)
    assert not (project.labeled_data / "a_labeled_labeled").exists(), "drawn folders are not labelled folders"


def test_the_look_comes_from_the_config_and_options_beat_it(project: Project) -> None:
    def drawn(*overrides: str) -> bytes:
        run(Project.open(project.root), *overrides)
        return (project.labeled_data / "a_labeled" / "img001.png").read_bytes()

    default = drawn()
    by_option = drawn("colormap=jet", "dotsize=30", "alphavalue=1")
    assert default != by_option
    file = project.config.path
    file.write_text(file.read_text() + "colormap: jet\ndotsize: 30\nalphavalue: 1\n")
    assert drawn() == by_option
    assert drawn("colormap=hsv", "dotsize=12", "alphavalue=0.5") == default


def test_only_the_folders_named_are_checked_by_name_or_by_video(project: Project) -> None:
    assert run(project, "draw=false", arguments=("b 2",))["frames"] == 2
    assert run(project, "draw=false", arguments=("/videos/a.mp4",))["frames"] == 3
    with pytest.raises(DataError, match="Labelled: a, b 2"):
        run(project, arguments=("c",))
    assert not (project.labeled_data / "a_labeled").exists()


def test_folders_are_named_on_the_command_line_and_in_python(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for where, name in ((console, "_quiet_stdout"), (sys, "excepthook"), (warnings, "showwarning")):
        monkeypatch.setattr(where, name, getattr(where, name))  # what a command sets for its whole process
    monkeypatch.setattr(sys, "argv", ["dlc", "check-labels", "b 2", "-p", str(project.root), "draw=false", "--json"])
    main()
    assert json.loads(capsys.readouterr().out)["frames"] == 2
    assert api.check_labels(project.config.path, ["a"], overrides=["draw=false"]).data["frames"] == 3


def test_drawing_never_overwrites_the_frames_of_a_video_named_like_the_pictures(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    other = project.labeled_data / "a_labeled"
    write_labels(table_of("a_labeled", 2), other)
    shutil.copy(project.labeled_data / "b 2" / "img001.png", other / "img000.png")
    before = (other / "img000.png").read_bytes()
    result = run(project)
    assert (other / "img000.png").read_bytes() == before
    assert [Path(folder).name for folder in result["drawn"]] == ["a_labeled_labeled", "b 2_labeled"]
    assert "a is not drawn" in capsys.readouterr().err


def test_tables_that_cannot_be_read_fail_and_the_others_are_drawn(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    csv = project.labeled_data / "a" / "CollectedData_ada.csv"
    csv.write_text(csv.read_text().replace("10.25", "abc"))
    result = run(project)
    assert result["failed"] == 1 and result["next_step"] == ""
    assert [Path(folder).name for folder in result["drawn"]] == ["b 2_labeled"]
    assert "row 4, snout y: 'abc' is no number" in capsys.readouterr().out


def test_many_problems_are_counted_and_only_some_are_printed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(8):
        shutil.copy(project.labeled_data / "a" / "img000.png", project.labeled_data / "a" / f"extra{index}.png")
    assert len(run(project, "draw=false")["problems"]) == 8
    said = capsys.readouterr().out
    assert "not labelled: 8" in said and "... and 3 more" in said


def test_a_colour_map_or_scale_that_does_not_exist_is_one_line(project: Project) -> None:
    with pytest.raises(ConfigError, match="viridis"):
        run(project, "colormap=viridsi")
    with pytest.raises(ConfigError, match="scale=0"):
        run(project, "scale=0")


def test_the_reaching_project_is_drawn(data_folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "reaching"
    shutil.copytree(data_folder / "Reaching-Mackenzie-2018-08-30", root)
    result = run(Project.open(root), "scale=0.25")
    assert result["frames"] == 55 and result["failed"] == 0
    assert len(list((root / "labeled-data" / "reachingvideo1_labeled").glob("*.png"))) == 55
