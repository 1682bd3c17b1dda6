"""What a sweep reports: the jobs of this launch, those that did not end among the failed."""

from __future__ import annotations

import json
from pathlib import Path

from dlc_core.sweep import collect, report


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
