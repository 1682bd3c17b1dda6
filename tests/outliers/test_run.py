"""``dlc extract-outliers`` from the user's side: what it says, what it asks, what stops it and what does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dlc_core as dlc
from dlc_core.api import run_step
from dlc_core.cli import dlc as command
from dlc_core.demo.animal import SKELETON
from dlc_core.errors import ConfigError
from dlc_core.labels.machine import MachineLabels, machine_file, read_machine, write_machine
from dlc_core.project.project import Project

from .conftest import poses_of, write_store

BAD = (4, 5, 6, 20, 21, 40, 41, 59)
SURE = ["detector=uncertain", "selector=uniform", "plotting=false", "yes=true"]


def images(project: Project, name: str = "reach1") -> list[str]:
    return sorted(path.name for path in (project.labeled_data / name).glob("img*.png"))


def written(project: Project) -> set[Path]:
    """Return every file of the project."""
    return {path for path in project.root.rglob("*") if path.is_file() and ".zarr" not in str(path)}


@pytest.fixture
def answer(monkeypatch):
    """Sit at the terminal and answer."""

    def answering(text: str) -> list[str]:
        asked: list[str] = []
        monkeypatch.setattr("dlc_core.outliers.run.can_ask", lambda: True)
        monkeypatch.setattr("builtins.input", lambda prompt="": asked.append(prompt) or text)
        return asked

    return answering


def test_it_says_how_many_frames_meet_the_criterion_and_writes_those_that_were_asked_for(project, video, capsys):
    write_store(video, bad=BAD)
    outcome = run_step("extract_outliers", project, [*SURE, "n=3"], [video])
    assert outcome.failed == 0
    (entry,) = outcome.data["videos"]
    assert entry["outliers"] == entry["candidates"] == 8 and len(entry["frames"]) == 3
    assert read_machine(entry["machine_labels"]).images == tuple(
        f"labeled-data/reach1/img{frame:02}.png" for frame in entry["frames"]
    )
    said = capsys.readouterr().out
    assert "reach1.mp4: poses from " in said
    assert "reach1.mp4: 8 of 60 frames meet detector=uncertain (score below 0.01)." in said
    assert f"{project.labeled_data / 'reach1'}: 3 new frames with machine labels in machinelabels-iter0.h5\n" in said
    assert outcome.next_step == "dlc refine"


def test_fewer_outliers_than_asked_for_are_all_taken_and_it_says_so(project, video, capsys):
    write_store(video, bad=BAD)
    run_step("extract_outliers", project, [*SURE, "n=5"], [video])
    capsys.readouterr()
    outcome = run_step("extract_outliers", project, [*SURE, "n=5"], ["reach1"])
    assert len(outcome.data["videos"][0]["frames"]) == 3
    said = capsys.readouterr().out
    assert "(score below 0.01), 5 of which were taken before; 3 is fewer than n=5, so all new ones are taken." in said
    assert "added to the 5 that were there" in said
    again = run_step("extract_outliers", project, SURE, [video])
    assert (
        "5 of" not in (said := capsys.readouterr().out) and "8 of which were taken before: there is no new one." in said
    )
    assert again.failed == 0 and again.data["videos"][0]["frames"] == [] and again.next_step == ""


def test_a_video_that_is_named_twice_is_one_video(project, video, monkeypatch):
    write_store(video, bad=BAD)
    monkeypatch.chdir(project.root)
    outcome = run_step("extract_outliers", project, [*SURE, "n=3"], ["reach1", video, Path("videos/reach1.mp4")])
    assert [len(entry["frames"]) for entry in outcome.data["videos"]] == [3] and len(images(project)) == 3


def test_a_video_without_outliers_is_told_its_worst_score(project, video, capsys):
    write_store(video)
    outcome = run_step("extract_outliers", project, SURE, [video])
    assert outcome.failed == 0 and images(project) == []
    said = capsys.readouterr().out
    assert "none of 60 frames meets detector=uncertain (score below 0.01); the worst score is 0.9, of frame 0" in said


def test_with_start_and_stop_only_the_frames_between_them_are_counted(project, video, capsys):
    write_store(video, bad=BAD)
    for start, stop, count in ((0.3, 0.5, "2 of 12 frames between 0.3 and 0.5 meet"), (0.7, 0.8, "none of 6 frames")):
        run_step("extract_outliers", project, [*SURE, "yes=true", f"start={start}", f"stop={stop}"], [video])
        assert f"reach1.mp4: {count}" in capsys.readouterr().out


def test_it_asks_once_for_all_videos_and_no_means_no(project, video, other_video, answer, capsys):
    write_store(video, bad=BAD)
    write_store(other_video, bad=[3])
    before = written(project)
    asked = answer("n")
    outcome = run_step("extract_outliers", project, [*SURE[:-1], "n=6"], [video, other_video])
    assert written(project) == before and outcome.failed == 0
    assert len(asked) == 1 and "Extract 7 frames of 2 videos? [y/N]" in capsys.readouterr().err
    answer("YES ")
    outcome = run_step("extract_outliers", project, [*SURE[:-1], "n=6"], [video, other_video])
    assert [len(entry["frames"]) for entry in outcome.data["videos"]] == [6, 1]


def test_where_nobody_can_answer_it_refuses_before_it_looks_at_anything(project, video, monkeypatch):
    monkeypatch.setattr("dlc_core.console._quiet_stdout", False)  # which --json changes for the whole process
    write_store(video, bad=BAD)
    before = written(project)
    runner = CliRunner()
    refused = runner.invoke(command, ["extract-outliers", "-p", str(project.root), "detector=uncertain", str(video)])
    assert isinstance(refused.exception, ConfigError) and "Add --yes" in str(refused.exception)
    assert written(project) == before and not (video.parent / "plot-poses").exists()
    words = ["extract-outliers", "-p", str(project.root), "--yes", "--json", "detector=uncertain", "n=2", str(video)]
    done = runner.invoke(command, words)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["videos"][0]["frames"]) == 2
    assert runner.invoke(command, ["extract-frames", "--yes"]).exit_code == 2, "a step that does not ask has no --yes"


def test_a_video_that_fails_does_not_stop_the_others(project, video, other_video, capsys):
    write_store(other_video, bad=[3, 4])
    outcome = run_step("extract_outliers", project, SURE, ["nowhere.mp4", video, other_video])
    assert outcome.failed == 2 and outcome.next_step == ""
    errors = {Path(entry["video"]).name: entry.get("error", "") for entry in outcome.data["videos"]}
    assert "there is no file or folder nowhere.mp4" in errors["nowhere.mp4"]
    assert "there are no poses of reach1.mp4" in errors["reach1.mp4"] and "dlc analyze" in errors["reach1.mp4"]
    assert errors["reach2.mp4"] == ""
    assert images(project, "reach2") == ["img03.png", "img04.png"]
    assert capsys.readouterr().err.count("Note: ") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], r"no video was given\. Name videos"),
        (["bodyparts=[snout,lefteer]"], r"bodyparts has 'lefteer'.*Did you mean 'leftear'"),
        (["bodyparts='snout,leftear'"], r"Several are written bodyparts=\[snout,leftear\]"),
        (["ensemble=other"], "detector=uncertain compares none"),
        (["detector=uncertainn"], "uncertain"),
        (["detector.epsilon=3"], "epsilon"),
        (["detector.p_bound=7"], r"detector\.p_bound is 7\.0; a likelihood"),
        (["detector=jump", "detector.epsilon=-1"], r"detector\.epsilon is -1\.0; a distance"),
        (["detector=arima", "detector.p_bound=-0.1"], r"detector\.p_bound is -0\.1"),
        (["detector=ensemble", "detector.epsilon=nan"], r"detector\.epsilon is nan"),
        (["detector=label_error"], "dlc check-labels detector=label_error"),
        (["n=0"], "n is 0"),
        (["start=0.9", "stop=0.2"], r"start is 0\.9 and stop is 0\.2"),
        (["crop='1,2,3'"], "four whole numbers"),
        (["seed=-1"], "seed is -1"),
        (["run=nobody"], "no run 'nobody'|nobody"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_video(project, video, options, message):
    write_store(video, bad=BAD)
    before = written(project)
    with pytest.raises((ConfigError, LookupError), match=message):
        run_step("extract_outliers", project, [*SURE, *options], [] if not options else [video])
    assert written(project) == before


def test_unfinished_poses_a_missing_network_and_labels_of_another_network_are_that_video_s_failures(
    project, video, other_video
):
    write_store(video, done=32)
    write_store(other_video, bad=[3])
    other = MachineLabels(
        "DLC_Other", ("labeled-data/reach2/i1.png",), ("snout",), np.ones((1, 1, 1, 2)), np.ones((1, 1, 1))
    )
    write_machine(other, machine_file(project.labeled_data / "reach2", 0))
    outcome = run_step("extract_outliers", project, SURE, [video, other_video])
    unfinished, foreign = (entry["error"] for entry in outcome.data["videos"])
    assert "unfinished: 32 of 60 frames" in unfinished
    assert foreign.startswith("reach2.mp4: ") and "labelled by DLC_Other; those of DLC_Net" in foreign
    outcome = run_step("extract_outliers", project, ["detector=ensemble", *SURE[1:]], [other_video])
    assert "labelled by DLC_Other" in outcome.data["videos"][0]["error"]
    shutil.rmtree(project.labeled_data / "reach2")
    outcome = run_step("extract_outliers", project, ["detector=ensemble", *SURE[1:]], [other_video])
    assert "alone. Analyze it with another one as well" in outcome.data["videos"][0]["error"]
    assert images(project) == images(project, "reach2") == []


def test_a_folder_that_cannot_be_written_is_that_video_s_failure(project, video, other_video):
    for one in (video, other_video):
        write_store(one, bad=[3, 4])
    shutil.rmtree(project.labeled_data / "reach1")
    (project.labeled_data / "reach1").write_text("a file where a folder should be")
    outcome = run_step("extract_outliers", project, SURE, [video, other_video])
    assert outcome.failed == 1
    assert "is a file, a folder is needed there" in outcome.data["videos"][0]["error"]
    assert images(project, "reach2") == ["img03.png", "img04.png"]


def test_the_number_of_frames_start_and_stop_come_from_config_yaml_unless_given(project, video):
    write_store(video, bad=range(60))
    text = project.config.path.read_text()
    project.config.path.write_text(
        text.replace("numframes2pick: 20", "numframes2pick: 4").replace("start: 0.0", "start: 0.5")
    )
    changed = Project.open(project.root)
    (entry,) = run_step("extract_outliers", changed, SURE, [video]).data["videos"]
    assert len(entry["frames"]) == 4 and min(entry["frames"]) >= 30
    (entry,) = run_step("extract_outliers", changed, [*SURE, "n=2", "start=0", "stop=0.2"], [video]).data["videos"]
    assert len(entry["frames"]) == 2 and max(entry["frames"]) < 12


def test_networks_that_disagree_find_frames_with_the_ensemble(project, video):
    write_store(video, run="first")
    keypoints, likelihood = poses_of(video)
    keypoints[10:13, 0, 2] += 60
    write_store(video, run="second", poses=(keypoints, likelihood))
    outcome = run_step("extract_outliers", project, ["detector=ensemble", *SURE[1:], "file=null"], [video])
    assert "was analyzed by several networks" in outcome.data["videos"][0]["error"]
    file = next(video.parent.glob("*_first_*.zarr"))
    options = ["detector=ensemble", *SURE[1:], f"file='{file}'", "ensemble=second"]
    outcome = run_step("extract_outliers", project, options, [video])
    assert outcome.data["videos"][0]["frames"] == [10, 11, 12]
    assert read_machine(outcome.data["videos"][0]["machine_labels"]).scorer.endswith("_first_snapshot_10")


def test_pictures_of_the_score_and_of_what_was_fitted_are_drawn(project, video):
    keypoints, likelihood = poses_of(video)
    keypoints[30, 0, 0] += 50
    write_store(video, poses=(keypoints, likelihood))
    options = [
        "detector=arima",
        "detector.ar_degree=1",
        "selector=uniform",
        "yes=true",
        "bodyparts=[snout]",
        "n=1",
    ]
    outcome = run_step("extract_outliers", project, options, [video])
    folder = video.parent / "plot-poses" / "reach1" / "outliers-arima"
    assert outcome.data["videos"][0]["plots"] == [str(folder / name) for name in ("score.png", "fit-snout.png")]
    assert all(Path(path).stat().st_size > 10_000 for path in outcome.data["videos"][0]["plots"])


def test_pictures_that_cannot_be_written_cost_no_frames(project, video, capsys):
    write_store(video, bad=BAD)
    (video.parent / "plot-poses").write_text("a file where a folder should be")
    outcome = run_step("extract_outliers", project, [*SURE, "plotting=true"], [video])
    assert outcome.failed == 0 and len(images(project)) == 8
    assert "reach1.mp4: no pictures: cannot write" in capsys.readouterr().err


def test_results_elsewhere_are_read_and_drawn_there(project, video, tmp_path):
    place = tmp_path / "my results"
    place.mkdir()
    write_store(video, bad=BAD, folder=place)
    options = ["detector=uncertain", "selector=uniform", "yes=true", f"destfolder='{place}'"]
    assert run_step("extract_outliers", project, options, [video]).failed == 0
    assert (place / "plot-poses" / "reach1" / "outliers-uncertain" / "score.png").is_file()
    assert len(images(project)) == 8


def test_a_named_file_is_for_one_video(project, video, other_video):
    file = write_store(video, bad=BAD)
    with pytest.raises(ConfigError, match="poses of one video, but 2 were given"):
        run_step("extract_outliers", project, [*SURE, f"file='{file}'"], [video, other_video])
    assert run_step("extract_outliers", project, [*SURE, f"file='{file}'"], [video]).failed == 0


def test_the_python_function_has_the_names_of_the_paper(project, video, capsys, answer):
    keypoints, likelihood = poses_of(video, BAD)
    keypoints[30, 0, SKELETON.keypoints.index("tailtip")] += 40
    write_store(video, poses=(keypoints, likelihood))
    config = project.config.path
    quick = ["selector=uniform", "plotting=false"]
    chosen = {"extractionalgorithm": "uniform", "overrides": quick}
    answer("n")
    assert dlc.extract_outlier_frames(config, video, epsilon=15, **chosen).data["videos"][0]["outliers"] == 2
    outcome = dlc.extract_outlier_frames(
        config, [video], outlieralgorithm="uncertain", p_bound=0.5, epsilon=7, comparisonbodyparts="snout", **chosen
    )
    assert outcome.data["videos"][0]["outliers"] == 8 and images(project) == []
    assert "epsilon=7 is not used: the detector uncertain has no such option." in capsys.readouterr().err
    outcome = dlc.extract_outlier_frames(
        config, video, "", outlieralgorithm="uncertain", automatic=True, comparisonbodyparts=["tailtip"], **chosen
    )
    assert outcome.data["videos"][0]["outliers"] == 0
    outcome = dlc.extract_outlier_frames(config, video, outlieralgorithm="uncertain", automatic=True, **chosen)
    assert len(outcome.data["videos"][0]["frames"]) == 8
    with pytest.raises(ConfigError, match="fittin"):
        dlc.extract_outlier_frames(config, video, outlieralgorithm="fittin", automatic=True)


def test_the_paper_s_fitting_is_the_detector_arima(project, video):
    keypoints, likelihood = poses_of(video)
    keypoints[30, 0] += 50
    write_store(video, poses=(keypoints, likelihood))
    outcome = dlc.extract_outlier_frames(
        project.config.path,
        video,
        outlieralgorithm="fitting",
        comparisonbodyparts=["snout"],
        epsilon=25,
        p_bound=0.1,
        ARdegree=1,
        MAdegree=1,
        alpha=0.05,
        automatic=True,
        overrides=["plotting=false"],
    )
    assert 30 in outcome.data["videos"][0]["frames"]
