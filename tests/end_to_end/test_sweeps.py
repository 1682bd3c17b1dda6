"""Sweeps: every launcher runs each job as a child of its own, and one that fails ends alone."""

from __future__ import annotations

import json

import pytest
import yaml

from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder


def test_each_job_of_a_sweep_reads_its_own_shuffle_and_has_a_run_of_its_own(dlc, project, small):
    opened = Project.open(project)
    for shuffle, radius in ((1, 11), (2, 12)):
        path = shuffle_folder(opened, 0.75, shuffle) / "train" / "pose_cfg.yaml"
        assert all(line.startswith("#") or not line.strip() for line in path.read_text().splitlines())
        with path.open("a") as file:
            file.write(f"\npos_dist_thresh: {radius}\n")
    config = (project / "config.yaml").read_bytes()
    done = dlc(project, "train", "-m", *small, "shuffle=1,2", "training.steps=2", "sweep=radius")
    assert "project=from_files" not in done.stderr
    assert "run=radius/" in done.stdout
    (next_step,) = (line for line in done.stdout.splitlines() if line.startswith("Next: "))
    evaluated = dlc(project, *next_step.removeprefix("Next: dlc ").split(), "--json")
    assert [job["result"]["runs"][0]["run"].split("/")[0] for job in json.loads(evaluated.stdout)["jobs"]] == [
        "radius"
    ] * 2
    found = {}
    for path in project.glob("dlc-models-core/iteration-0/*/radius/*/config.yaml"):
        resolved = yaml.safe_load(path.read_text())
        found[resolved["shuffle"]] = resolved["head"]["pos_dist_thresh"]
        sources = (path.parent / "sources.yaml").read_text()
        assert "pose_cfg.yaml: pos_dist_thresh" in sources
    assert found == {1: 11, 2: 12}
    assert (project / "config.yaml").read_bytes() == config


@pytest.mark.parametrize("launcher", ["basic", "joblib", "submitit_local", "ray"])
def test_a_job_that_fails_ends_alone_under_every_launcher(dlc, project, launcher):
    words = ["create-dataset", "-m", f"hydra/launcher={launcher}", "shuffles=[1],[7]", "--json"]
    done = dlc(project, *words, code=2)
    jobs = json.loads(done.stdout)["jobs"]
    assert [job["exit_code"] for job in jobs] == [2, 0], done.stderr
    assert "job 0" in done.stderr
    assert "overwrite" in done.stderr
    assert list(project.glob("training-datasets/**/shuffle-*shuffle7.json"))


def test_every_video_of_an_analysis_sweep_is_a_job(dlc, project, small, video, tmp_path):
    dlc(project, "train", *small, "training.steps=2", "run=one")
    other = tmp_path / "other.mp4"
    other.write_bytes(video[0].read_bytes())
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing")
    done = dlc(project, "analyze", "-m", "--json", video[0], bad, other, f"destfolder={tmp_path}", code=2)
    assert [bool(job["exit_code"]) for job in json.loads(done.stdout)["jobs"]] == [False, True, False]
    assert len(list(tmp_path.glob("*.h5"))) == 2


def test_a_wrong_option_in_a_sweep_is_one_line_with_the_near_name(dlc, project):
    done = dlc(project, "train", "-m", "seed=1,2", "backbone=resnet500", code=2)
    assert done.stderr.count("Error: ") == 1
    assert "backbone=resnet500 does not exist. Did you mean 'resnet50'" in done.stderr


def test_presets_of_a_lab_reach_the_jobs(dlc, project, tmp_path):
    (tmp_path / "experiment").mkdir()
    for name, shuffle in (("a", 8), ("b", 9)):
        (tmp_path / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\nshuffles: [{shuffle}]\n")
    dlc(project, "create-dataset", "-m", f"hydra.searchpath=['file://{tmp_path}']", "experiment=a,b")
    assert len(list(project.glob("training-datasets/**/shuffle-*shuffle[89].json"))) == 2


def test_a_launcher_that_gives_up_is_one_line_and_no_bug_of_ours(dlc, project):
    done = dlc(project, "create-dataset", "-m", "hydra/launcher=submitit_slurm", "shuffles=[7],[8]", code=2)
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("Error: "))
    assert "the launcher or sweeper of Hydra gave up" in error
    assert "srun" in error
    assert "internal error" not in error


@pytest.mark.long
def test_a_search_reads_the_validation_error_of_each_job(dlc, project, small):
    dlc(project, "create-dataset", "shuffles=[3]", "split.validation=0.3")
    search = [
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=2",
        "hydra.sweeper.n_jobs=1",
        "hydra.sweeper.direction=minimize",
    ]
    dlc(
        project,
        "train",
        "-m",
        *search,
        *small,
        "shuffle=3",
        "training.steps=3",
        "optimizer.lr=interval(0.0001,0.01)",
        "sweep=search",
    )
    (results,) = project.glob("dlc-models-core/iteration-0/sweeps/search/optimization_results.yaml")
    found = yaml.safe_load(results.read_text())
    assert found["best_value"] > 0
    assert 0.0001 <= found["best_params"]["optimizer.lr"] <= 0.01
