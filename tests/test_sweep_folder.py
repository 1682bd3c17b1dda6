"""A sweep has one name, a folder below the networks it makes, and that folder to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlc_core import sweep_folder
from dlc_core.errors import ConfigError, RunError, RunTakenError
from dlc_core.overrides import quote_free_values
from dlc_core.project.project import Project
from dlc_core.sweep_folder import claimed_folder, take_name
from dlc_core.verbs import verb_named

TRAIN = verb_named("train")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "config.yaml").write_text("Task: reach\nscorer: ada\ndate: Nov21\nbodyparts: [hand]\niteration: 1\n")
    return Project.open(tmp_path)


def name_of(*overrides: str) -> tuple[str, list[str]]:
    return take_name(TRAIN, quote_free_values(overrides, multirun=True))


@pytest.mark.parametrize("typed", ["wide", "it's", 'say "hi"', "'a,b'", "Mäuse 1"])
def test_the_name_arrives_as_it_was_typed(typed):
    expected = typed.strip("'") if typed.startswith("'") else typed
    assert name_of("seed=1,2", f"sweep={typed}") == (expected, ["seed=1,2"])
    assert name_of("seed=1,2") == ("", ["seed=1,2"])


@pytest.mark.parametrize(
    ("typed", "error", "message"),
    [
        ("a,b", ConfigError, "several names"),
        ("/tmp/x", RunError, "sweep='/tmp/x' is no name for a folder"),
        ("..", RunError, "no name for a folder"),
        ("a/b", RunError, "no name for a folder"),
        ("train", RunError, "a sweep cannot be called 'train'"),
    ],
)
def test_a_name_that_no_folder_of_runs_can_have_is_refused(typed, error, message):
    with pytest.raises(error, match=message):
        name_of(f"sweep={typed}")


@pytest.mark.parametrize(
    ("overrides", "iteration"), [([], 1), (["iteration=2"], 2), (["iteration=null"], 1), (["iteration=0,2"], 1)]
)
def test_the_folder_lies_below_the_networks_of_the_iteration_that_is_asked_for(project, overrides, iteration):
    with claimed_folder(TRAIN, project, overrides, "wide") as folder:
        assert folder == project.root / "dlc-models-core" / f"iteration-{iteration}" / "sweeps" / "wide"


def test_two_sweeps_of_one_second_have_two_folders(project, monkeypatch):
    class Now:
        @staticmethod
        def now():
            from datetime import datetime

            return datetime(2030, 1, 31, 12)

    monkeypatch.setattr(sweep_folder, "datetime", Now)
    with claimed_folder(TRAIN, project, []) as first, claimed_folder(TRAIN, project, []) as second:
        assert (first.name, second.name) == ("2030-01-31_12-00-00", "2030-01-31_12-00-00-2")


def test_a_sweep_that_came_to_nothing_leaves_no_folder(project):
    for name in ("", "wide"):
        with pytest.raises(ConfigError), claimed_folder(TRAIN, project, [], name) as folder:
            assert folder.is_dir()
            raise ConfigError("a wrong option")
        assert not folder.exists()


def test_what_hydra_wrote_before_the_first_job_goes_with_the_folder_of_a_sweep_without_jobs(project):
    for jobs in (0, 1):
        with claimed_folder(TRAIN, project, [], "wide") as folder:
            (folder / "multirun.yaml").touch()
            for number in range(jobs):
                (folder / f"job_{number}").mkdir()
                (folder / f"job_{number}" / "job.json").touch()
        assert (folder / "multirun.yaml").exists() == bool(jobs)
        assert folder.exists() == bool(jobs)


def test_a_named_sweep_can_be_taken_up_again_but_not_while_it_runs(project):
    with claimed_folder(TRAIN, project, [], "wide") as first:
        (first / "job_0").mkdir()
        second = claimed_folder(TRAIN, project, [], "wide")
        with pytest.raises(RunTakenError, match=r"the sweep wide is being run by process \d+"), second:
            pass
    with claimed_folder(TRAIN, project, [], "wide") as again:
        assert sorted(path.name for path in again.iterdir() if path.is_dir()) == ["job_0"]
