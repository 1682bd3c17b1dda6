"""Answers that are lost, and questions and edits that the server refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.refine.editing import RefineEditor

FOLDER = "mouse 1"
CLOSE_PX = 0.5


def refused(error):
    return {"status": 422, "content_type": "application/json", "body": json.dumps({"error": error})}


@pytest.fixture
def refined(project):
    """Return the project with machine labels of five frames."""
    images = tuple(f"labeled-data/{FOLDER}/img{number:03d}.png" for number in range(5))
    points, likelihood = np.full((5, 1, 1, 2), 50.0), np.full((5, 1, 1), 0.9)
    labels = MachineLabels("net", images, ("snout",), points, likelihood)
    write_machine(labels, machine_file(project.labeled_data / FOLDER, 0))
    return project


def done(project):
    with RefineEditor.open(project, FOLDER) as editor:
        return [editor.done(image) for image in editor.images]


def test_an_edit_whose_answer_is_lost_is_undone_as_any_other(served, new_page, labelling, stored):
    page = new_page("about:blank")
    lost = []

    def lose(route):
        if lost and lost.pop():
            route.fetch()  # it is on the disk
            route.abort()
        else:
            route.continue_()

    page.route("**/edit", lose)
    page.goto(served("label").start())
    at = labelling(page)
    lost.append(True)
    at.click(50, 60)
    page.wait_for_selector("[data-test=save].waiting")
    at.saved()
    assert set(stored()[0]) == {"snout"}
    at.key("Control+z")
    page.wait_for_selector(".mark", state="detached")
    at.saved()
    assert stored() == {}  # as before: the frame is not labelled

    at.key("Control+Shift+z")
    page.wait_for_selector(".mark[data-part=snout]")
    at.saved()
    lost.append(True)
    at.drag((50, 60), (90, 80))
    page.wait_for_selector("[data-test=save].waiting")
    at.saved()
    at.key("Control+z")
    page.wait_for_function("document.querySelector('.mark')?.dataset.x < 60")
    at.saved()
    assert stored()[0]["snout"] == pytest.approx((50, 60), abs=CLOSE_PX)
    assert page.evaluate("window.said") == []  # nobody else edits it


def test_why_a_frame_cannot_be_shown_is_said_and_it_is_shown_when_that_is_mended(served, new_page):
    page = new_page("about:blank")
    broken = [True]
    for pattern in ("**/img002.png", "**/frames"):
        page.route(
            pattern, lambda route: route.fulfill(**refused("a table is damaged")) if broken else route.continue_()
        )
    page.goto(served("label").start().replace("?", "?frame=img002.png&"))
    page.wait_for_function("document.querySelector('.dlc-problem')?.textContent.includes('a table is damaged')")
    broken.clear()
    page.wait_for_selector(".dlc-problem", state="detached")
    page.wait_for_selector(".dlc-stage:not(.late)")
    page.mouse.click(640, 400)
    page.wait_for_selector(".mark[data-part=snout]:not(.unsaved)")
    assert [problem for problem in page.problems if "422" not in problem] == []


def test_a_frame_whose_done_is_discarded_is_not_done(refined, served, new_page, labelling):
    page = new_page("about:blank")
    page.route("**/edit", lambda route: route.fulfill(**refused("the disk is full")))
    page.goto(served("refine").start())
    at = labelling(page)
    at.key("d")
    page.get_by_role("button", name="Discard this edit").click()
    at.saved()
    assert page.locator("[data-test=progress]").inner_text() == "0 of 5 done"
    assert done(refined) == [None] * 5


def test_a_frame_that_is_not_on_the_screen_is_not_done(refined, served, new_page, labelling, held_back):
    page = new_page("about:blank")
    held_back(page, "**/img001.png")
    page.goto(served("refine").start())
    at = labelling(page)
    at.key("d")
    page.wait_for_selector(".dlc-stage.late")
    at.key("d")
    at.saved()
    assert at.frame() == 1
    assert done(refined) == [0.6, None, None, None, None]


@pytest.mark.parametrize("lost", ["**/remove", f"**/api/label/{FOLDER.replace(' ', '%20')}"])
def test_a_frame_whose_removal_is_not_answered_leaves_the_page_all_the_same(project, served, new_page, labelling, lost):
    page = new_page("about:blank")
    armed = []

    def lose(route):
        if armed and armed.pop():
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(lost, lose)
    page.goto(served("label").start())
    at = labelling(page)
    at.go(1)
    page.get_by_role("button", name="Remove frame").click()
    armed.append(True)
    page.get_by_role("button", name="Move it aside").click()
    page.wait_for_function("document.querySelector('[data-test=where]').innerText.endsWith('/ 4')")
    assert not armed and not (project.labeled_data / FOLDER / "img001.png").exists()
    page.wait_for_function("document.querySelector('[data-test=where]').innerText.startsWith('img002.png')")
    at.click(50, 60)
    at.saved()
