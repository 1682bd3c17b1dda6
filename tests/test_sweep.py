"""What a sweep reports: the jobs of this launch, those that did not end among the failed."""

from __future__ import annotations

import json
from pathlib import Path

from dlc_core.sweep import JobResult, collect, evaluation_of, report


def record(folder: Path, number: int, launch: str, exit_code: int | None) -> None:
    place = folder / f"job_{number}"
    place.mkdir(parents=True)
    about = {"launch": launch, "number": str(number), "overrides": [f"seed={number}"], "exit_code": exit_code}
    (place / "job.json").write_text(json.dumps(about))


def test_jobs_of_an_earlier_launch_in_the_same_folder_do_not_count(tmp_path):
    record(tmp_path, 0, "new", 0)
    record(tmp_path, 1, "old", 2)
    assert [(job.number, job.exit_code) for job in collect(tmp_path, "new")] == [("0", 0)]


def test_a_job_that_nobody_saw_end_is_a_failure(tmp_path, capsys):
    record(tmp_path, 0, "a", 0)
    record(tmp_path, 1, "a", None)
    record(tmp_path, 2, "a", -9)
    assert report(collect(tmp_path, "a")) == 2
    assert "job 1 did not end" in capsys.readouterr().err


def test_jobs_are_listed_by_number_not_by_text(tmp_path):
    for number in (10, 9, 0):
        record(tmp_path, number, "a", 0)
    assert [job.number for job in collect(tmp_path, "a")] == ["0", "9", "10"]


def test_a_training_is_reported_with_its_run_and_its_errors(tmp_path, capsys):
    record(tmp_path, 0, "a", 0)
    found = {"run": "wide/1f0c", "errors_px": {"validation": 3.456, "test": 4.0}}
    (tmp_path / "job_0" / "result.json").write_text(json.dumps(found))
    report(collect(tmp_path, "a"))
    line = "job 0: done  seed=0   run=wide/1f0c: validation error 3.46 px, test error 4.00 px"
    assert capsys.readouterr().out.strip() == line


def test_the_command_that_compares_a_sweep_goes_through_the_shuffles_of_its_trainings(tmp_path):
    done = [JobResult(str(n), [f"shuffle={n}", "seed=1"], 0, tmp_path) for n in (1, 2)]
    assert evaluation_of(done, "wide") == "dlc evaluate -m shuffle=1,2 run=wide"
    assert evaluation_of(done[1:], "wide") == "dlc evaluate shuffle=2 run=wide"
    assert evaluation_of([JobResult("0", ["seed=1"], 0, tmp_path)], "wide") == "dlc evaluate run=wide"
    assert evaluation_of([JobResult("0", ["seed=1"], 2, tmp_path)], "wide") == ""
