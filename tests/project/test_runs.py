"""Where runs live and how a verb finds the one that is meant."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dlc_core.errors import ConfigError, DiskError, RunError
from dlc_core.project.address import RunAddress
from dlc_core.project.keys import pose_cfg_file
from dlc_core.project.project import Project
from dlc_core.project.runs import (
    Run,
    find_run,
    foreign_snapshots,
    new_run_folder,
    runs_of,
    scorer,
    shuffle_folder,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "p"
    root.mkdir()
    (root / "config.yaml").write_text(
        "Task: reach\nscorer: ada\ndate: Oct30\nbodyparts: [hand]\nTrainingFraction: [0.95, 0.5]\n"
    )
    return Project.open(root)


def make_run(folder: Path, *steps: int, at_s: int = 1000) -> Run:
    folder.mkdir(parents=True)
    (folder / "sources.yaml").write_text("{}")
    (folder / "config.yaml").write_text("backbone: {name: timm}\nseed: 3\n")
    for step in steps:
        file = folder / f"snapshot_{step:07d}.ckpt"
        file.touch()
        os.utime(file, (at_s, at_s))
    os.utime(folder, (at_s, at_s))
    return Run(folder)


def test_the_folder_of_a_shuffle_counts_percent_as_deeplabcut(project: Project) -> None:
    folder = shuffle_folder(project, 0.95, 3)
    assert folder == project.root / "dlc-models-core/iteration-0/reachOct30-trainset95shuffle3"
    assert shuffle_folder(project, 0.29, 1, iteration=4).name == f"reachOct30-trainset{int(100 * 0.29)}shuffle1"


def test_latest_is_the_run_whose_last_snapshot_is_youngest_and_newer_empty_ones_are_said(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shuffle_folder(project, 0.95, 1)
    make_run(folder / "b", 10, at_s=2000)
    make_run(folder / "a", 10, at_s=3000)
    make_run(folder / "sweep" / "1f0c2ab4", 10, at_s=2500)
    assert [run.name for run in runs_of(folder)] == ["b", "sweep/1f0c2ab4", "a"]
    assert find_run(project, RunAddress()).name == "a"
    make_run(folder / "c", at_s=4000)
    assert find_run(project, RunAddress()).name == "a"
    assert "c is newer but has saved no step" in capsys.readouterr().err


def test_latest_goes_by_saved_steps_not_by_logs_or_best_snapshots(project: Project) -> None:
    folder = shuffle_folder(project, 0.95, 1)
    for name, at_s in (("a", 2000), ("b", 3000)):
        make_run(folder / name, 10, at_s=at_s)
    for file in ("log.csv", "best-validation_10.ckpt"):
        (folder / "a" / file).touch()
        os.utime(folder / "a" / file, (9000, 9000))
    assert find_run(project, RunAddress()).name == "b"


def test_a_copied_project_has_the_same_latest_run(project: Project) -> None:
    folder = shuffle_folder(project, 0.95, 1)
    # b starts last, but a, which takes longer, saves the youngest step; then c is resumed on the next day
    for name, starts, seconds in (("a", [1], 7200), ("b", [2], 60), ("c", [0], 60)):
        make_run(folder / name, 10, at_s=9000 - 1000 * ord(name[0]))
        (folder / name / "run.yaml").write_text(record(starts))
        (folder / name / "log.csv").write_text(f"step,loss,seconds\n5,1.0,1\n10,0.9,{seconds}\n15,0.8,99999\n20,0")
    assert [run.name for run in runs_of(folder)] == ["c", "b", "a"]
    (folder / "c" / "run.yaml").write_text(record([0, 24]))
    assert find_run(project, RunAddress()).name == "c"


def record(hours: list[int]) -> str:
    """Return what a training writes down of sessions that began at these hours."""
    times = [(datetime(2030, 1, 31, tzinfo=UTC) + timedelta(hours=hour)).isoformat() for hour in hours]
    return "split:\n  test: []\nsessions:\n" + "".join(f"- started: '{time}'\n  python: '3'\n" for time in times)


def test_no_run_hides_inside_another(project: Project) -> None:
    folder = shuffle_folder(project, 0.95, 1)
    make_run(folder / "exp" / "one", 1)
    with pytest.raises(RunError, match=r"run=exp.*holds other runs \(one\)"):
        new_run_folder(folder, "exp")
    make_run(folder / "plain", 1)
    with pytest.raises(RunError, match="run=plain/x: plain is a run itself"):
        new_run_folder(folder, "plain/x")
    assert new_run_folder(folder, "exp/two").is_dir()
    (folder / "exp" / "log.csv").touch()  # made by hand
    assert {run.name for run in runs_of(folder)} == {"exp", "exp/one", "plain"}


def test_a_run_is_found_by_name_sweep_name_and_path(project: Project, tmp_path: Path) -> None:
    folder = shuffle_folder(project, 0.5, 2)
    make_run(folder / "wide", 1)
    make_run(folder / "sweep" / "1f0c2ab4", 1)
    address = {"shuffle": 2, "trainingsetindex": 1}
    assert find_run(project, RunAddress(**address, run="wide")).folder == folder / "wide"
    assert find_run(project, RunAddress(**address, run="sweep/1f0c2ab4")).name == "sweep/1f0c2ab4"
    elsewhere = make_run(tmp_path / "copied away = here", 1)
    assert find_run(project, RunAddress(run=str(elsewhere.folder))).folder == elsewhere.folder
    assert find_run(None, RunAddress(run=str(folder / "wide"))).name == "wide"


def test_what_is_not_there_is_answered_with_what_is(project: Project) -> None:
    folder = shuffle_folder(project, 0.95, 1)
    with pytest.raises(RunError, match=r"no trained network in .*trainset95shuffle1.*dlc train"):
        find_run(project, RunAddress())
    make_run(folder / "wide", 1)
    with pytest.raises(RunError, match=r"Did you mean 'wide'.*Known: wide"):
        find_run(project, RunAddress(run="wid"))
    for index in (2, -1):
        with pytest.raises(ConfigError, match=rf"trainingsetindex={index}, .* has 2 entries.*Choose 0 to 1"):
            find_run(project, RunAddress(trainingsetindex=index))
        with pytest.raises(ConfigError, match=rf"trainingsetindex={index}, "):
            pose_cfg_file(project, trainingsetindex=index)
    with pytest.raises(RunError, match="no project here"):
        find_run(None, RunAddress(run="latest"))


def test_the_name_of_a_sweep_is_answered_with_its_runs_and_how_to_compare_them(project: Project) -> None:
    for job in ("a1", "b2"):
        make_run(shuffle_folder(project, 0.95, 1) / "wide" / job, 10)
    with pytest.raises(RunError, match=r"wide is a sweep of 2 runs: wide/\w\w, wide/\w\w.*`dlc evaluate run=wide`"):
        find_run(project, RunAddress(run="wide"))


def test_snapshots_are_selected_by_index_all_and_name(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", 9, 10, 100)
    for name in ("best-validation_10.ckpt", "best-on-test_9.ckpt", "notes.ckpt", ".~12snapshot_0000200.ckpt"):
        (run.folder / name).touch()
    assert [snapshot.step for snapshot in run.snapshots()] == [9, 10, 100]
    assert [snapshot.step for snapshot in run.select("all")] == [9, 10, 100]
    assert run.select(-1)[0].step == 100 and run.select(0)[0].step == 9 and run.select("1")[0].step == 10
    assert run.select("best")[0].name == "best-validation_10" and not run.select("best")[0].selected_on_test
    assert run.select("best_on_test")[0].selected_on_test
    with pytest.raises(RunError, match=r"snapshotindex=3, .* 3 saved steps \(9, 10, 100\)"):
        run.select(3)
    with pytest.raises(RunError, match="'newest' is unknown"):
        run.select("newest")


def test_a_best_snapshot_that_does_not_exist_says_how_to_get_one(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", 1)
    with pytest.raises(RunError, match=r"snapshotindex=-1 \(the last step\), all or best_on_test, .*split\.validation"):
        run.select("best")
    with pytest.raises(RunError, match="no snapshot yet"):
        make_run(tmp_path / "s").select()


def test_the_config_of_a_run_is_plain(tmp_path: Path) -> None:
    config = make_run(tmp_path / "r").config()
    assert config == {"backbone": {"name": "timm"}, "seed": 3} and type(config["seed"]) is int
    with pytest.raises(RunError, match="it is no run"):
        Run(tmp_path).config()


@pytest.mark.parametrize(
    "name", ["train", "test", "train/x", "latest", "all", "", " ", ".", "..", "a/../b", "/abs", "a/b/c", "a\\b"]
)
def test_names_that_mean_something_else_are_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="run="):
        new_run_folder(tmp_path / "shuffle", name)
    assert not (tmp_path / "shuffle").exists()


def test_a_taken_folder_is_refused_unless_resumed(tmp_path: Path) -> None:
    for name, file in (("a=1, Zoë", "log.csv"), ("b", "snapshot_0000001.ckpt")):
        folder = new_run_folder(tmp_path, name)
        assert folder.is_dir() and new_run_folder(tmp_path, name) == folder, "an empty folder is not taken"
        (folder / file).touch()
        with pytest.raises(RunError, match="resume=true"):
            new_run_folder(tmp_path, name)
        assert new_run_folder(tmp_path, name, resume=True) == folder


def test_a_name_that_no_file_system_takes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="shorter run="):
        new_run_folder(tmp_path, "ü" * 128)


@pytest.mark.parametrize(
    ("backbone", "run", "expected"),
    [
        ("resnet50", "wide", "DLC_Resnet50_reachOct30shuffle2_wide_snapshot_500"),
        (
            "efficientnet_lite0",
            "sweep/1f0c2ab4",
            "DLC_EfficientnetLite0_reachOct30shuffle2_sweep-1f0c2ab4_snapshot_500",
        ),
    ],
)
def test_the_scorer_names_network_project_shuffle_run_and_step(backbone: str, run: str, expected: str) -> None:
    assert scorer("reachOct30", backbone, 2, run, 500) == expected


def test_snapshots_of_deeplabcut_are_listed_and_are_no_runs_of_ours(project: Project) -> None:
    for path in (
        "dlc-models-pytorch/iteration-0/reachOct30-trainset95shuffle1/train/snapshot-best-002.pt",
        "dlc-models/iteration-0/reachOct30-trainset95shuffle1/train/snapshot-5000.index",
    ):
        (project.root / path).parent.mkdir(parents=True)
        (project.root / path).touch()
    assert [found.engine for found in foreign_snapshots(project)] == ["pytorch", "tensorflow"]
    (shuffle_folder(project, 0.95, 1) / "train").mkdir(parents=True)
    (shuffle_folder(project, 0.95, 1) / "train" / "log.csv").touch()
    assert runs_of(shuffle_folder(project, 0.95, 1)) == []
    for wanted in ("latest", "wide"):
        with pytest.raises(RunError, match=r"DeepLabCut's own cannot.*snapshot-best-002\.pt \(pytorch\)"):
            find_run(project, RunAddress(run=wanted))
    make_run(shuffle_folder(project, 0.95, 1) / "ours", 1)
    with pytest.raises(RunError, match="Known: ours") as error:
        find_run(project, RunAddress(run="wide"))
    assert "DeepLabCut" not in str(error.value)
