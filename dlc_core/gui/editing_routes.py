"""What the canvas asks the server for: the state of a folder, the points of frames, edits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from dlc_core.errors import DataError
from dlc_core.gui.desk import FrameChangedError
from dlc_core.gui.desks import Desks

_FRAMES_AT_ONCE = 64


def add_editing_routes(app: FastAPI, kind: str, desks: Desks, folder_state: Callable[[str], dict[str, Any]]) -> None:
    """Register ``/api/<kind>/...``.

    Parameters
    ----------
    app : FastAPI
    kind : str
        ``label`` or ``refine``.
    desks : Desks
        Opens folders by name; what is no folder's name is refused there.
    folder_state : callable
        Given a folder's name, returns what a page needs before it shows the first frame.
    """
    base = f"/api/{kind}"

    @app.exception_handler(FrameChangedError)
    async def conflict(_: Any, exc: FrameChangedError) -> Response:
        return JSONResponse({"error": str(exc), "frame": exc.state}, status_code=409)

    @app.get(f"{base}/{{folder}}")
    def folder_of_frames(folder: str) -> dict[str, Any]:
        return folder_state(folder)

    @app.post(f"{base}/{{folder}}/frames")
    def frames(folder: str, wanted: dict[str, list[str]]) -> dict[str, Any]:
        desk = desks.desk(folder)
        return {file: desk.frame(file) for file in wanted.get("files", [])[:_FRAMES_AT_ONCE]}

    @app.post(f"{base}/{{folder}}/edit")
    async def edit(folder: str, change: dict[str, Any]) -> dict[str, Any]:
        file, seen = _file_and_revision(change)
        begun = time.perf_counter()
        made = await run_in_threadpool(lambda: desks.desk(folder).edit(file, change, seen))
        took = 1000 * (time.perf_counter() - begun)
        desks.tell(folder, [file], str(change.get("sender", "")))
        return {**made, "durable_ms": round(took, 2)}

    @app.post(f"{base}/{{folder}}/remove")
    async def remove(folder: str, change: dict[str, Any]) -> dict[str, Any]:
        file, seen = _file_and_revision(change)
        await run_in_threadpool(lambda: desks.desk(folder).remove(file, seen, str(change.get("by", ""))))
        desks.tell(folder, ["", file], str(change.get("sender", "")))
        return {}


def _file_and_revision(change: dict[str, Any]) -> tuple[str, int]:
    """Return which frame is changed, and the revision of it that the person saw."""
    seen = change.get("seen")
    if not isinstance(seen, int):
        raise DataError(f"an edit was made on revision {seen!r}; a whole number is expected. Reload the page.")
    return str(change.get("file")), seen
