"""How long a click takes to be drawn and to be on the disk, when the server is 50 ms away.

Question    On the label page through a tunnel with 50 ms of round-trip time: pointer event -> overlay changed, for
            clicks and drags; click -> acknowledged after the journal's fsync, also while the server writes the tables;
            key -> next frame shown. For a folder of 40 frames x 4 body parts and for one of 2,000 x 60.
Data        Generated images, labelled beforehand but for the first frames.
Command     python benchmarks/gui_latency.py
Hardware    2 cores of a shared virtual machine (Intel Xeon), Chromium without a screen; the JSON says which.
Seed        0 (places of the clicks).
Expected    Medians: drawn below 16 ms (clicks and drags), on the disk below 100 ms at the server and, with the 50 ms of
            the tunnel, acknowledged below 150 ms; also while tables are written.

The tunnel is a TCP proxy in this process that keeps every chunk back for half the round trip, each way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlc_core import __version__
from dlc_core.labels.files import write_labels
from dlc_core.labels.table import LabelTable

SETS = {"40 frames x 4": (40, 4, (480, 640)), "2000 frames x 60": (2000, 60, (240, 320))}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
RESULT = Path(__file__).parent / "results" / "gui_latency.json"
UNLABELLED = 30  # frames at the beginning, for clicks
WRITINGS = 12  # of the tables, during which clicks are made
SAVED = "performance.getEntriesByName('dlc-saved').map(e => [e.duration, e.detail])"

MEASURE = """() => {
  const stage = document.querySelector('.dlc-stage'), overlay = document.querySelector('.dlc-points');
  window.took = {click: [], drag: [], frame: []};
  let since = null, what = '';
  const begin = (kind, event) => { what = kind; since = event.timeStamp; };
  stage.addEventListener('pointerdown', (e) => begin('click', e), true);
  stage.addEventListener('pointermove', (e) => { if (e.buttons && since === null) begin('drag', e); }, true);
  window.addEventListener('keydown', (e) => { if (e.key === 'ArrowRight') begin('frame', e); }, true);
  new MutationObserver(() => {
    if (since !== null) { took[what].push(performance.now() - since); since = null; }
  }).observe(overlay, {subtree: true, childList: true, attributes: true});
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--round-trip-ms", type=float, default=50.0)
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--chromium", default=os.environ.get("DLC_TEST_CHROMIUM") or shutil.which("chromium"))
    parser.add_argument("--result", type=Path, default=RESULT)
    arguments = parser.parse_args()
    rows = {}
    for name, (frames, parts, size) in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            root = make_project(Path(folder) / "latency", frames, parts, size)
            rows[name] = measure(root, arguments)
        print(name, json.dumps(rows[name], indent=1))
    about = {
        "round_trip_ms": arguments.round_trip_ms, "clicks": arguments.clicks, "seed": 0, "processor": processor(),
        "cores": os.cpu_count(), "load_average": [round(value, 1) for value in os.getloadavg()],
        "system": platform.platform(), "dlc_core": __version__,
        "versions": {package: metadata.version(package) for package in ("nicegui", "playwright", "uvicorn")},
    }  # fmt: skip
    arguments.result.write_text(json.dumps({**about, "rows": rows}, indent=2) + "\n")


def make_project(root: Path, frames: int, parts: int, size: tuple[int, int]) -> Path:
    """Write a project with one folder; all but the first frames are labelled."""
    generator = np.random.default_rng(0)
    folder = root / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    bodyparts = tuple(f"part{number}" for number in range(parts))
    for number in range(frames):
        image = np.full((*size, 3), 90 + number % 100, np.uint8)
        image[:: 8 + number % 5] = 140
        cv2.imwrite(str(folder / f"img{number:04d}.png"), image)
    names = tuple(f"labeled-data/mouse/img{number:04d}.png" for number in range(UNLABELLED, frames))
    points = generator.uniform(0, min(size) - 1, (len(names), 1, parts, 2))
    (root / "config.yaml").write_text(
        f"Task: latency\nscorer: ada\ndate: Jan1\nbodyparts: [{', '.join(bodyparts)}]\n", encoding="utf-8"
    )
    write_labels(LabelTable("ada", names, bodyparts, points), folder)
    return root


def measure(root: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return medians and 95th percentiles in ms for one project."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "dlc_core", "label", "-p", str(root), "--port", "0", "--no-open"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)(/\S+)", server.stdout.readline())
        assert found, "the server printed no address"
        port = tunnel(int(found[1]), arguments.round_trip_ms / 2000)
        time.sleep(3)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=arguments.chromium, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(60_000)
            begun = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}{found[2]}")
            page.wait_for_function("document.querySelector('.dlc-frame')?.naturalWidth > 0")
            loaded = time.perf_counter() - begun
            folder = root / "labeled-data" / "mouse"
            return {
                "page_shown_s": round(loaded, 2),
                **drive(page, arguments.clicks),
                **drive_while_tables_are_written(page, folder),
            }
    finally:
        server.terminate()
        server.wait(60)


def drive(page: Any, clicks: int) -> dict[str, Any]:
    """Click, drag and turn frames like a person in a hurry, and return what that took."""
    generator = np.random.default_rng(0)
    box = page.locator(".dlc-frame").bounding_box()
    page.wait_for_timeout(500)
    page.evaluate(MEASURE)

    def place() -> tuple[float, float]:
        x, y = generator.uniform(0.05, 0.95, 2)
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    for number in range(clicks):
        if number and number % 3 == 0:
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(250)
        page.mouse.move(*place())
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(150)
    for _ in range(clicks // 3):
        page.keyboard.press("1")
        start = place()
        page.mouse.click(*start)
        page.mouse.down()
        for step in range(1, 9):
            page.mouse.move(start[0] + 3 * step, start[1] + 2 * step)
            page.wait_for_timeout(20)
        page.mouse.up()
        page.wait_for_timeout(150)
    page.wait_for_selector("[data-test=save].saved")
    took = page.evaluate("took")
    saved = page.evaluate(SAVED)
    return {
        "click_drawn_ms": summary(took["click"]),
        "drag_drawn_ms": summary(took["drag"]),
        "next_frame_drawn_ms": summary(took["frame"]),
        "edit_acknowledged_ms": summary([one[0] for one in saved]),
        "edit_on_disk_ms": summary([one[1] for one in saved]),
    }


def drive_while_tables_are_written(page: Any, folder: Path) -> dict[str, Any]:
    """Move a point again and again from the moment a new table appears beside the old one until it is in its place."""
    box = page.locator(".dlc-frame").bounding_box()
    csv = folder / "CollectedData_ada.csv"
    saved = []

    def click(number: int) -> None:
        page.keyboard.press("1")
        page.mouse.click(box["x"] + box["width"] * (0.2 + 0.02 * (number % 30)), box["y"] + box["height"] * 0.5)

    for number in range(WRITINGS):
        before = csv.stat().st_mtime_ns
        click(number)
        page.wait_for_selector("[data-test=save].saved")
        limit = time.monotonic() + 60
        while not any(folder.glob(".~*CollectedData*")) and time.monotonic() < limit:
            time.sleep(0.005)
        page.evaluate("performance.clearMeasures()")
        while csv.stat().st_mtime_ns == before and time.monotonic() < limit:
            number += 1
            click(number)
            page.wait_for_timeout(120)
        page.wait_for_selector("[data-test=save].saved")
        saved += page.evaluate(SAVED)
    return {
        "edit_acknowledged_while_writing_ms": summary([one[0] for one in saved]),
        "edit_on_disk_while_writing_ms": summary([one[1] for one in saved]),
    }


def summary(values: list[float]) -> dict[str, float]:
    """Return median, 95th percentile, largest and number of values."""
    return {
        "median": round(statistics.median(values), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "max": round(max(values), 2),
        "n": len(values),
    }


def tunnel(target: int, delay_s: float) -> int:
    """Forward connections to the port `target`, each chunk `delay_s` later; return the port to connect to."""
    ready: list[int] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def write() -> None:
            while True:
                due, data = await chunks.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    writer.close()
                    return
                writer.write(data)

        task = asyncio.create_task(write())
        data = b"x"
        while data:
            try:
                data = await reader.read(1 << 16)
            except ConnectionError:
                data = b""
            chunks.put_nowait((time.monotonic() + delay_s, data))
        await task

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    while not ready:
        time.sleep(0.01)
    return ready[0]


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
