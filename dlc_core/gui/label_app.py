"""The labelling application inside a page: a component of our own, and what it is told when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui import ui

from dlc_core.colors import keypoint_colors
from dlc_core.gui.desk import Desk
from dlc_core.gui.workspace import Workspace
from dlc_core.project.project import Project

SCRIPTS = Path(__file__).parent / "js"


class LabelApp(ui.element, component="js/label_app.js", esm={"dlc-gui": "js"}):
    """Frames, points, undo, keys: everything that must not wait for the server happens in the browser.

    Parameters
    ----------
    workspace : Workspace
    kind : str
        ``label`` or ``refine``: where it asks for frames and sends edits.
    """

    def __init__(self, workspace: Workspace, kind: str) -> None:
        super().__init__()
        ui.add_css(SCRIPTS / "label.css")
        self._props["kind"] = kind
        self._props["project"] = workspace.key
        self._props["scorer"] = workspace.project.scorer


def folder_state(desk: Desk) -> dict[str, Any]:
    """Return what a browser must know of a folder before it shows the first frame."""
    project = desk.editor.project
    parts = desk.editor.bodyparts
    return {
        "bodyparts": list(parts),
        "colors": [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in _colors(project, len(parts))],
        "edges": [list(edge) for edge in project.skeleton.edges],
        "files": desk.marks(),
        "unused": list(desk.editor.unused),
        "settings": _settings(project),
    }


def _colors(project: Project, number: int) -> list[list[int]]:
    return [[int(value) for value in color] for color in keypoint_colors(number, project.config.colormap)]


def _settings(project: Project) -> dict[str, Any]:
    config = project.config
    return {
        "dotsize": config.dotsize,
        "opacity": config.alphavalue,
        "pcutoff": config.pcutoff,
        "corner": list(config.corner2move2) if config.move2corner else None,
        "iteration": project.iteration,
    }
