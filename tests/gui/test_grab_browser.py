"""Grabbing frames and drawing crops in a real browser, against files on disk."""

from __future__ import annotations

import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.frames.frame_files import existing_frames, read_crops
from dlc_core.frames.grab import grab_frames
from dlc_core.project.create import create_project
from dlc_core.project.edit_config import set_crop
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter

FRAMES, HEIGHT, WIDTH = 300, 120, 200


def picture(index: int) -> np.ndarray:
    """Return a grey frame whose number is written on it, with a dot that goes round."""
    image = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    angle = index / 30
    cv2.circle(image, (int(100 + 60 * np.cos(angle)), int(60 + 40 * np.sin(angle))), 9, (60, 40, 30), -1, cv2.LINE_AA)
    cv2.putText(image, str(index), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return image


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "mouse 1.mp4"
    with VideoWriter(path, 30, HEIGHT, WIDTH, quality=4) as writer:
        for index in range(FRAMES):
            writer.write(picture(index))
    return path


@pytest.fixture
def project(tmp_path: Path, video: Path) -> Project:
    return create_project("reach", "Zoë", [video], tmp_path, bodyparts=["snout", "tail"])


@pytest.fixture
def folder(project: Project) -> Path:
    return project.labeled_data / "mouse 1"


class Grabbing:
    """What a person does on the page."""

    def __init__(self, page):
        self.page = page
        self.settled(0)

    def settled(self, index):
        """Wait until frame `index` is on the screen."""
        self.page.wait_for_function(
            "i => document.querySelector('.dlc-crop-stage')?.getAttribute('aria-label')?.startsWith(`Frame ${i} of`)",
            arg=index,
        )

    def key(self, name):
        self.page.keyboard.press(name)

    def grab(self):
        index = self.page.locator("input.frame").input_value()
        self.key("g")
        self.page.wait_for_function(
            "i => document.querySelector('[data-test=said]').textContent.startsWith(`Frame ${i} is img`)", arg=index
        )

    def said(self):
        return self.page.locator("[data-test=said]").inner_text()

    def on_screen(self, x, y):
        """Return where the border before pixel (x, y) is on the screen."""
        left, top, scale = self.page.evaluate(
            "() => { const i = document.querySelector('.dlc-crop-stage img'), b = i.getBoundingClientRect();"
            " return [b.left, b.top, b.width / i.naturalWidth]; }"
        )
        return left + x * scale, top + y * scale

    def drag(self, start, end):
        self.page.mouse.move(*self.on_screen(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.on_screen((start[0] + end[0]) // 2, (start[1] + end[1]) // 2))
        self.page.mouse.move(*self.on_screen(*end))
        self.page.mouse.up()

    def crop_saved(self, text):
        self.page.wait_for_function(
            "t => document.querySelector('[data-test=said]').textContent.includes(`config.yaml is ${t}`)", arg=text
        )


@pytest.fixture
def opened(served, new_page):
    server = served("extract-frames", "--manual")
    page = new_page(server.start())
    yield Grabbing(page)
    assert not page.problems
    assert server.end(signal.SIGINT) == 0


def test_frames_are_scrolled_to_grabbed_and_shown_on_the_timeline(opened, folder, project):
    opened.key("Shift+ArrowRight")
    opened.key("ArrowRight")
    opened.settled(11)
    opened.grab()
    opened.key("Control+ArrowRight")
    opened.settled(111)
    opened.grab()
    assert existing_frames(folder) == {11, 111}
    assert opened.page.locator(".dlc-timeline .grabbed").count() == 2
    with VideoReader(project.root / "videos" / "mouse 1.mp4") as reader:
        image = cv2.imread(str(folder / "img011.png"))[..., ::-1]
        assert np.array_equal(image, reader.read(11)), "pixels of the video and not of what was sent to the browser"

    opened.page.reload()
    opened.settled(0)
    assert opened.page.locator(".dlc-timeline .existing").count() == 2
    opened.key(".")
    opened.settled(11)
    assert opened.page.locator("[data-test=grab]").is_disabled()
    opened.page.locator(".dlc-grab aside .list button").nth(1).click()
    opened.settled(111)


def test_a_press_on_the_timeline_and_the_field_go_to_a_frame(opened):
    box = opened.page.locator(".dlc-timeline svg").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 20)
    opened.settled(FRAMES // 2)
    opened.page.locator("input.frame").fill("7")
    opened.page.keyboard.press("Enter")
    opened.settled(7)
    opened.page.locator(".dlc-crop-stage").focus()
    opened.key("End")
    opened.settled(FRAMES - 1)
    opened.key("ArrowRight")
    opened.settled(FRAMES - 1)


def test_space_that_is_released_on_a_button_or_in_another_window_moves_the_image_no_longer(opened):
    stage = opened.page.locator(".dlc-crop-stage")
    stage.focus()
    opened.page.keyboard.down("Space")
    opened.page.locator("[data-test=draw-crop]").click()
    opened.page.keyboard.down("Space")  # as a key that is held repeats itself
    opened.page.keyboard.up("Space")
    opened.drag((20, 10), (80, 60))
    opened.crop_saved("20, 80, 10, 60")
    stage.focus()
    opened.page.keyboard.down("Space")
    opened.page.evaluate("window.dispatchEvent(new Event('blur'))")
    opened.drag((100, 70), (160, 110))
    opened.crop_saved("100, 160, 70, 110")
    opened.page.keyboard.up("Space")
    opened.page.keyboard.down("Space")
    before = opened.on_screen(0, 0)
    opened.drag((20, 10), (40, 10))
    assert opened.on_screen(0, 0)[0] > before[0], "Space that is held does move it"
    opened.page.keyboard.up("Space")


def test_a_crop_is_drawn_moved_and_typed_and_frames_are_grabbed_under_it(opened, folder, project):
    video = project.root / "videos" / "mouse 1.mp4"
    before = project.config.path.read_text(encoding="utf-8")
    opened.key("c")
    opened.drag((20, 30), (120, 90))
    opened.crop_saved("20, 120, 30, 90")
    assert Project.open(project.root).videos()[video] == Crop(20, 120, 30, 90)
    assert project.config.path.read_text(encoding="utf-8") == before.replace("0, 200, 0, 120", "20, 120, 30, 90")
    opened.grab()
    opened.drag((70, 60), (80, 65))  # inside: it moves
    opened.crop_saved("30, 130, 35, 95")
    opened.drag((130, 65), (150, 65))  # its right side
    opened.crop_saved("30, 150, 35, 95")
    opened.page.get_by_label("y2").fill("100")
    opened.page.keyboard.press("Enter")
    opened.crop_saved("30, 150, 35, 100")
    opened.page.locator(".dlc-crop-stage").focus()
    opened.key("ArrowRight")
    opened.settled(1)
    opened.grab()
    assert read_crops(folder) == {"img000.png": Crop(20, 120, 30, 90), "img001.png": Crop(30, 150, 35, 100)}
    with VideoReader(video) as reader:
        image = cv2.imread(str(folder / "img001.png"))[..., ::-1]
        assert np.array_equal(image, reader.read(1)[35:100, 30:150])


def test_a_frame_that_cannot_be_written_is_said_and_not_counted(opened, folder):
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    opened.key("g")
    opened.page.wait_for_selector("[data-test=said].bad")
    assert "was not written" in opened.said()
    assert opened.page.locator(".dlc-timeline .grabbed").count() == 0
    opened.page.problems.clear()  # the browser notes the refused request


def test_what_others_did_meanwhile_is_seen_and_a_frame_grabbed_by_mistake_is_put_aside(opened, folder, project):
    opened.grab()
    with VideoReader(project.root / "videos" / "mouse 1.mp4") as reader:
        grab_frames(reader, folder, [50, 60], None)
    set_crop(project, project.root / "videos" / "mouse 1.mp4", Crop(10, 90, 20, 100))
    opened.page.evaluate("window.dispatchEvent(new Event('focus'))")
    opened.page.wait_for_function("() => document.querySelectorAll('.dlc-timeline .existing').length === 2")
    assert opened.page.get_by_label("x1").input_value() == "10"
    opened.page.get_by_text("Put frame 0 aside").click()
    opened.page.wait_for_function("() => document.querySelectorAll('.dlc-grab aside .list button').length === 2")
    assert existing_frames(folder) == {50, 60}
    assert (folder / "removed" / "img000.png").is_file()


def test_scrolling_fast_ends_at_the_last_wanted_frame_which_a_key_pressed_too_early_grabs(opened, folder):
    for _ in range(40):
        opened.key("ArrowRight")
    opened.grab()
    opened.settled(40)
    assert existing_frames(folder) == {40}
    assert sum("/video/" in address for address in opened.page.asked) < 3 * 40
