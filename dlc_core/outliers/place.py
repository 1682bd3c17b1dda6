"""Where the frames of a video belong in a project, whether the project lists that video or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlc_core.errors import DataError
from dlc_core.project.project import Project, file_name
from dlc_core.video.crop import Crop
from dlc_core.video.probe import fingerprint


@dataclass(frozen=True)
class Place:
    """A video's place in a project.

    Parameters
    ----------
    folder : Path
        Where the images of its frames lie, or will.
    crop : Crop or None
        Its crop in ``video_sets``, None for the whole frame.
    listed : bool
        Whether ``video_sets`` lists it.
    instead_of : str
        The path of ``video_sets``, not there any more, that stands for it; "" if its own does.
    """

    folder: Path
    crop: Crop | None
    listed: bool
    instead_of: str = ""


def place_of(project: Project, video: Path) -> Place:
    """Return where the frames of `video` belong; a copy that the project has of it is the same video.

    Raises
    ------
    DataError
        The project has another video of that name, so both would share a folder.
    """
    folder = project.labeled_data / video.stem
    for known, crop in project.videos().items():
        is_copy = known.stem == video.stem and fingerprint(known) == fingerprint(video)
        if is_copy or known.resolve() == video.resolve():
            return Place(project.labeled_data / known.stem, crop, True)
    for written in project.config.video_sets:
        if Path(file_name(written)).stem != video.stem:
            continue
        if file_name(written) == video.name and written in project.missing_videos():
            text = project.config.video_sets[written]
            return Place(folder, Crop.parse(text) if text.strip() else None, True, written)
        raise DataError(
            f"{video} would share the folder labeled-data/{video.stem} with {written}, another video of the project. "
            "Rename one of them."
        )
    return Place(folder, None, False)
