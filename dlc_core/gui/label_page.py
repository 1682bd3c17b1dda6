"""The page on which a person labels frames."""

from __future__ import annotations

from fastapi import FastAPI
from nicegui import ui

from dlc_core.gui.pages import page_frame
from dlc_core.gui.workspace import Workspace


def add(_app: FastAPI, workspace: Workspace) -> None:
    """Register ``/label``."""

    @ui.page("/label")
    def label() -> None:
        with page_frame(workspace, "/label"):
            ui.label("")
