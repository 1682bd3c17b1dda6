"""What a browser is told when something cannot be done: one line, on the page that asked.

Data routes answer ``{"error": one line}``, pages show it, and the terminal gets it without a traceback.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from nicegui import app as pages

from dlc_core.console import warn
from dlc_core.errors import DlcError, ProjectError
from dlc_core.gui.workspace import Workspace

_REFUSED, _MISDIRECTED = 422, 421


class AnotherProjectError(ProjectError):
    """A page of a server that was here before asks, in whose project the same names mean other frames."""


def only_pages_of(workspace: Workspace) -> Callable[[str], None]:
    """Return a dependency that refuses what a page of another project asks; it names its own in ``X-Dlc-Project``."""

    def check(x_dlc_project: str = Header(workspace.key)) -> None:
        if x_dlc_project != workspace.key:
            raise AnotherProjectError(
                "another project is open at this address now, so nothing was changed; unsaved edits are kept in this "
                "browser until theirs is open here again"
            )

    return check


def add_refusals(app: FastAPI) -> None:
    """Answer ``{"error": one line}`` where a data route raises a DlcError."""

    @app.exception_handler(AnotherProjectError)
    async def misdirected(_: Request, exc: AnotherProjectError) -> Response:
        return JSONResponse({"error": str(exc)}, status_code=_MISDIRECTED)

    @app.exception_handler(DlcError)
    async def refused(_: Request, exc: DlcError) -> Response:
        return JSONResponse({"error": str(exc)}, status_code=_REFUSED)


def say_problems_of_pages() -> None:
    """Show one line where a page cannot be made, and print one where NiceGUI would print a traceback."""
    pages.add_exception_handler(DlcError, _page_of_problem)
    logging.getLogger("nicegui").addFilter(_in_one_line)


async def _page_of_problem(_: Request, problem: Exception) -> Response:
    text = f"<p>{html.escape(str(problem))}</p><p>Mend it, and load this page again.</p>"
    return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>dlc</title>{text}", status_code=_REFUSED)


def _in_one_line(record: logging.LogRecord) -> bool:
    """Say what a person can act on; everything else is logged with its traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DlcError):
        warn(str(error), error)
    return not isinstance(error, DlcError)
