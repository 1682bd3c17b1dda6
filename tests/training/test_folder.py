"""No two trainings write into one folder."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from dlc_core.errors import RunTakenError
from dlc_core.project.runs import Run
from dlc_core.training import folder
from dlc_core.training.folder import LOCK_FILE, claim, forget, held, hold_again


@pytest.fixture(autouse=True)
def no_folder_for_processes():
    yield
    forget()


def test_a_name_is_one_training_s_until_that_ends(tmp_path: Path) -> None:
    with ExitStack() as first, ExitStack() as second:
        made = claim(tmp_path, "a", "resnet50", 0, first)
        with pytest.raises(RunTakenError, match=r"the run a is being trained by process \d+ on .*run="):
            claim(tmp_path, "a", "resnet50", 0, second)
        with pytest.raises(RunTakenError, match="is being trained"):
            hold_again(Run(made), 0, second)
        first.close()
        assert not (made / LOCK_FILE).exists()
        assert claim(tmp_path, "a", "resnet50", 0, second) == made, "nothing was trained in it"


def test_unnamed_runs_of_the_same_second_get_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz=None):  # noqa: ARG003 - as in datetime
            return cls(2030, 1, 31, 12)

    monkeypatch.setattr(folder, "datetime", Noon)
    with ExitStack() as holds:
        made = [claim(tmp_path, None, "resnet50", 0, holds) for _ in range(3)]
    assert [one.name for one in made] == [f"resnet50-20300131-120000{end}" for end in ("", "-2", "-3")]


def test_a_training_that_came_and_went_meanwhile_keeps_its_folder(tmp_path: Path, monkeypatch) -> None:
    def slow(run: Run):
        (run.folder / "log.csv").touch()  # the other one, between the look and the lock
        return held(run)

    monkeypatch.setattr(folder, "held", slow)
    with ExitStack() as holds, pytest.raises(RunTakenError, match="resume=true"):
        claim(tmp_path, "a", "resnet50", 0, holds)
    assert not (tmp_path / "a" / LOCK_FILE).exists()


def test_the_other_processes_of_a_training_take_the_folder_of_the_first(tmp_path: Path) -> None:
    with ExitStack() as holds:
        made = claim(tmp_path, None, "resnet50", 0, holds)
        assert claim(tmp_path, None, "resnet50", 1, holds) == made
