"""``dlc extract-frames``: choose frames that are worth labelling and write them as images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from dlc_core.console import Outcome, counted, say, warn
from dlc_core.frames import extract
from dlc_core.frames.settings import ExtractFramesSettings
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.project.project import Project

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed


def extract_frames(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:
    """Extract frames of the project's videos.

    Parameters
    ----------
    project : Project
    composed : Composed
        With the fields of `dlc_core.frames.settings.ExtractFramesSettings`.
    arguments : sequence of str
        Paths or names of videos of the project; none for all.

    Returns
    -------
    Outcome
        Per video: folder, new and existing frames, problem.
    """
    options: dict[str, Any] = {field.name: composed.config[field.name] for field in fields(ExtractFramesSettings)}
    options["selector"] = load_plugins().registry("frame_selector").build(options["selector"])
    results = extract.extract_frames(project, videos=arguments, **options)
    for result in results:
        if result.indices or not result.failed:
            say(f"{result.folder}: {_counted(len(result.indices), len(result.existing))}")
        if result.problem:
            warn(result.problem)
    data = [
        {
            "video": str(result.video),
            "folder": str(result.folder),
            "frames": list(result.indices),
            "existing": list(result.existing),
            "problem": result.problem,
        }
        for result in results
    ]
    failed = sum(result.failed for result in results)
    return Outcome({"videos": data}, "" if failed else "dlc label", failed)


def _counted(new: int, before: int) -> str:
    if not before:
        return counted(new, "new frame")
    added = f"added to the {before} that were there: {new + before} in all (n counts new frames)"
    return f"{counted(new, 'new frame')}, {added}"
