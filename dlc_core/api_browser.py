"""The steps of the protocol that a person does by hand, as Python functions: each opens the browser application."""

from __future__ import annotations

from collections.abc import Sequence

from dlc_core.api_calls import AnyPath, Paths, listed, open_project
from dlc_core.browser import open_page
from dlc_core.console import Outcome
from dlc_core.errors import ConfigError


def label_frames(config: AnyPath, port: int | None = None, open_browser: bool = True) -> Outcome:
    """Label frames in the browser, until Ctrl+C or until the notebook's cell is interrupted (step D of the protocol).

    Parameters
    ----------
    config : path
        The project.
    port : int or None
        Where the server listens on this machine; None for the project's own, else the first free one from 8088 on.
    open_browser : bool
        Whether to open a browser where there is a screen; the address is printed in any case.
    """
    return open_page(open_project(config), "/label", port=port, opens=open_browser)


def refine_labels(config: AnyPath, port: int | None = None, open_browser: bool = True) -> Outcome:
    """Correct a network's labels of outlier frames in the browser (step L of the protocol); as `label_frames`."""
    return open_page(open_project(config), "/refine", port=port, opens=open_browser)


def grab_frames(config: AnyPath, videos: Paths, overrides: Sequence[str]) -> Outcome:
    """Choose frames by hand in the browser: `dlc_core.api.extract_frames` with ``mode="manual"``.

    Raises
    ------
    ConfigError
        Options were given: a person chooses.
    """
    from dlc_core.frames.extract import chosen_videos

    if overrides:
        raise ConfigError(
            f"overrides={list(overrides)} mean nothing with mode='manual': a person chooses. Leave them out."
        )
    project, names = open_project(config), listed(videos)
    query = {"video": next(iter(chosen_videos(project, names))).name} if names else {}
    return open_page(project, "/grab", query)
