"""What several people do to the same frames at once, as one of them sees it."""

from __future__ import annotations

import pytest

from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.journal import Edit

FOLDER = "mouse 1"


@pytest.fixture
def others(project):
    """Return a function with which another person moves the snout of the first frame."""

    def move(x, y):
        with LabelEditor.open(project, FOLDER, by="Bob") as editor:
            editor.apply(Edit(image=editor.images[0], set={"snout": (x, y)}))

    return move


def snout_is_at(page, x):
    page.wait_for_function(f"document.querySelector('.mark[data-part=snout]')?.dataset.x == '{x}'")


def test_the_frame_that_is_asked_about_is_the_one_that_is_removed(project, served, new_page, labelling):
    page = new_page(served("label").start())
    at = labelling(page)
    at.go(1)
    page.get_by_role("button", name="Remove frame").click()
    assert "img001.png and its labels move" in page.locator("dialog").inner_text()
    with LabelEditor.open(project, FOLDER) as editor:
        editor.remove_frame(editor.images[1])
    page.wait_for_selector("dialog", state="detached")

    page.get_by_role("button", name="Remove frame").click()
    page.get_by_role("button", name="Move it aside").click()
    page.wait_for_function("window.said.includes('img002.png was moved to removed/ with its labels.')")
    page.wait_for_timeout(1500)
    said = page.evaluate("window.said")
    assert "img001.png was removed elsewhere." in said
    assert "img002.png was changed elsewhere." not in said
    left = sorted(file.name for file in (project.labeled_data / FOLDER).glob("*.png"))
    assert left == ["img000.png", "img003.png", "img004.png"]


def test_news_whose_answer_is_lost_is_asked_for_again(served, new_page, labelling, others):
    page = new_page("about:blank")
    lost = []
    page.route("**/frames", lambda route: route.abort() if lost and lost.pop() else route.continue_())
    page.goto(served("label").start())
    labelling(page)
    page.wait_for_timeout(500)
    lost.extend([True, True])
    others(50.0, 60.0)
    snout_is_at(page, 50)
    assert not lost


def test_an_answer_that_is_overtaken_by_a_newer_one_is_not_shown(served, new_page, labelling, others):
    page = new_page("about:blank")
    first, answers = [], []

    def keep_first(route):
        if first and first.pop():
            answers.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/frames", keep_first)
    page.goto(served("label").start())
    labelling(page)
    page.wait_for_timeout(500)
    first.append(True)
    others(50.0, 60.0)
    while not answers:
        page.wait_for_timeout(50)
    others(90.0, 60.0)
    snout_is_at(page, 90)
    [(route, answer)] = answers
    route.fulfill(response=answer)
    page.wait_for_timeout(500)
    snout_is_at(page, 90)
