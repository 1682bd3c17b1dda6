"""The networks of a cross-validation are found among all runs of a shuffle, or said to be missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from dlc_core.errors import RunError
from dlc_core.outliers.fold_runs import find_fold_runs
from dlc_core.project.address import RunAddress
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "p"
    root.mkdir()
    (root / "config.yaml").write_text(
        "Task: reach\nscorer: ada\ndate: Oct30\nbodyparts: [hand]\nTrainingFraction: [0.95, 0.5]\n"
    )
    return Project.open(root)


def make_run(
    project: Project,
    name: str,
    fold: int | None,
    *,
    folds: int = 3,
    seed: int = 42,
    at_s: int = 1000,
    trained: bool = True,
    shuffle: int = 1,
    sources: dict[str, str] | None = None,
    **options: object,
) -> None:
    folder = shuffle_folder(project, 0.95, shuffle) / name
    folder.mkdir(parents=True)
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources or {}, sort_keys=False))
    config = {"seed": seed, "split": {"fold": fold, "folds": folds}, **options}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if trained:
        file = folder / "snapshot_0000010.ckpt"
        file.touch()
        os.utime(file, (at_s, at_s))
    os.utime(folder, (at_s, at_s))


def names(project: Project, **address: object) -> dict[int, str]:
    return {fold: run.name for fold, run in find_fold_runs(project, RunAddress(**address)).runs.items()}


def test_the_runs_of_all_folds_are_found_in_a_sweep_and_on_their_own(project: Project) -> None:
    make_run(project, "plain", None)
    make_run(project, "folds/aa", 0)
    make_run(project, "folds/bb", 2)
    make_run(project, "alone", 1)
    found = find_fold_runs(project, RunAddress())
    assert {fold: run.name for fold, run in found.runs.items()} == {0: "folds/aa", 1: "alone", 2: "folds/bb"}
    assert (found.folds, found.seed, found.missing) == (3, 42, [])


def test_of_a_fold_that_was_trained_twice_the_newer_run_counts_and_one_without_a_step_does_not(
    project: Project,
) -> None:
    for fold in range(3):
        make_run(project, f"old/{fold}", fold, at_s=1000)
    make_run(project, "new/0", 0, at_s=2000)
    make_run(project, "begun/1", 1, at_s=3000, trained=False)
    assert names(project) == {0: "new/0", 1: "old/1", 2: "old/2"}


def test_other_divisions_of_the_frames_are_kept_apart_and_the_last_complete_one_is_taken(project: Project) -> None:
    for fold in range(3):
        make_run(project, f"three/{fold}", fold, at_s=1000)
        make_run(project, f"seed/{fold}", fold, seed=7, at_s=2000)
    make_run(project, "five/0", 0, folds=5, at_s=9000)
    assert names(project) == {fold: f"seed/{fold}" for fold in range(3)}
    assert names(project, run="three") == {fold: f"three/{fold}" for fold in range(3)}


def test_without_any_the_command_that_trains_them_is_given(project: Project) -> None:
    make_run(project, "plain", None)
    with pytest.raises(RunError, match=r"no run of shuffle 1 was trained with split\.fold") as told:
        find_fold_runs(project, RunAddress())
    assert str(told.value).endswith("Train them: dlc train -m split.fold=0,1,2,3,4")
    with pytest.raises(RunError, match=r"dlc train -m split\.fold=0,1,2,3,4 shuffle=2 trainingsetindex=1"):
        find_fold_runs(project, RunAddress(shuffle=2, trainingsetindex=1))


def test_missing_folds_are_named_with_a_command_that_trains_them_like_the_others(project: Project) -> None:
    sources = {
        "backbone.name": "backbone=resnet18 (command line)",
        "backbone.model": "backbone=resnet18 (command line)",
        "head.name": "head=deconv (default)",
        "training.minutes": "command line",
        "training.best_on_test": "command line",
        "training.batch_size": "config.yaml: batch_size",
        "augmenter.rotation": "command line",
        "init_weights": "command line",
        "split.fold": "command line",
        "sweep": "command line",
        "seed": "command line",
    }
    options = {
        "training": {"steps": 317, "minutes": None, "best_on_test": False, "batch_size": 4},
        "augmenter": {"rotation": 1},
        "init_weights": "/a folder/net.ckpt",
        "sweep": "folds",
    }
    make_run(project, "folds/aa", 1, folds=4, seed=3, sources=sources, **options)
    make_run(project, "folds/bb", 2, folds=4, seed=3, trained=False)
    with pytest.raises(RunError) as told:
        find_fold_runs(project, RunAddress())
    said = str(told.value)
    assert (
        "of the 4 folds of seed 3 these are trained: 1 (folds/aa); folds 0, 2, 3 of split.folds=4 are missing" in said
    )
    assert "folds/bb (fold 2) has saved no step yet" in said
    assert said.endswith(
        "Train: dlc train -m split.fold=0,2,3 split.folds=4 seed=3 backbone=resnet18 training.steps=317 "
        "training.best_on_test=false augmenter.rotation=1 'init_weights=/a folder/net.ckpt'"
    )


def test_one_missing_fold_needs_no_sweep(project: Project) -> None:
    make_run(project, "a", 0, folds=2)
    with pytest.raises(RunError, match=r"fold 1 of split\.folds=2 is missing\. Train: dlc train split\.fold=1 "):
        find_fold_runs(project, RunAddress())


def test_a_sweep_that_does_not_exist_is_answered_with_those_that_do(project: Project) -> None:
    make_run(project, "folds/aa", 0)
    with pytest.raises(RunError, match=r"no sweep 'fold' .* there are folds"):
        find_fold_runs(project, RunAddress(run="fold"))
