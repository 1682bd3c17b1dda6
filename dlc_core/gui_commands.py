"""The verbs that open the browser application: ``dlc gui``, ``dlc label``, ``dlc refine``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dlc_core.cli import browser_options, debug_option, dlc, finish, project_option
from dlc_core.errors import DataError, suggest


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every verb that starts the server."""
    return browser_options(project_option(debug_option(command)))


@dlc.command("gui")
@server_options
def gui(port: int | None, host: str, no_open: bool, project_path: str | None) -> None:
    """Run the protocol in a browser, on this machine or over ssh; where there is no project, begin one there."""
    from dlc_core.browser import begin
    from dlc_core.project.project import Project

    if Project.chosen(project_path) is None:
        begin(host=host, port=port, opens=not no_open)
        return
    open_page("/", port, host, no_open, project_path)


@dlc.command("label")
@click.argument("folder", required=False)
@server_options
def label(folder: str | None, port: int | None, host: str, no_open: bool, project_path: str | None) -> None:
    """Label frames in a browser; FOLDER is a folder of labeled-data, by default one that has frames without labels."""
    open_page("/label", port, host, no_open, project_path, folder)


@dlc.command("refine")
@click.argument("folder", required=False)
@server_options
def refine(folder: str | None, port: int | None, host: str, no_open: bool, project_path: str | None) -> None:
    """Correct a network's labels of outlier frames in a browser; FOLDER is a folder of labeled-data."""
    open_page("/refine", port, host, no_open, project_path, folder)


def open_page(
    path: str, port: int | None, host: str, no_open: bool, project_path: str | None, folder: str | None = None
) -> None:
    """Serve the project of this command until Ctrl+C, with the page `path` first.

    Raises
    ------
    PluginError
        The extra ``[gui]`` is not installed.
    DataError
        There is no such folder.
    """
    from dlc_core import browser
    from dlc_core.project.project import Project

    project = Project.chosen(project_path) or Project.find()
    query = {} if folder is None else {"folder": _folder_name(project.labeled_data, folder)}
    finish(browser.open_page(project, path, query, host=host, port=port, opens=not no_open), False)


def _folder_name(labeled_data: Path, given: str) -> str:
    from dlc_core.gui.step_states import is_drawn

    places = [place for place in labeled_data.iterdir() if place.is_dir()] if labeled_data.is_dir() else []
    names = sorted(place.name for place in places if not is_drawn(place, places))
    name = Path(given).name
    if name not in names:
        raise DataError(
            f"{labeled_data} has no folder {name!r}. {suggest(name, names)}Extract frames first, or choose "
            f"one of: {', '.join(names) or 'none yet'}."
        )
    return name
