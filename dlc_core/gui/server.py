"""The server behind the browser application: what it is made of, where it listens, what it prints."""

from __future__ import annotations

import contextlib
import gc
import getpass
import json
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from nicegui import ui

from dlc_core.console import say
from dlc_core.errors import ConfigError, DiskError, DlcError, ProjectError
from dlc_core.files import write_text
from dlc_core.gui.frames import ImageBytes
from dlc_core.gui.pages import PAGES, add_pages
from dlc_core.gui.refusals import add_refusals, only_pages_of, say_problems_of_pages
from dlc_core.gui.security import TOKEN_KEY, Guard, is_loopback, new_token, own_names
from dlc_core.gui.workspace import Workspace
from dlc_core.lock import holding
from dlc_core.project.project import Project

FIRST_PORT, PORTS_TRIED = 8088, 20
_HIGHEST_PORT, _WAITING = 65535, 128


def build_app(project: Project, token: str, host: str = "127.0.0.1", once: str = "") -> Guard:
    """Return the whole application, an ASGI app behind its guard.

    One process serves one project, because the pages are registered for the whole process.

    Parameters
    ----------
    project : Project
    token : str
        What browsers must show (`dlc_core.gui.security.new_token`).
    host : str
        Where it will listen; decides which names it answers to.
    once : str
        Stands for the token in one request.
    """
    workspace = Workspace(project)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for service in workspace.services:
                await stack.enter_async_context(service)
            yield
        workspace.close()

    app = FastAPI(
        title="dlc", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan,
        dependencies=[Depends(only_pages_of(workspace))],
    )  # fmt: skip
    add_image_routes(app, workspace)
    add_pages(app, workspace)

    @app.get("/")
    def home() -> RedirectResponse:
        return RedirectResponse(PAGES[0].path)

    say_problems_of_pages()
    ui.run_with(
        app,
        title=f"dlc {project.name}",
        dark=True,
        show_welcome_message=False,
        reconnect_timeout=30.0,
        language="en-US",
    )
    return Guard(app, token, own_names(host), any_address=not is_loopback(host), once=once)


def add_image_routes(app: FastAPI, workspace: Workspace) -> None:
    """Serve frames, ``/image/<folder>/<file>`` and ``/video/<file>/<number>``; an error is ``{"error": one line}``."""
    add_refusals(app)

    @app.get("/image/{folder}/{name}")
    def image(request: Request, folder: str, name: str) -> Response:
        file, siblings = workspace.frame(folder, name)
        return _answer(request, workspace.images.image(file, siblings))

    @app.get("/video/{name}/{index}")
    def video_frame(request: Request, name: str, index: int) -> Response:
        return _answer(request, workspace.images.video_frame(workspace.video(name), index))


def _answer(request: Request, found: ImageBytes) -> Response:
    # The cookie differs from server to server: an image of another project, on the same port before, is not this one.
    headers = {"etag": f'"{found.tag}"', "cache-control": "private, max-age=60", "vary": "Cookie"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def serve(
    project: Project,
    path: str = "/",
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    opens: bool = True,
    token: str | None = None,
    at: int | None = None,
) -> None:
    """Serve a project until Ctrl+C.

    Parameters
    ----------
    project : Project
    path : str
        The page that is printed and opened.
    host : str
        The address to listen on; any but this machine's own loopback lets others reach the server.
    port : int or None
        None takes the project's own, because what browsers have kept belongs to an address and its port; if it is
        taken, or there is none yet, the first free one from 8088 on. 0 takes any. The first port, and one that is
        named here, is the project's own from then on.
    opens : bool
        Whether to open a browser where there is one.
    token : str or None
        What browsers must show; None makes one.
    at : int or None
        The port at which a browser waits for the project already; it is taken whatever `port` says.

    Raises
    ------
    ProjectError
        Another server has this project open; names its address.
    ConfigError
        The address or port cannot be used.
    """
    token, once = token or new_token(), new_token()
    own = own_port(project.root)
    with listening(host, port if at is None else at, own) as listener, one_server(project) as noted:
        number = listener.getsockname()[1]
        page = f"http://{in_url(host)}:{number}{path}{'&' if '?' in path else '?'}{TOKEN_KEY}="
        app = build_app(project, token, host, once)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=3)
        server = uvicorn.Server(config)
        with ended_by_signals(server):
            noted(f"{page}{token}")
            if own is None or port:
                with contextlib.suppress(DiskError):  # the next time another port may be taken
                    write_text(_port_file(project.root), f"{number}\n")
            for line in greeting(f"{page}{token}", host, number):
                say(line)
            if own not in (None, number):
                say(
                    f"Edits that a browser could not save when this project was at port {own} are kept for that port: "
                    f"`--port {own}` has them sent."
                )
            if opens and has_screen():
                webbrowser.open(f"{page}{once}")
            threading.Thread(target=spare_the_collector, daemon=True).start()
            server.run(sockets=[listener])


@contextmanager
def ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Have Ctrl+C and SIGTERM end the server in order, also before it has begun and when uvicorn raises them again.

    An exception that a handler raised could be lost in whatever runs at that moment.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def spare_the_collector() -> None:
    """Have Python's garbage collection never look again at what stays as long as the server.

    To look at the objects of all modules takes 0.1 s, in which no edit would be acknowledged.
    """
    import_module("pandas")  # what the first folder needs
    import_module("tables")
    gc.collect()
    gc.freeze()


def greeting(address: str, host: str, port: int) -> list[str]:
    """Return what the person at the terminal reads: the address, and how to reach it from another machine."""
    lines = [f"Browser: {address}"]
    if is_loopback(host):
        login = f"{getpass.getuser()}@{socket.gethostname()}"
        lines.append(f"From another machine: ssh -N -L {port}:127.0.0.1:{port} {login}, then the same address there.")
    else:
        lines.append(
            "Everybody who can reach this machine and has the address can change the labels; it is not encrypted."
        )
    return [*lines, "Every edit is saved at once. Ctrl+C ends the server."]


def own_port(root: Path) -> int | None:
    """Return the port of its own that the project in the folder `root` has, None if it was never served."""
    try:
        number = int(_port_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return number if 1024 <= number <= _HIGHEST_PORT else None


def _port_file(root: Path) -> Path:
    return root / ".dlc-gui" / "port"


@contextmanager
def listening(host: str, port: int | None, wished: int | None = None) -> Iterator[socket.socket]:
    """Listen on the port that was asked for; else on `wished` or the first free one."""
    usual = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)
    ports = [port] if port is not None else [*usual] if wished is None else [wished, *usual]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem: OSError | None = None
    for number in ports:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), number))
            listener.listen(_WAITING)  # from now on browsers wait until the server is ready
        except (OSError, OverflowError) as exc:
            listener.close()
            problem = exc if isinstance(exc, OSError) else OSError(str(exc))
            continue
        with listener:
            yield listener
        return
    tried = f"{usual[0]} to {usual[-1]}" if port is None else str(port)
    raise ConfigError(
        f"cannot listen on {host}, port {tried}: {problem.strerror or problem if problem else 'none tried'}. Choose "
        "another with --port, or an address of this machine with --host."
    )


@contextmanager
def one_server(project: Project) -> Iterator[Any]:
    """Hold the project for one server; yields a function that notes its address for whoever starts a second one."""
    lock, note = project.labeled_data / ".gui.lock", project.labeled_data / ".gui.json"

    def refusal(holder: str) -> DlcError:
        return ProjectError(
            f"this project is already open in the browser application ({holder}). {_address_in(note)}One server per "
            "project is allowed, many browsers may use it; or end that process."
        )

    def write(address: str) -> None:
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds the token
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            note.chmod(0o600)
            json.dump({"address": address}, file)

    with holding(lock, refusal):
        try:
            yield write
        finally:
            with contextlib.suppress(OSError):
                note.unlink(missing_ok=True)


def _address_in(note: Path) -> str:
    try:
        return f"Open {json.loads(note.read_text(encoding='utf-8'))['address']} instead. "
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def in_url(host: str) -> str:
    """Return how a URL names the address a server listens on."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host.strip('[]')}]" if ":" in host else host


def has_screen() -> bool:
    """Tell whether a browser can be opened for the person: not over ssh, and not without a display."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
