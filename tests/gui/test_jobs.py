"""Steps as processes: what they hand back, that they go on without the server, and that they end when told."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from dlc_core.errors import ConfigError, DataError, ProjectError
from dlc_core.gui import jobs as jobs_module
from dlc_core.gui.job_files import CANCELLED, DONE, FAILED, LOST, RUNNING, Job, tidy
from dlc_core.gui.job_process import JOB
from dlc_core.gui.jobs import Jobs
from dlc_core.project.create import create_project
from dlc_core.project.project import Project

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

LONG = """
import json, os, sys, time
from dlc_core.console import progress
with progress("Waiting", 100, "steps", done=40) as advance:
    print("begun", file=sys.stderr, flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("saved", file=sys.stderr, flush=True)
        sys.exit(130)
"""


@pytest.fixture
def project(tmp_path: Path, data_folder: Path) -> Project:
    return create_project("reach", "Ann", [data_folder / "sleap-tests" / "small_robot_3_frame.mp4"], tmp_path)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def start_python(jobs: Jobs, code: str) -> Job:
    """Start a process as `Jobs.start` does, that runs `code` instead of a step, and wait until it has begun."""
    folder = jobs._new_folder("train")
    (folder / JOB).write_text(
        json.dumps({"verb": "train", "words": [], "started": "2030-01-31T12:00:00+00:00", "command": ["-c", code]})
    )
    jobs._started[folder.name] = jobs_module._spawn(folder)
    end = time.monotonic() + 20
    while "begun" not in jobs.job(folder.name).lines() and time.monotonic() < end:
        time.sleep(0.02)
    return jobs.job(folder.name)


def ended(jobs: Jobs, job: Job) -> Job:
    end = time.monotonic() + 20
    while (now := jobs.job(job.folder.name)).state == RUNNING and time.monotonic() < end:
        time.sleep(0.02)
    return now


def test_a_step_hands_back_what_it_found_and_says_what_it_did(project):
    jobs = Jobs(project.root)
    started = jobs.start("extract-frames", ["selector=uniform", "n=2"])
    assert started.state == RUNNING
    job = jobs.wait(started, 60)
    assert (job.state, job.exit_code, job.message) == (DONE, 0, "")
    assert len(job.result()["videos"][0]["frames"]) == 2
    assert any("2 new frames" in line for line in job.lines())
    again = Jobs(project.root)  # as after a restart of the server
    assert again.all() == [job]
    assert again.running() is None
    assert again.farewell() == ""


def test_a_step_that_fails_says_why_in_one_line(project):
    jobs = Jobs(project.root)
    job = jobs.wait(jobs.start("extract-frames", ["n=many"]), 60)
    assert (job.state, job.exit_code) == (FAILED, 2)
    assert "n" in job.message
    assert "\n" not in job.message


def test_what_is_no_step_is_not_started(jobs):
    with pytest.raises(ConfigError, match="no step 'rm'"):
        jobs.start("rm", ["-rf", "/"])
    with pytest.raises(DataError, match="no step"):
        jobs.job("../../etc")


def test_words_reach_the_step_as_they_are_and_no_shell(project):
    jobs = Jobs(project.root)
    job = jobs.wait(jobs.start("extract-frames", ["--", "$(touch hacked); a b.mp4"]), 60)
    assert job.state == FAILED
    assert "$(touch hacked); a b.mp4" in job.message
    assert not list(project.root.rglob("hacked"))


@posix
def test_a_running_step_shows_its_progress_and_lets_no_other_start(jobs):
    job = start_python(jobs, LONG)
    assert job.state == RUNNING
    progress = job.progress()
    assert progress is not None
    assert (progress.description, progress.done, progress.total, progress.share) == ("Waiting", 40, 100, 0.4)
    with pytest.raises(ProjectError, match="one step at a time"):
        jobs.start("train")
    jobs.cancel(job)
    assert ended(jobs, job).state == CANCELLED


@posix
def test_a_step_outlives_the_server_which_finds_it_again_and_can_cancel_it(jobs, tmp_path):
    job = start_python(jobs, LONG)
    again = Jobs(tmp_path)
    assert again.running() == job
    assert str(job.folder / "log.txt") in again.farewell()
    again.cancel(job)
    now = ended(again, job)
    assert (now.state, now.exit_code) == (CANCELLED, 130)
    assert "saved" in now.lines(), "the step was asked, not killed"


@posix
def test_a_step_that_does_not_listen_is_ended_at_once_with_all_it_started(jobs):
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '60']); print('begun', file=sys.stderr, flush=True);"
        "print(child.pid, file=sys.stderr, flush=True); time.sleep(60)"
    )
    job = start_python(jobs, code)
    end = time.monotonic() + 5
    while len(job.lines()) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    grandchild = int(job.lines()[1])
    jobs.cancel(job)
    assert jobs.job(job.folder.name).is_cancelling
    jobs.cancel(job, at_once=True)
    assert ended(jobs, job).state == CANCELLED
    end = time.monotonic() + 5
    while is_alive(grandchild) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_alive(grandchild)


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    if state.exists():
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc").exists()


def test_a_step_that_asks_waits_for_the_answer_from_the_browser(jobs):
    code = (
        "import sys; from dlc_core.console import ask, can_ask; print('begun', can_ask(), file=sys.stderr);"
        "print('begun', file=sys.stderr, flush=True); print('answers:', ask('Extract 3 frames?'), ask('Sure?'))"
    )
    job = start_python(jobs, code)
    for expected, answer in (("Extract 3 frames?", True), ("Sure?", False)):
        end = time.monotonic() + 20
        while jobs.job(job.folder.name).question() != expected and time.monotonic() < end:
            time.sleep(0.02)
        jobs.job(job.folder.name).answer(answer)
    assert ended(jobs, job).state == DONE
    assert (job.folder / "result.json").read_text().splitlines()[-1] == "answers: True False"
    assert "begun True" in job.lines()


@posix
def test_a_step_whose_process_was_killed_is_lost_and_the_next_can_start(jobs, tmp_path):
    job = start_python(jobs, LONG)
    process = jobs._started[job.folder.name]
    os.killpg(process.pid, 9)
    process.wait()
    assert jobs.job(job.folder.name).state == LOST
    assert Jobs(tmp_path).job(job.folder.name).state == LOST
    assert Jobs(tmp_path).running() is None


@posix
def test_a_step_that_was_killed_does_not_come_back_to_life_with_the_next_one(jobs, tmp_path):
    lost = start_python(jobs, LONG)
    process = jobs._started[lost.folder.name]
    os.killpg(process.pid, 9)
    process.wait()
    works = start_python(jobs, LONG)
    refused = jobs._new_folder("plot")  # started in the same moment by another browser
    (refused / JOB).write_text(json.dumps({"verb": "plot", "words": [], "started": "", "command": ["-c", "1"]}))
    jobs._started[refused.name] = jobs_module._spawn(refused)
    assert jobs.wait(jobs.job(refused.name), 20).state == FAILED
    again = Jobs(tmp_path)  # as after a restart of the server
    assert again.job(lost.folder.name).state == LOST
    assert again.running() == works
    again.cancel(again.job(lost.folder.name), at_once=True)
    assert again.job(works.folder.name).state == RUNNING
    with pytest.raises(ProjectError, match="one step at a time"):
        again.start("train")
    jobs.cancel(works)
    assert ended(jobs, works).state == CANCELLED


def test_of_several_lines_on_the_same_progress_the_last_is_shown():
    lines = [
        "Run: a",
        "Training: 10/100 steps, 2.0 steps/s, 45 s left",
        "Training: 20/100 steps, 2.0 steps/s, 40 s left",
        "Note: careful",
        "Training: 100/100 steps, 2.0 steps/s in 50.0 s",
        "Drawing: 1/2 images, 1.0 images/s, 1 s left",
    ]
    assert tidy(lines) == [lines[0], *lines[2:]]
