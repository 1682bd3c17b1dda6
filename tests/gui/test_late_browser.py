"""What a person does on the label page while images, points, news or the server itself are late."""

from __future__ import annotations

import os
import shutil
import signal

import cv2
import numpy as np
import pytest

from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import save_labels
from dlc_core.labels.journal import Edit
from dlc_core.labels.table import LabelTable

FOLDER = "mouse 1"
CLOSE_PX = 0.5


def shows(page, file):
    page.wait_for_function(f"document.querySelector('[data-test=where]').textContent.includes('{file}')")


def test_a_click_counts_for_the_frame_that_is_seen(project, served, new_page, labelling, stored, held_back):
    with LabelEditor.open(project, FOLDER) as editor:
        editor.apply(Edit(image=editor.images[3], set={"snout": (50.0, 60.0)}))
    server = served("label")
    page = new_page("about:blank")
    let_image_go = held_back(page, "**/img002.png")
    let_points_go = held_back(page, "**/frames", about="img003.png")
    page.goto(server.start())
    at = labelling(page)

    # The mouse button is still down when the next frame is asked for
    page.mouse.move(*at.on_screen(60, 70))
    page.mouse.down()
    at.key("ArrowRight")
    page.mouse.up()
    at.settled()
    assert at.frame() == 1

    # The image is on its way: what is on the screen is another frame
    at.key("ArrowRight")
    shows(page, "img002.png")
    page.wait_for_timeout(300)
    page.mouse.click(640, 400)
    at.key("Enter")
    assert at.points() == {}
    let_image_go()
    at.settled()
    at.click(80, 90)

    # A mouse's button for the next page places nothing
    mouse = page.context.new_cdp_session(page)
    x, y = at.on_screen(120, 20)
    for kind in ("mousePressed", "mouseReleased"):
        mouse.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": "forward", "clickCount": 1})
    assert set(at.points()) == {"snout"}
    at.saved()

    # The points are on their way
    at.key("ArrowRight")
    shows(page, "img003.png")
    page.wait_for_timeout(300)
    page.mouse.click(640, 400)
    assert at.points() == {}
    let_points_go()
    page.wait_for_selector(".mark[data-part=snout]")
    assert page.locator(".dlc-conflict").count() == 0
    at.settled()
    at.drag((50, 60), (55, 66))
    at.saved()
    found = stored()
    assert {frame: set(points) for frame, points in found.items()} == {0: {"snout"}, 2: {"snout"}, 3: {"snout"}}
    assert found[0]["snout"] == pytest.approx((60, 70), abs=CLOSE_PX)
    assert found[2]["snout"] == pytest.approx((80, 90), abs=CLOSE_PX)
    assert found[3]["snout"] == pytest.approx((55, 66), abs=CLOSE_PX)


def frames_added(project, number, size=(60, 80)):
    """Write images img005.png to img<number - 1>.png."""
    for frame in range(5, number):
        assert cv2.imwrite(
            str(project.labeled_data / FOLDER / f"img{frame:03d}.png"), np.full((*size, 3), 90, np.uint8)
        )


def test_keys_count_for_the_frame_that_is_seen_too(project, served, new_page, labelling, stored, held_back):
    with LabelEditor.open(project, FOLDER) as editor:
        for frame in (2, 3):
            editor.apply(Edit(image=editor.images[frame], set={"snout": (50.0, 60.0)}))
    (project.labeled_data / FOLDER / "img003.png").unlink()
    page = new_page("about:blank")
    let_image_go = held_back(page, "**/img002.png")
    page.goto(served("label").start().replace("?", "?frame=img001.png&"))
    at = labelling(page)
    at.key("ArrowRight")
    shows(page, "img002.png")
    page.wait_for_selector(".dlc-stage.late")
    at.key("1")
    at.key("Delete")
    let_image_go()
    at.settled()
    assert set(at.points()) == {"snout"}

    # A frame whose image is gone never gets one: its points are all that there is to see
    at.key("ArrowRight")
    shows(page, "img003.png")
    page.wait_for_function("document.querySelector('.dlc-problem')?.textContent.includes('img003.png')")
    at.key("1")
    at.key("Delete")
    page.wait_for_selector(".mark", state="detached")
    at.saved()
    assert set(stored()[2]) == {"snout"}
    assert stored()[3] == {}


@pytest.mark.parametrize("then", ["3", "Home"])
def test_the_chosen_body_part_stays_when_points_that_are_late_come(
    project, served, new_page, labelling, held_back, then
):
    frames_added(project, 60)
    page = new_page("about:blank")
    let_go = held_back(page, "**/frames", about='"files":["img059.png"]')
    page.goto(served("label").start())
    at = labelling(page)
    at.key("End")
    shows(page, "img059.png")
    at.key(then)
    at.key("3")
    at.settled()
    assert at.chosen() == "rightear"
    let_go()
    page.wait_for_timeout(700)
    assert at.chosen() == "rightear"


def test_what_others_do_is_seen_however_much_it_is_and_whatever_the_connection_does(
    project, served, new_page, labelling, stored
):
    frames_added(project, 60)
    server = served("label")
    page = new_page(server.start().replace("?", "?frame=img050.png&"))
    at = labelling(page)
    assert at.frame() == 50

    # A spreadsheet saves labels of all frames at once
    images = tuple(f"labeled-data/{FOLDER}/img{frame:03d}.png" for frame in range(60))
    save_labels(LabelTable("ada", images, ("snout",), np.full((60, 1, 1, 2), 20.0)), project.labeled_data / FOLDER)
    page.wait_for_selector(".mark[data-part=snout]")
    at.go(51)
    assert at.points() == {"snout": (20, 20)}
    assert page.locator("[data-test=progress]").inner_text() == "60 of 60 labelled"

    # A frame that comes leaves the person where she is, and can undo what she did
    at.key("2")
    at.click(30, 40)
    at.saved()
    frames_added(project, 61)
    page.wait_for_function("document.querySelector('[data-test=progress]').textContent == '60 of 61 labelled'")
    assert at.frame() == 51
    at.key("Control+z")
    at.saved()
    assert at.points() == {"snout": (20, 20)}
    assert set(stored()[51]) == {"snout"}

    # The connection is lost for a moment
    page.evaluate("window.socket.io.engine.close()")
    with LabelEditor.open(project, FOLDER, by="Bob") as editor:
        editor.apply(Edit(image=images[51], set={"tail base": (44.0, 33.0)}))
    page.wait_for_selector(".mark[data-part='tail base']")


def test_a_frame_that_somebody_else_has_labelled_meanwhile_is_not_removed(project, served, new_page, labelling, stored):
    page = new_page("about:blank")
    page.add_init_script("localStorage.setItem('dlc-by', JSON.stringify({name: 'Ann'}))")
    page.goto(served("label").start())
    at = labelling(page)
    page.evaluate("window.socket.disconnect()")  # no news from now on
    with LabelEditor.open(project, FOLDER, by="Bob") as editor:
        editor.apply(Edit(image=editor.images[0], set={"snout": (44.0, 33.0)}))
    page.get_by_role("button", name="Remove frame").click()
    page.get_by_role("button", name="Move it aside").click()
    assert "somebody else" in page.wait_for_selector(".dlc-problem").inner_text()
    assert at.points() == {"snout": (44, 33)}
    assert stored()[0]["snout"] == (44, 33)
    at.settled()
    page.get_by_role("button", name="Remove frame").click()
    page.get_by_role("button", name="Move it aside").click()
    page.wait_for_function("document.querySelector('[data-test=progress]').textContent == '0 of 4 labelled'")
    assert '"by": "Ann"' in (project.labeled_data / FOLDER / "removed" / "removed.jsonl").read_text()


def test_edits_wait_for_their_own_project_when_another_one_is_at_its_address(
    project, served, new_page, labelling, stored, tmp_path
):
    other = tmp_path / "another project"
    shutil.copytree(project.root, other)
    server = served("label")
    page = new_page(server.start())
    at = labelling(page)
    page.evaluate("window.socket.disconnect()")  # else NiceGUI loads the page again, sooner or later
    server.kill()
    at.click(50, 60)
    page.wait_for_selector("[data-test=save].waiting")
    server.root = other
    address = server.start()
    page.request.get(address)  # the browser has been at the other project
    page.wait_for_function("document.querySelector('.dlc-refused')?.textContent.includes('another project')")
    assert not list((other / "labeled-data" / FOLDER).glob("CollectedData*"))
    server.kill()
    server.root = project.root
    page.request.get(server.start())
    at.saved()
    assert stored()[0]["snout"] == pytest.approx((50, 60), abs=CLOSE_PX)


def test_a_server_that_does_not_answer_is_said(served, new_page, labelling):
    server = served("label")
    page = new_page(server.start())
    at = labelling(page)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        at.click(50, 60)
        page.wait_for_selector("[data-test=save].waiting")
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    at.saved()
