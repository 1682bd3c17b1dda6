"""Going from folder to folder, whose frames have the same names, while edits, news and folders are on their way."""

from __future__ import annotations

import shutil

import pytest

from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.journal import Edit
from dlc_core.outliers.suspects import SUSPECTS, Suspect, write_suspects

FOLDER, OTHER = "mouse 1", "zebra"
CLOSE_PX = 0.5


@pytest.fixture
def two_folders(project):
    """Return the project with a second folder, in which the first frame has a snout at (200, 100)."""
    shutil.copytree(project.labeled_data / FOLDER, project.labeled_data / OTHER)
    with LabelEditor.open(project, OTHER) as editor:
        editor.apply(Edit(image=editor.images[0], set={"snout": (200.0, 100.0)}))
    return project


def is_open(page, folder):
    page.wait_for_function(f"new URLSearchParams(location.search).get('folder') == '{folder}'")


def test_an_edit_that_waits_is_judged_by_the_frames_of_its_own_folder(
    two_folders, served, new_page, labelling, stored, held_back
):
    page = new_page("about:blank")
    let_go = held_back(page, "**/mouse%201/edit")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/edit") else None)
    page.goto(served("label").start().replace("?", f"?folder={FOLDER}&"))
    at = labelling(page)
    at.click(50, 60)
    at.click(80, 60)
    page.locator("select").first.select_option(OTHER)
    is_open(page, OTHER)
    page.get_by_label("Previous frame", exact=True).click()
    page.wait_for_selector(".mark[data-part=snout]")
    assert page.locator(".mark.unsaved").count() == 0  # what waits are points of the other folder
    let_go()
    at.saved()
    assert page.locator(".dlc-conflict").count() == 0
    assert len(asked) == 2
    assert at.points() == {"snout": (200, 100)}
    assert page.locator("[data-test=progress]").inner_text() == "1 of 5 labelled"
    found = stored()
    assert found[0]["snout"] == pytest.approx((50, 60), abs=CLOSE_PX)
    assert found[0]["leftear"] == pytest.approx((80, 60), abs=CLOSE_PX)


def test_a_question_about_a_folder_that_was_left_names_it_and_is_settled(
    two_folders, served, new_page, labelling, stored
):
    page = new_page("about:blank")
    lost = [True]
    page.route("**/mouse%201/edit", lambda route: route.abort() if lost else route.continue_())
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/edit") else None)
    page.goto(served("label").start().replace("?", f"?folder={FOLDER}&"))
    at = labelling(page)
    at.click(50, 60)
    page.wait_for_selector("[data-test=save].waiting")
    page.locator("select").first.select_option(OTHER)
    is_open(page, OTHER)
    with LabelEditor.open(two_folders, FOLDER) as editor:
        editor.apply(Edit(image=editor.images[0], set={"snout": (90.0, 80.0)}))
    asked.clear()
    lost.clear()
    question = page.wait_for_selector(".dlc-conflict")
    assert f"{FOLDER}/img000.png" in question.inner_text()
    assert "90.0, 80.0" in question.inner_text()
    assert page.locator(".theirs").count() == 0
    page.get_by_role("button", name="Use mine").click()
    at.saved()
    assert stored()[0]["snout"] == pytest.approx((50, 60), abs=CLOSE_PX)
    assert len(asked) <= 3


def test_a_folder_that_is_chosen_opens_although_the_old_one_changes_meanwhile(
    two_folders, served, new_page, labelling, held_back
):
    page = new_page("about:blank")
    let_go = held_back(page, f"**/api/label/{OTHER}")
    page.goto(served("label").start().replace("?", f"?folder={FOLDER}&"))
    labelling(page)
    page.locator("select").first.select_option(OTHER)
    (two_folders.labeled_data / FOLDER / "img004.png").unlink()
    page.wait_for_timeout(2500)  # news of the old folder's frames
    let_go()
    is_open(page, OTHER)
    page.wait_for_timeout(1000)
    is_open(page, OTHER)
    assert "/ 5" in page.locator("[data-test=where]").inner_text()


def test_doubtful_labels_of_several_folders_are_passed_quickly(two_folders, served, new_page, labelling):
    shutil.copytree(two_folders.labeled_data / FOLDER, two_folders.labeled_data / "yak")
    numbers = {"label_x": 90.0, "label_y": 70.0, "prediction_x": 120.5, "prediction_y": 40.0, "likelihood": 0.9}
    places = enumerate((FOLDER, "yak", OTHER))
    suspects = [
        Suspect(k + 1, f"labeled-data/{folder}/img00{k}.png", "leftear", "far away", 9.0 - k, **numbers)
        for k, folder in places
    ]
    write_suspects(suspects, two_folders.root / SUSPECTS)
    page = new_page(served("label").start().replace("?", f"?doubtful=1&folder={FOLDER}&"))
    at = labelling(page)
    page.wait_for_selector(".dlc-suspects .chosen")
    for _ in range(4):  # the third is the last
        at.key("n")
    is_open(page, OTHER)
    at.settled()
    page.wait_for_timeout(500)
    assert at.frame() == 2
    assert at.chosen() == "leftear"
    assert page.evaluate("window.said") == []
