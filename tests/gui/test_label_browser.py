"""Labelling in a real browser, without a screen, with servers that are killed."""

from __future__ import annotations

import resource
import signal
import time

import numpy as np
import pytest

from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.journal import Edit
from dlc_core.outliers.suspects import SUSPECTS, Suspect, write_suspects

FOLDER = "mouse 1"
PARTS = ("snout", "leftear", "rightear", "tail base")
SIZES = ((240, 320), (240, 320), (180, 200), (240, 320), (300, 260))
CLOSE_PX = 0.5


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for frame, points in expected.items():
        assert found[frame].keys() == points.keys(), f"frame {frame}"
        for part, place in points.items():
            assert np.hypot(*np.subtract(found[frame][part], place)) <= CLOSE_PX, (
                frame,
                part,
                found[frame][part],
                place,
            )


def places(frame):
    """Return where the four parts of a frame are clicked: spread over the image, at no round numbers."""
    height, width = SIZES[frame]
    shares = ((0.31, 0.27), (0.62, 0.33), (0.44, 0.71), (0.83, 0.58))
    return {part: (round(width * x) + frame, round(height * y)) for part, (x, y) in zip(PARTS, shares, strict=True)}


def test_five_frames_are_labelled_from_nothing_and_the_file_holds_what_was_clicked(
    project, served, new_page, labelling, stored, tmp_path
):
    server = served("label")
    page = new_page(server.start())
    at = labelling(page)
    expected = {}
    for frame in range(3):
        at.go(frame)
        expected[frame] = places(frame)
        for number, (part, place) in enumerate(expected[frame].items()):
            assert at.chosen() == part
            at.click(*place, button="right" if number == 1 else "left")
    at.saved()
    if frame == 2:
        page.screenshot(path=tmp_path / "label.png")

    # Undo and redo, across frames
    at.key("Control+z")
    at.go(1)
    at.key("Control+z")
    page.wait_for_function("new URLSearchParams(location.search).get('frame') == 'img002.png'")
    at.settled()
    assert set(at.points()) == {"snout", "leftear"}
    at.key("Control+Shift+z")
    at.key("Control+Shift+z")
    page.wait_for_function("document.querySelectorAll('.mark').length == 4")

    # Zoom at the cursor: the pixel under it stays, and clicks stay exact
    fixed = [round(value) for value in at.on_screen(100, 90)]  # browsers tell whole pixels of a wheel's place
    pixel = at.in_image(*fixed)
    page.mouse.move(*fixed)
    page.mouse.wheel(0, -900)
    page.wait_for_timeout(100)
    assert at.scale() > 3
    assert at.on_screen(*pixel) == pytest.approx(fixed, abs=0.5)
    at.key("3")
    at.click(101, 92)
    at.drag((101, 92), (104.25, 90.5))
    expected[2]["rightear"] = (104.25, 90.5)
    at.saved()
    at.key("r")

    # Remove: by key and by right click
    at.key("4")
    at.key("Delete")
    del expected[2]["tail base"]
    page.wait_for_function("document.querySelectorAll('.mark').length == 3")
    at.click(*expected[2]["snout"], button="right")
    del expected[2]["snout"]
    at.saved()

    # Reload: same folder, same frame, same points
    page.reload()
    at = labelling(page)
    assert at.frame() == 2
    assert set(at.points()) == {"leftear", "rightear"}
    assert_same(stored(), expected)

    # A power cut in the middle of frame 3; what was acknowledged is there, what was not waits in the browser
    at.go(3)
    expected[3] = places(3)
    for part in PARTS[:2]:
        at.click(*expected[3][part])
    at.saved()
    server.kill()
    assert_same(stored(), {**expected, 3: {part: expected[3][part] for part in PARTS[:2]}})
    for part in PARTS[2:]:
        at.click(*expected[3][part])
    page.wait_for_selector("[data-test=save].waiting")
    assert page.locator(".mark.unsaved").count() == 2
    page.goto(server.start())
    at = labelling(page)
    at.saved()
    at.go(3)
    page.wait_for_function("document.querySelectorAll('.mark').length == 4")

    at.go(4)
    expected[4] = places(4)
    for place in expected[4].values():
        at.click(*place)
    at.saved()
    assert_same(stored(), expected)
    assert server.end(signal.SIGINT) == 0
    assert_same(stored(), expected)
    assert not list((project.labeled_data / FOLDER).glob("*.journal"))
    assert not (project.labeled_data / ".gui.lock").exists()


def test_a_frame_can_be_labelled_with_keys_alone(served, new_page, labelling, stored):
    at = labelling(new_page(served("label").start()))
    at.key("2")
    at.key("Enter")
    before = at.points()["leftear"]
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowUp", "Control+Shift+ArrowDown"):
        at.key(key)
    at.saved()
    assert stored()[0]["leftear"] == pytest.approx((before[0] + 2, before[1] - 0.9), abs=0.01)
    assert at.chosen() == "leftear"
    at.key("1")
    for part in PARTS[1:]:
        at.key(" ")
        assert at.chosen() == part
    at.go(1)
    for _ in PARTS:
        at.key(" ")
    at.saved()
    assert stored()[1] == {}  # nothing to be seen, and labelled


def test_16_bits_and_grey_are_shown_and_nothing_is_asked_of_other_machines(served, new_page, labelling):
    server = served("label")
    address = server.start()
    page = new_page(address)
    at = labelling(page)
    for frame, (height, width) in enumerate(SIZES):
        at.go(frame)
        size = page.evaluate("(i => [i.naturalHeight, i.naturalWidth])(document.querySelector('.dlc-frame'))")
        assert tuple(size) == (height, width)
        floor = page.evaluate(
            "() => { const i = document.querySelector('.dlc-frame'), c = document.createElement('canvas');"
            " c.width = i.naturalWidth; c.height = i.naturalHeight; const p = c.getContext('2d'); p.drawImage(i, 0, 0);"
            " const d = p.getImageData(2, 2, 20, 20).data;"
            " return d.reduce((a, b, k) => a + (k % 4 < 3 ? b : 0), 0) / 1200; }"
        )
        assert abs(floor - 178) < 12  # the floor's grey, whatever the bits
    own = address.split("/label")[0]
    assert [url for url in page.asked if not url.startswith((own, own.replace("http", "ws"), "data:", "blob:"))] == []
    assert page.problems == []


def test_what_another_program_changes_is_seen_and_what_two_change_at_once_is_asked(
    project, served, new_page, labelling, stored
):
    server = served("label")
    address = server.start()
    first, second = labelling(new_page(address)), labelling(new_page(address))
    first.click(50, 60)
    first.saved()
    second.page.wait_for_function("document.querySelectorAll('.mark').length == 1")

    # another program writes the same frame
    with LabelEditor.open(project, FOLDER, by="Bob") as editor:
        editor.apply(Edit(image=editor.images[0], set={"tail base": (200.0, 100.0)}))
    first.page.wait_for_function("document.querySelectorAll('.mark').length == 2")

    # the second browser is cut off and both move the snout
    second.page.context.set_offline(True)
    second.drag((50, 60), (90, 80))
    first.drag((50, 60), (30, 40))
    first.saved()
    second.page.context.set_offline(False)
    question = second.page.wait_for_selector(".dlc-conflict")
    assert "30.0, 40.0" in question.inner_text()
    assert "90.0, 80.0" in question.inner_text()
    assert stored()[0]["snout"] == pytest.approx((30, 40), abs=CLOSE_PX)
    second.page.get_by_role("button", name="Use mine").click()
    second.saved()
    assert stored()[0]["snout"] == pytest.approx((90, 80), abs=CLOSE_PX)
    first.page.wait_for_function("+document.querySelector('.mark[data-part=snout]').dataset.x > 89")


def test_an_edit_that_the_disk_refuses_is_shown_and_can_be_tried_again(project, served, new_page, labelling, stored):
    limit = 700
    server = served("label")
    address = server.start(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    )
    at = labelling(new_page(address))
    refused = False
    for number in range(12):
        at.key("1")
        at.click(20 + 15 * number, 30)
        at.page.wait_for_timeout(60)
        if at.page.locator("[data-test=save].refused").count():
            refused = True
            break
    assert refused
    assert "mouse 1" in at.page.locator(".dlc-refused").inner_text()
    shown = at.points()["snout"]
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    at.page.get_by_role("button", name="Try again").click()
    at.saved()
    assert stored()[0]["snout"] == pytest.approx(shown, abs=0.01)


def test_body_parts_are_added_and_a_frame_is_moved_aside(project, served, new_page, labelling, stored):
    at = labelling(new_page(served("label").start()))
    at.click(50, 60)
    at.saved()
    at.page.get_by_role("button", name="Add body parts").click()
    at.page.get_by_placeholder("Names, separated by commas").fill("left paw, right paw")
    at.page.get_by_role("button", name="Add", exact=True).click()
    at.page.wait_for_selector(".chip:has-text('right paw')")
    at.key("6")
    at.click(150, 160)
    at.saved()
    at.page.get_by_role("button", name="Remove frame").click()
    at.page.get_by_role("button", name="Move it aside").click()
    at.page.wait_for_function("document.querySelector('[data-test=progress]').textContent.startsWith('0 of 4')")
    assert (project.labeled_data / FOLDER / "removed" / "img000.png").is_file()
    time.sleep(1.5)
    assert stored() == {}


def test_doubtful_labels_are_gone_through_in_their_order_with_the_networks_place_beside_them(
    project, served, new_page, labelling, stored
):
    with LabelEditor.open(project, FOLDER) as editor:
        for image in editor.images:
            editor.apply(Edit(image=image, set={"snout": (60.0, 70.0), "leftear": (90.0, 70.0)}))
    numbers = {"label_x": 90.0, "label_y": 70.0, "prediction_x": 120.5, "prediction_y": 40.0, "likelihood": 0.9}
    suspects = [
        Suspect(rank, f"labeled-data/{FOLDER}/img00{frame}.png", "leftear", "far away", 9.0 - rank, **numbers)
        for rank, frame in enumerate((3, 1, 9), 1)  # the last was moved aside meanwhile
    ]
    write_suspects(suspects, project.root / SUSPECTS)
    server = served("label")
    page = new_page(server.start().replace("?", "?doubtful=1&"))
    at = labelling(page)
    page.wait_for_function("new URLSearchParams(location.search).get('frame') == 'img003.png'")
    assert at.chosen() == "leftear"
    assert "network" in page.locator(".theirs text").text_content()
    at.settled()
    at.drag((90, 70), (120, 40))
    at.saved()
    assert stored()[3]["leftear"] == pytest.approx((120, 40), abs=CLOSE_PX)
    at.key("n")
    page.wait_for_function("new URLSearchParams(location.search).get('frame') == 'img001.png'")
    at.key("n")
    page.wait_for_function("document.querySelector('.dlc-notice')?.textContent.includes('img009.png is not there')")
    assert at.frame() == 1
