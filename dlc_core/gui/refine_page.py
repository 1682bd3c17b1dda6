"""The page on which a person corrects what a network found in outlier frames."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from nicegui import ui

from dlc_core.errors import DataError, DlcError
from dlc_core.gui.desk import Desk
from dlc_core.gui.desks import Desks
from dlc_core.gui.editing_routes import add_editing_routes
from dlc_core.gui.label_app import LabelApp, folder_state
from dlc_core.gui.pages import page_frame
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.machine import machine_file
from dlc_core.refine.editing import RefineEditor
from dlc_core.refine.elsewhere import waiting_elsewhere


def add(app: FastAPI, workspace: Workspace) -> None:
    """Register ``/refine`` and its data."""

    def open_desk(name: str) -> Desk:
        editor = RefineEditor.open(workspace.project, workspace.folder(name))
        return Desk(
            name, editor, lambda image: {"done": editor.done(image), "begun": editor.begun(image)}, workspace.compactor
        )

    desks = Desks(open_desk, lambda: (workspace.project.scorer, workspace.project.iteration))
    workspace.services.append(desks.service())
    add_editing_routes(app, "refine", desks, lambda name: folder_state(desks.desk(name)))

    @app.get("/api/refine")
    def folders() -> list[dict[str, Any]]:
        iteration = workspace.project.iteration
        names = [name for name, folder in workspace.folders().items() if machine_file(folder, iteration).is_file()]
        if not names:
            then = waiting_elsewhere(workspace.project) or "Extract outlier frames first: dlc extract-outliers."
            raise DataError(f"There are no machine labels of iteration {iteration} to refine. {then}")
        return [_summary(name, desks) for name in names]

    @ui.page("/refine")
    def refine() -> None:
        with page_frame(workspace, "/refine"):
            desks.shown_by(LabelApp(workspace, "refine"))


def _summary(name: str, desks: Desks) -> dict[str, Any]:
    """Return a folder's name, how many frames it has and how many are done; or why it cannot be opened."""
    try:
        frames = [frame["done"] for frame in desks.desk(name).marks()]
    except DlcError as exc:
        return {"name": name, "frames": 0, "finished": 0, "problem": str(exc)}
    return {"name": name, "frames": len(frames), "finished": sum(done is not None for done in frames)}
