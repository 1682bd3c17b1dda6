"""The page on which a person labels frames, and goes through labels that are probably wrong."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from nicegui import ui

from dlc_core.gui.desk import Desk
from dlc_core.gui.desks import Desks
from dlc_core.gui.editing_routes import add_editing_routes
from dlc_core.gui.label_app import LabelApp, folder_state
from dlc_core.gui.pages import page_frame
from dlc_core.gui.step_states import labelled_frames
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.bodyparts import add_bodyparts
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.table_files import LabelFiles
from dlc_core.outliers.suspects import SUSPECTS, Suspect, read_suspects

_HEADER_ROWS = 3


def add(app: FastAPI, workspace: Workspace) -> None:
    """Register ``/label`` and its data."""

    def open_desk(name: str) -> Desk:
        editor = LabelEditor.open(workspace.project, workspace.folder(name))
        return Desk(
            name, editor, lambda image: {"done": 1.0 if editor.is_labelled(image) else None}, workspace.compactor
        )

    desks = Desks(open_desk, lambda: workspace.project.scorer)
    workspace.services.append(desks.service())
    add_editing_routes(app, "label", desks, lambda name: folder_state(desks.desk(name)))

    @app.get("/api/label")
    def folders() -> list[dict[str, Any]]:
        scorer, opened = workspace.project.scorer, desks.opened()
        return [_summary(name, folder, scorer, opened.get(name)) for name, folder in workspace.folders().items()]

    @app.get("/api/suspects")
    def suspects() -> list[dict[str, Any]]:
        file = workspace.project.root / SUSPECTS
        return [_as_json(suspect) for suspect in read_suspects(file)] if file.is_file() else []

    @app.post("/api/bodyparts")
    def new_bodyparts(change: dict[str, Any]) -> dict[str, Any]:
        project = add_bodyparts(workspace.project, list(map(str, change["names"])), str(change.get("by", "")))
        return {"bodyparts": list(project.config.bodyparts)}

    @ui.page("/label")
    def label() -> None:
        with page_frame(workspace, "/label"):
            desks.shown_by(LabelApp(workspace, "label"))


def _summary(name: str, folder: Path, scorer: str, desk: Desk | None) -> dict[str, Any]:
    """Return a folder's name, how many frames it has and how many are labelled."""
    if desk is not None:
        images = desk.editor.images
        return {"name": name, "frames": len(images), "finished": sum(map(desk.editor.is_labelled, images))}
    return {"name": name, "frames": len(Workspace.frames_in(folder)), "finished": _rows(LabelFiles(folder, scorer))}


def _as_json(suspect: Suspect) -> dict[str, Any]:
    """Return a suspect with null for numbers that are not known."""
    found = asdict(suspect)
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in found.items()}


def _rows(files: LabelFiles) -> int:
    """Return how many rows a table has; the lines of a csv that has no journal are counted, which is quick."""
    if not files.csv.is_file() or files.journal.exists():
        return len(labelled_frames(files))
    try:
        with files.csv.open("rb") as file:
            return max(0, sum(bool(line.strip()) for line in file) - _HEADER_ROWS)
    except OSError:
        return 0
