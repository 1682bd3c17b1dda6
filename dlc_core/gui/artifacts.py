"""Pictures and videos that steps wrote, given to browsers under keys: no text from a browser is used as a path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from dlc_core.errors import DataError

PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
VIDEOS = {".mp4": "video/mp4", ".webm": "video/webm"}
_BASE = "/api/artifact"
_MOST = 400


class Artifacts:
    """The files that pages may show.

    Parameters
    ----------
    app : FastAPI
        Gets the route that sends them.
    """

    def __init__(self, app: FastAPI) -> None:
        self._files: dict[str, Path] = {}

        @app.get(_BASE + "/{key}")
        def artifact(key: str) -> Response:
            file = self._files.get(key)
            if file is None or not file.is_file():
                raise DataError("this picture or video is not there any more. Reload the page to see what is there.")
            return FileResponse(file, media_type=(PICTURES | VIDEOS)[file.suffix.lower()])

    def url(self, file: Path) -> str:
        """Return the address under which a picture or video can be fetched from now on; a new one when it changes."""
        state = file.stat()
        key = hashlib.sha256(os.fsencode(file) + f"{state.st_mtime_ns}-{state.st_size}".encode()).hexdigest()[:32]
        self._files[key] = file
        return f"{_BASE}/{key}"


def is_picture(file: Path) -> bool:
    """Tell whether browsers show the file as a picture."""
    return file.suffix.lower() in PICTURES


def shown_files(result: object) -> list[Path]:
    """Return the pictures and videos that a step's result names, and those in the folders it names; each once.

    A result is what ``--json`` prints, whatever its keys are called, so that this holds for every step; what stands
    under ``video`` was read and is left out.
    """
    return list(dict.fromkeys(_found(result)))[:_MOST]


def _found(value: object) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key != "video":  # which was read, not made
                yield from _found(one)
    elif isinstance(value, list):
        for one in value:
            yield from _found(one)
    elif isinstance(value, str) and os.sep in value and "\n" not in value:
        yield from _of_path(Path(value))


def _of_path(path: Path) -> Iterable[Path]:
    try:
        if path.is_dir():
            return [file for file in sorted(path.iterdir()) if is_picture(file)]
        return [path] if path.suffix.lower() in PICTURES | VIDEOS and path.is_file() else []
    except OSError:  # too long to be a path, or not to be looked at
        return []
