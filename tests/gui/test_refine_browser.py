"""Correcting machine labels in a real browser, without a screen."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.refine.editing import RefineEditor

FOLDER = "mouse 1"
PARTS = ("snout", "leftear", "rightear", "tail base")
OUTSIDE = (-15.0, 500.0)


@pytest.fixture
def refined(project):
    """Return the project with machine labels: one likely, two unlikely, one outside the image."""
    images = tuple(f"labeled-data/{FOLDER}/img{number:03d}.png" for number in range(3))
    points = np.array([[(60, 50), (120, 60), (90, 120), OUTSIDE]] * 3, np.float64)[:, None]
    likelihood = np.array([[0.95, 0.4, 0.2, 0.9]] * 3)[:, None]
    labels = MachineLabels("DLC_Resnet50_reachJan1shuffle1_run_snapshot_100", images, PARTS, points, likelihood)
    write_machine(labels, machine_file(project.labeled_data / FOLDER, 0))
    return project


def kinds(page):
    read = "all => Object.fromEntries(all.map(m => [m.dataset.part, [...m.classList]]))"
    return page.eval_on_selector_all(".mark", read)


def machine(project, frame=0):
    with RefineEditor.open(project, FOLDER) as editor:
        image = editor.images[frame]
        return editor.points(image), editor.done(image)


def test_unlikely_points_are_open_circles_and_corrected_ones_become_certain(
    refined, served, new_page, labelling, tmp_path
):
    server = served("refine")
    page = new_page(server.start())
    at = labelling(page)
    page.screenshot(path=tmp_path / "refine.png")
    open_ones = {part for part, classes in kinds(page).items() if "open" in classes}
    assert open_ones == {"leftear", "rightear"}  # pcutoff of config.yaml is 0.6

    slider = page.locator("[data-test=pcutoff]")
    slider.fill("0.3")
    page.wait_for_function("document.querySelectorAll('.mark.open').length == 1")
    slider.fill("0.6")

    at.drag((120, 60), (130, 66))
    at.saved()
    page.wait_for_function("document.querySelectorAll('.mark.open').length == 1")
    points, done = machine(refined)
    assert points["leftear"] == pytest.approx((130, 66, 1.0), abs=0.5)
    assert points["snout"] == pytest.approx((60, 50, 0.95))
    assert done is None

    at.key("Control+z")
    at.saved()
    assert machine(refined)[0]["leftear"] == pytest.approx((120, 60, 0.4))
    at.key("Control+Shift+z")
    at.saved()
    at.key("d")
    page.wait_for_function("new URLSearchParams(location.search).get('frame') == 'img001.png'")
    at.saved()
    assert machine(refined)[1] == pytest.approx(0.6)
    assert page.locator("[data-test=progress]").inner_text() == "1 of 3 done"
    page.reload()
    at = labelling(page)
    assert page.locator("[data-test=progress]").inner_text() == "1 of 3 done"
    assert page.problems == []


def test_a_point_outside_is_shown_in_the_corner_marked_as_such_and_saved_there_only_when_it_is_moved(
    refined, served, new_page, labelling
):
    page = new_page(served("refine").start())
    at = labelling(page)
    assert "cornered" in kinds(page)["tail base"]
    assert at.points()["tail base"] == (20, 30)  # corner2move2
    at.click(20, 30)
    at.drag((60, 50), (62, 52))
    at.saved()
    assert machine(refined)[0]["tail base"] == pytest.approx((*OUTSIDE, 0.9))
    at.drag((20, 30), (44, 90))
    at.saved()
    assert machine(refined)[0]["tail base"] == pytest.approx((44, 90, 1.0), abs=0.5)
    at.go(1)
    at.click(20, 30)
    at.key("Shift+ArrowRight")
    at.saved()
    assert machine(refined, 1)[0]["tail base"] == pytest.approx((21, 30, 1.0), abs=0.01)


def test_without_machine_labels_the_page_says_what_to_do(served, new_page):
    page = new_page(served("refine").start())
    assert "dlc extract-outliers" in page.wait_for_selector(".dlc-problem").inner_text()


def test_two_people_who_finish_a_frame_with_different_cutoffs_do_not_overwrite_each_other(
    refined, served, new_page, labelling
):
    server = served("refine")
    address = server.start()
    first, second = new_page(address), new_page(address)
    mine, theirs = labelling(first), labelling(second)
    second.evaluate("window.socket.disconnect()")  # no news from now on
    mine.key("d")
    mine.saved()
    second.locator("[data-test=pcutoff]").fill("0.2")
    theirs.key("d")
    second.wait_for_function("document.querySelector('.dlc-notice')?.textContent.includes('img000.png')")
    theirs.saved()
    assert machine(refined)[1] == pytest.approx(0.6)
    second.get_by_label("Previous frame", exact=True).click()
    second.get_by_role("button", name="Done (take back)").click()  # now it is seen
    theirs.saved()
    assert machine(refined)[1] is None
