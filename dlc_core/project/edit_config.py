"""Change single values of a project's config.yaml: one writer at a time, every comment and unknown key kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlc_core.errors import DataError, ProjectError
from dlc_core.files import write_text
from dlc_core.lock import holding
from dlc_core.project.project import Project
from dlc_core.project.yaml_text import with_value
from dlc_core.video.crop import Crop

_WAIT_S = 5.0


@contextmanager
def editing(config: Path) -> Iterator[None]:
    """Keep other processes from changing a config.yaml while the block reads it, changes it and writes it.

    Raises
    ------
    ProjectError
        Another process has been changing it for seconds.
    DiskError
        The folder cannot be written.
    """

    def refusal(who: str) -> ProjectError:
        return ProjectError(f"{config} is being changed by {who}. Wait a moment and try again.")

    with holding(config.with_name(f".{config.name}.lock"), refusal, wait_s=_WAIT_S):
        yield


def set_value(project: Project, keys: Sequence[str], value: Any) -> Project:
    """Write one value into config.yaml and return the project as it is now.

    Parameters
    ----------
    project : Project
    keys : sequence of str
        ``["iteration"]``, or the tables from the outside in and the key.
    value : object
        Text, number, list or mapping.

    Raises
    ------
    ConfigError
        config.yaml cannot be read.
    DiskError
        It cannot be written.
    """
    file = project.config.path
    with editing(file):
        write_text(file, with_value(file, keys, value))
        return Project.open(project.root)


def set_crop(project: Project, video: Path, crop: Crop) -> Project:
    """Write the crop of a video into ``video_sets`` of config.yaml and return the project as it is now.

    Parameters
    ----------
    project : Project
    video : Path
        One of `Project.videos`.
    crop : Crop
        Within the video's frame; the whole frame is a crop, too, as DeepLabCut writes it.

    Raises
    ------
    DataError
        ``video_sets`` does not list the video.
    DiskError
        config.yaml cannot be written.
    """
    written = project.entry_of(video)
    if written is None:
        raise DataError(
            f"video_sets of {project.config.path} does not list {video}, so it has no crop there. "
            "Add it with `dlc add-videos`."
        )
    text = f"{crop.x1}, {crop.x2}, {crop.y1}, {crop.y2}"
    return set_value(project, ["video_sets", written, "crop"], text)
