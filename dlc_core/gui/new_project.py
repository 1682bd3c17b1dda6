"""``dlc gui`` where there is no project yet: a page that makes one or opens one, and then gives way to it.

One process serves one project, so this is a small server of its own; when it knows the project it ends, and that of the
project begins under the same address and token.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel

from dlc_core.console import say
from dlc_core.errors import ConfigError, DlcError
from dlc_core.gui.security import TOKEN_KEY, Guard, is_loopback, new_token, own_names
from dlc_core.gui.server import ended_by_signals, greeting, has_screen, in_url, listening, own_port, serve
from dlc_core.project.create import create_project
from dlc_core.project.project import CONFIG_NAME, Project

PATH = "/new"
_PAGE = Path(__file__).parent / "js" / "new_project.html"
_MOST = 30


class NewProject(BaseModel):
    """What a person fills in."""

    name: str
    experimenter: str
    videos: list[str]
    bodyparts: list[str]
    folder: str = ""
    copies: bool = False


class ExistingProject(BaseModel):
    """Where a project is."""

    folder: str


class Beginning:
    """The answer of the person: a project, once there is one.

    Parameters
    ----------
    here : Path
        The folder in which the server was started.
    """

    def __init__(self, here: Path) -> None:
        self.here = here
        self.project: Project | None = None

    def choices(self) -> dict[str, Any]:
        """Return the folder, and the projects in it."""
        found = sorted(file.parent for file in self.here.glob(f"*/{CONFIG_NAME}") if _is_project(file))
        return {"here": str(self.here), "projects": [str(folder) for folder in found[:_MOST]]}

    def port(self) -> int | None:
        """Return the port of the projects in the folder, None if they have several or none.

        The project that will be opened is then where browsers have kept its edits.
        """
        found = {own_port(file.parent) for file in self.here.glob(f"*/{CONFIG_NAME}")} - {None}
        return found.pop() if len(found) == 1 else None

    def make(self, wanted: NewProject) -> None:
        """Make a project.

        Raises
        ------
        DlcError
            A field cannot be used, or a video not be read; nothing is left on the disk then.
        """
        for what, value in (("the name", wanted.name), ("who labels", wanted.experimenter), ("videos", wanted.videos)):
            if not value:
                raise ConfigError(f"{what} is empty; fill it in.")
        self.project = create_project(
            wanted.name,
            wanted.experimenter,
            [self.here / Path(video).expanduser() for video in wanted.videos],
            self.here / Path(wanted.folder or ".").expanduser(),
            copy_videos=wanted.copies,
            bodyparts=wanted.bodyparts,
        )

    def open(self, wanted: ExistingProject) -> None:
        """Open a project that exists; raises DlcError if there is none."""
        self.project = Project.open(self.here / Path(wanted.folder).expanduser())


def build_app(beginning: Beginning, done: Any) -> FastAPI:
    """Return the page and what it asks for; `done` is called after the answer that there is a project."""
    app = FastAPI(title="dlc", docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(DlcError)
    async def refused(_: Request, exc: DlcError) -> Response:
        return JSONResponse({"error": str(exc)}, status_code=422)

    app.get("/")(lambda: RedirectResponse(PATH))
    app.get(PATH)(lambda: FileResponse(_PAGE, headers={"cache-control": "no-store"}))
    app.get("/api/begin")(beginning.choices)

    @app.post("/api/new")
    def make(wanted: NewProject, after: BackgroundTasks) -> dict[str, str]:
        beginning.make(wanted)
        after.add_task(done)
        return {}

    @app.post("/api/open")
    def open_one(wanted: ExistingProject, after: BackgroundTasks) -> dict[str, str]:
        beginning.open(wanted)
        after.add_task(done)
        return {}

    return app


def serve_beginning(*, host: str = "127.0.0.1", port: int | None = None, opens: bool = True) -> None:
    """Ask in the browser for a project, and serve it until Ctrl+C.

    Parameters
    ----------
    host, port, opens
        As for `dlc_core.gui.server.serve`.

    Raises
    ------
    ConfigError
        The address or port cannot be used.
    """
    token, once, beginning = new_token(), new_token(), Beginning(Path.cwd())
    with listening(host, port, beginning.port()) as listener:
        number = listener.getsockname()[1]
        page = f"http://{in_url(host)}:{number}{PATH}?{TOKEN_KEY}="

        def done() -> None:
            server.should_exit = True

        app = Guard(build_app(beginning, done), token, own_names(host), not is_loopback(host), once)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3))
        with ended_by_signals(server):
            say("There is no project here: make or open one in the browser.")
            for line in greeting(f"{page}{token}", host, number):
                say(line)
            if opens and has_screen():
                webbrowser.open(f"{page}{once}")
            server.run(sockets=[listener])
    if beginning.project is not None:
        serve(beginning.project, host=host, port=port, opens=False, token=token, at=number)


def _is_project(file: Path) -> bool:
    try:
        Project.open(file)
    except DlcError:
        return False
    return True
