"""A project to label, a server in a process of its own, a browser without a screen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.labels.files import read_folder
from dlc_core.project.project import Project

BODYPARTS = ("snout", "leftear", "rightear", "tail base")
FOLDER = "mouse 1"
SIZES = ((240, 320), (240, 320), (180, 200), (240, 320), (300, 260))
CHROMIUM_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SAID = """window.said = []; new MutationObserver(() => {
  const text = document.querySelector('.dlc-notice')?.textContent;
  if (text && text !== window.said.at(-1)) window.said.push(text);
}).observe(document, {childList: true, subtree: true, characterData: true});"""


def arena(height: int, width: int, seed: int) -> np.ndarray:
    """Return a grey floor with a dark animal and some noise, (height, width, 3) uint8."""
    generator = np.random.default_rng(seed)
    image = np.full((height, width, 3), 178, np.uint8)
    centre = (int(width * 0.5), int(height * 0.55))
    cv2.ellipse(image, centre, (width // 5, height // 9), 25 * seed, 0, 360, (70, 62, 58), -1, cv2.LINE_AA)
    noisy = image.astype(np.int16) + generator.integers(-9, 10, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with five frames without labels: mixed sizes, one grey, one of 12 bits, names with spaces."""
    root = tmp_path / "reach = 1 Zoë"
    folder = root / "labeled-data" / FOLDER
    folder.mkdir(parents=True)
    for number, (height, width) in enumerate(SIZES):
        pixels = arena(height, width, number)
        if number == 1:
            pixels = pixels[..., 0]
        if number == 3:
            pixels = pixels.astype(np.uint16) << 4
        assert cv2.imwrite(str(folder / f"img{number:03d}.png"), pixels)
    (root / "config.yaml").write_text(
        f"Task: reach\nscorer: ada\ndate: Jan1\nbodyparts: [{', '.join(BODYPARTS)}]\n"
        "skeleton: [[snout, tail base]]\npcutoff: 0.6\niteration: 0\ncorner2move2: [20, 30]\nmove2corner: true\n",
        encoding="utf-8",
    )
    return Project.open(root)


class Served:
    """``dlc gui`` or one of its pages in a process that can be killed and started again on the same port."""

    def __init__(self, root: Path, *words: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.root = root
        self.words = words or ("gui",)
        self.log = root.parent / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **more: object) -> str:
        """Start, wait until it listens, return the address that it printed."""
        command = [sys.executable, "-m", "dlc_core", *self.words, "-p", str(self.root), "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--no-open"], stdout=log, stderr=subprocess.STDOUT, cwd=self.root.parent,
                env={**os.environ, "COLUMNS": "500"}, **more,
            )  # fmt: skip
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            found = re.search(rb"Browser: (\S+)", self.log.read_bytes())
            if found and self._answers():
                return found[1].decode()
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, by: int = signal.SIGINT) -> int:
        """End it and return its exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(by)
        return self.process.wait(30)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def served(project: Project):
    """Return a function that makes a `Served` of the project; all are ended afterwards."""
    made: list[Served] = []

    def make(*words: str) -> Served:
        made.append(Served(project.root, *words))
        return made[-1]

    yield make
    for one in made:
        one.end(signal.SIGKILL)


@pytest.fixture(scope="module")  # Playwright runs an event loop of its own, in which other tests cannot run theirs
def browser():
    """Return a headless Chromium driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = os.environ.get("DLC_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium; install one or set DLC_TEST_CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield found
        found.close()


@pytest.fixture
def new_page(browser):
    """Return a function that opens an address in a browser session of its own; notices are kept in window.said."""
    contexts = []

    def new_page(address: str):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.problems = []
        page.asked = []
        page.add_init_script(SAID)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        return page

    yield new_page
    for context in contexts:
        context.close()


class Labelling:
    """What a person does on the label page, in pixels of the image."""

    def __init__(self, page):
        self.page = page
        self.page.wait_for_function(
            "document.querySelector('.dlc-frame')?.complete && document.querySelector('.dlc-app')"
        )
        self.settled()

    def _image_box(self):
        """Return left, top and scale of the image on the screen, as the browser has put it there."""
        return self.page.evaluate(
            "() => { const i = document.querySelector('.dlc-frame'), b = i.getBoundingClientRect();"
            " return [b.left, b.top, b.width / i.naturalWidth]; }"
        )

    def scale(self):
        return self._image_box()[2]

    def on_screen(self, x, y):
        """Return where a pixel's centre is on the screen."""
        left, top, scale = self._image_box()
        return left + (x + 0.5) * scale, top + (y + 0.5) * scale

    def in_image(self, x, y):
        """Return the pixel at a place of the screen."""
        left, top, scale = self._image_box()
        return (x - left) / scale - 0.5, (y - top) / scale - 0.5

    def click(self, x, y, button="left"):
        self.page.mouse.click(*self.on_screen(x, y), button=button)

    def drag(self, start, end):
        self.page.mouse.move(*self.on_screen(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.on_screen((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        self.page.mouse.move(*self.on_screen(*end))
        self.page.mouse.up()

    def key(self, name):
        self.page.keyboard.press(name)

    def go(self, number):
        while (now := self.frame()) != number:
            self.key("ArrowRight" if now < number else "ArrowLeft")
            self.page.wait_for_function(
                f"!document.querySelector('[data-test=where]').textContent.includes(' {now + 1} /')"
            )
        self.settled()

    def frame(self):
        return int(self.page.locator("[data-test=where]").inner_text().split("/")[0].split()[-1]) - 1

    def settled(self):
        """Wait until the image is shown and the points are those of its frame."""
        self.page.wait_for_function(
            "() => { const i = document.querySelector('.dlc-frame'); if (!i?.complete || !i.naturalWidth) return false;"
            " const frame = new URLSearchParams(location.search).get('frame');"
            " return decodeURIComponent(i.src).endsWith('/' + frame); }"
        )
        self.page.wait_for_timeout(80)

    def points(self):
        marks = self.page.eval_on_selector_all(
            ".mark", "all => all.map(m => [m.dataset.part, +m.dataset.x, +m.dataset.y])"
        )
        return {part: (x, y) for part, x, y in marks}

    def saved(self):
        self.page.wait_for_selector("[data-test=save].saved")

    def chosen(self):
        return self.page.locator(".chip.chosen .name").inner_text()


@pytest.fixture
def labelling():
    """Return the class `Labelling`."""
    return Labelling


@pytest.fixture
def stored(project: Project):
    """Return a function that returns {frame number: {body part: (x, y)}} as every reader of labels sees it."""

    def stored():
        table = read_folder(project.labeled_data / FOLDER, project.scorer)
        found = {}
        for row, image in enumerate(table.images):
            points = zip(table.bodyparts, table.keypoints[row, 0], strict=True)
            found[int(image[-7:-4])] = {part: tuple(point) for part, point in points if np.isfinite(point).all()}
        return found

    return stored


@pytest.fixture
def held_back():
    """Return a function that keeps requests whose body names `about` until the function that it returns is called."""

    def held_back(page, pattern, about=""):
        waiting, is_over = [], []

        def hold(route):
            if is_over or about not in (route.request.post_data or ""):
                route.continue_()
            else:
                waiting.append(route)

        def let_go():
            is_over.append(True)
            for route in waiting:
                route.continue_()

        page.route(pattern, hold)
        return let_go

    return held_back
