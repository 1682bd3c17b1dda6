"""The pages of the browser application: their table, and the frame around each.

To add a page: a module with ``add(app, workspace)``, which registers its page and its data routes, and a row
in `PAGES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from fastapi import FastAPI
from nicegui import ui

from dlc_core.gui.workspace import Workspace


class Add(Protocol):
    """What a page's module offers."""

    def __call__(self, app: FastAPI, workspace: Workspace) -> None:
        """Register the page (``@nicegui.ui.page(path)``) and its data (``@app.get("/api/...")``)."""


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """One page.

    Parameters
    ----------
    path : str
        Its address.
    title : str
        Its name in the navigation.
    icon : str
        A Material icon.
    module : str
        Where its ``add`` is.
    """

    path: str
    title: str
    icon: str
    module: str


PAGES: tuple[PageRow, ...] = (
    PageRow(path="/pipeline", title="Pipeline", icon="account_tree", module="dlc_core.gui.pipeline_page"),
    PageRow(path="/grab", title="Frames", icon="burst_mode", module="dlc_core.gui.grab_page"),
    PageRow(path="/label", title="Label", icon="edit_location_alt", module="dlc_core.gui.label_page"),
    PageRow(path="/refine", title="Refine", icon="auto_fix_high", module="dlc_core.gui.refine_page"),
)
"""In the order of the navigation; the first is what ``/`` opens."""

STYLE = """
:root { --dlc-bg: #12151c; --dlc-panel: #1a1e28; --dlc-line: #2c3342; --dlc-text: #e8eaf0; --dlc-dim: #98a1b3;
  --dlc-accent: #5aa2ff; --dlc-bad: #ff6b6b; --dlc-warn: #ffc857; --dlc-good: #5dd39e; }
body { background: var(--dlc-bg); color: var(--dlc-text); }
.dlc-header { background: var(--dlc-panel); border-bottom: 1px solid var(--dlc-line); height: 44px; padding: 0 14px;
  display: flex; align-items: center; gap: 4px; flex-wrap: nowrap; }
.dlc-header a { color: var(--dlc-dim); text-decoration: none; padding: 6px 12px; border-radius: 6px; font-size: 14px;
  display: inline-flex; gap: 6px; align-items: center; }
.dlc-header a:hover, .dlc-header a:focus-visible { color: var(--dlc-text); background: var(--dlc-line); }
.dlc-header a[aria-current] { color: var(--dlc-text); background: #263046; }
.dlc-project { font-weight: 600; margin-right: 12px; white-space: nowrap; }
"""


def add_pages(app: FastAPI, workspace: Workspace) -> None:
    """Register every page of the table."""
    for row in PAGES:
        cast(Add, import_module(row.module).add)(app, workspace)


@contextmanager
def page_frame(workspace: Workspace, path: str) -> Iterator[None]:
    """Put what follows below the header with the navigation; to be used inside a page function.

    Parameters
    ----------
    workspace : Workspace
    path : str
        Of the page, as in its row.
    """
    project = workspace.project
    title = next((row.title for row in PAGES if row.path == path), "")
    ui.page_title(f"{title} - {project.name}" if title else project.name)
    ui.add_css(STYLE)
    ui.dark_mode(True)
    ui.query(".nicegui-content").classes("p-0 gap-0")
    with ui.header(elevated=False).classes("dlc-header"), ui.element("nav").props('aria-label="Pages"').classes("flex"):
        ui.label(project.name).classes("dlc-project self-center").tooltip(str(project.root))
        for row in PAGES:
            link = ui.link(target=row.path)
            if row.path == path:
                link.props('aria-current="page"')
            with link:
                ui.icon(row.icon).props('aria-hidden="true"')
                ui.label(row.title)
    yield
