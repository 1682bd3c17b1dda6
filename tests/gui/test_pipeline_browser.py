"""The pipeline page in a real browser: a step is chosen, told something, started, watched, and what it made is seen."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.frames.frame_files import existing_frames
from dlc_core.gui.job_process import JOB
from dlc_core.gui.jobs import Jobs, _spawn
from dlc_core.project.create import create_project
from dlc_core.project.project import Project

VIDEO = "small_robot_3_frame"

ASKING = """
import json, sys, time
from dlc_core.console import ask, progress, say, stdout_for_data
with stdout_for_data(), progress("Drawing", 10, "pictures") as advance:
    say("Looking at the poses")
    time.sleep(0.6)
    advance(4)
    answer = ask("Draw the rest?")
print(json.dumps({"answer": answer, "files": [sys.argv[1]]}))
"""


@pytest.fixture
def project(tmp_path: Path, data_folder: Path) -> Project:
    return create_project("reach", "Zoë", [data_folder / "sleap-tests" / f"{VIDEO}.mp4"], tmp_path)


@pytest.fixture
def page(served, new_page):
    server = served("gui")
    page = new_page(server.start())
    page.wait_for_selector("[data-test=start]")
    yield page
    assert not page.problems
    assert server.end(signal.SIGINT) == 0


def choose(page, name: str, value: str) -> None:
    page.locator(f"[data-test={name}]").click()
    page.locator(".q-menu .q-item").filter(has_text=value).click()


def wait_for(page, name: str, text: str) -> None:
    page.wait_for_function(
        "([name, text]) => document.querySelector(`[data-test='${name}']`)?.textContent.includes(text)",
        arg=[name, text],
    )


def test_a_step_is_started_with_options_watched_and_its_result_is_seen(page, project):
    assert page.locator(".dlc-title").inner_text() == "Extract frames", "the step that comes next"
    choose(page, "choice-selector", "uniform")
    wait_for(page, "command", "selector=uniform")
    assert page.locator("[data-test='section-selector']").count() == 0, "uniform has no options, kmeans has"
    page.locator("[data-test='option-n'] input").fill("2")
    wait_for(page, "command", "dlc extract-frames selector=uniform n=2")
    page.locator("[data-test=start]").click()
    wait_for(page, "job-state", "extract-frames done")
    assert len(existing_frames(project.labeled_data / VIDEO)) == 2
    assert "2 new frames" in page.locator("[data-test=log]").inner_text()
    wait_for(page, "step-extract_frames", "2 frames of 1 video")

    page.reload()
    wait_for(page, "job-state", "extract-frames done")
    assert "2 new frames" in page.locator("[data-test=log]").inner_text()


def test_the_state_of_a_step_can_be_read_to_its_end(page):
    cut = page.eval_on_selector_all(
        ".dlc-nav-text > *", "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    )
    assert cut == []
    beside = page.evaluate(
        "() => { const next = document.querySelector('.dlc-next').getBoundingClientRect(),"
        " text = document.querySelector('.dlc-nav:has(.dlc-next) .dlc-meaning').getBoundingClientRect();"
        " return next.bottom <= text.top + 1; }"
    )
    assert beside, "the mark of the next step takes no room from the step's state"


def test_a_mistake_is_one_line_beside_the_options_and_starts_nothing(page, project):
    page.locator("[data-test='option-n'] input").fill("many")
    wait_for(page, "command", "n=many")
    page.locator("[data-test=start]").click()
    page.wait_for_function("() => document.querySelector('.dlc-problem')?.textContent.includes('many')")
    assert not (project.root / ".dlc-gui" / "jobs").exists()


def test_a_step_that_runs_since_before_the_server_is_shown_answered_and_its_pictures_are_seen(
    served, new_page, project
):
    picture = project.root / "plot-poses" / "score 1.png"
    picture.parent.mkdir()
    assert cv2.imwrite(str(picture), np.full((30, 40, 3), 120, np.uint8))
    folder = Jobs(project.root)._new_folder("plot")
    about = {"verb": "plot", "words": [], "started": "2030-01-31T12:00:00+00:00"}
    (folder / JOB).write_text(json.dumps({**about, "command": ["-c", ASKING, str(picture)]}))
    process = _spawn(folder)
    server = served("gui")
    page = new_page(server.start())
    wait_for(page, "progress", "Drawing: 4 of 10 pictures")
    assert page.locator(".dlc-title").inner_text() == "Plot", "the step that runs"
    assert "Looking at the poses" in page.locator("[data-test=log]").inner_text()
    page.locator("[data-test=yes]").click()
    wait_for(page, "job-state", "plot done")
    page.wait_for_function("() => document.querySelector('[data-test=results] img')?.naturalWidth === 40")
    assert json.loads((folder / "result.json").read_text())["answer"] is True
    assert process.wait(10) == 0
    assert not page.problems
    assert server.end(signal.SIGINT) == 0


def test_every_step_can_be_looked_at_and_the_address_says_which(page):
    names = page.eval_on_selector_all(".dlc-nav", "all => all.map(one => one.dataset.test)")
    assert len(names) > 10
    for name in names:
        page.locator(f"[data-test={name}]").click()
        page.wait_for_function(
            "name => location.search === `?step=${name.slice(5)}` && document.querySelector('.dlc-title')", arg=name
        )
    page.locator("[data-test=step-train]").click()
    page.wait_for_selector("[data-test='section-backbone']")
    page.locator("[data-test='section-backbone'] .q-item").first.click()
    page.wait_for_selector("[data-test='option-backbone.output_stride']")
