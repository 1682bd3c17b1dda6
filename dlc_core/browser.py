"""Open the browser application: what the command line and the Python API call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dlc_core.console import Outcome, say
from dlc_core.errors import PluginError, ProjectError

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_COMMANDS = {"/label": ["label"], "/refine": ["refine"], "/grab": ["extract-frames", "--manual"]}
_NEXT = {"/label": "dlc check-labels", "/refine": "dlc merge", "/grab": "dlc label"}


def open_page(
    project: Project,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    opens: bool = True,
) -> Outcome:
    """Serve a project until Ctrl+C, show a page, and return the step that follows what is done there.

    In a notebook, whose event loop runs already, the server is a process of its own, which ends when the cell is
    interrupted.

    Parameters
    ----------
    project : Project
    path : str
        Of the page: ``"/grab"``.
    query : mapping of str to str, optional
        What the page is told: ``{"video": "mouse.mp4"}``.
    host, port, opens
        As for `dlc_core.gui.server.serve`.

    Raises
    ------
    PluginError
        The extra ``[gui]`` is not installed.
    ProjectError
        Another server has this project open.
    """
    _require_nicegui()
    if _in_event_loop():
        words = ["-p", str(project.root), "--host", host, *(["--port", str(port)] if port is not None else [])]
        _serve_in_child(
            [*_COMMANDS.get(path, ["gui"]), *words, *([] if opens else ["--no-open"]), *(query or {}).values()]
        )
    else:
        from dlc_core.gui.server import serve

        serve(project, f"{path}?{urlencode(query)}" if query else path, host=host, port=port, opens=opens)
    return Outcome(next_step=_NEXT.get(path, ""))


def begin(*, host: str = "127.0.0.1", port: int | None = None, opens: bool = True) -> None:
    """Serve a page on which a project is made or opened, and then that project; parameters as for `open_page`.

    Raises
    ------
    PluginError
        The extra ``[gui]`` is not installed.
    """
    _require_nicegui()
    from dlc_core.gui.new_project import serve_beginning

    serve_beginning(host=host, port=port, opens=opens)


def _require_nicegui() -> None:
    if find_spec("nicegui") is None:
        raise PluginError(
            "the browser application needs NiceGUI, which is not installed. Run `pip install 'dlc-core[gui]'`."
        )


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _serve_in_child(words: list[str]) -> None:
    """Run the command and print what it says, until it ends or this process is interrupted."""
    command = [sys.executable, "-m", "dlc_core", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        line = ""
        try:
            for line in server.stdout:
                say(line.rstrip())
        except KeyboardInterrupt:
            server.terminate()
            return
    if server.returncode:
        raise ProjectError(line.removeprefix("Error: ").strip() or f"the server ended with code {server.returncode}.")
