"""Make projects and add videos to them: the only code that writes config.yaml."""

from __future__ import annotations

import datetime
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dlc_core.aside import aside
from dlc_core.console import warn
from dlc_core.errors import ConfigError, DataError, DiskError, ProjectError
from dlc_core.files import check_name, disk_error, disk_errors, replacing, write_text
from dlc_core.project.box1 import BOX1
from dlc_core.project.edit_config import editing
from dlc_core.project.project import CONFIG_NAME, Project, file_name
from dlc_core.project.yaml_text import new_text, with_entries
from dlc_core.skeleton import Skeleton

AnyPath = str | os.PathLike[str]

_FOLDERS = ("videos", "labeled-data", "training-datasets", "dlc-models")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|[. ]$|^$')  # in a file name, on some system


def create_project(
    name: str,
    experimenter: str,
    videos: Sequence[AnyPath],
    working_directory: AnyPath = ".",
    copy_videos: bool = False,
    bodyparts: Sequence[str] | None = None,
) -> Project:
    """Make the project ``<name>-<experimenter>-<date>`` with its folders and config.yaml, and return it.

    Parameters
    ----------
    name, experimenter : str
        The task, and who labels; parts of the names of folders and files.
    videos : sequence of path-like
        Videos, or folders of videos.
    working_directory : path-like
        Where the project's folder is made.
    copy_videos : bool
        Copy the videos instead of linking to them.
    bodyparts : sequence of str or None
        Points to be labelled; None for those of the protocol's example, to be edited in config.yaml.

    Raises
    ------
    ProjectError
        The project exists.
    ConfigError
        A name cannot be part of a file's name, or a body part is listed twice.
    DataError
        There is no video, or one cannot be read, or two have the same name.
    DiskError
        The folder cannot be written. Nothing of the project is left then.
    """
    chosen = _find_videos(videos)
    with new_project(name, experimenter, working_directory, bodyparts) as (root, final):
        video_sets = _place_videos(chosen, root, final, copy_videos)
        write_config(root, final, name, experimenter, video_sets, bodyparts)
    return Project.open(final)


def add_videos(project: Project, videos: Sequence[AnyPath], copy_videos: bool = False) -> Project:
    """Add videos, or folders of videos, to a project, and return the project as it is now.

    A video that belongs to the project already is left alone with a notice. Everything else in config.yaml stays.

    Raises
    ------
    DataError
        There is no video, one cannot be read, or the project has another one of that name.
    DiskError
        The project cannot be written.
    """
    listed = {path.resolve() for path in project.videos()}
    chosen = []
    for video in _find_videos(videos):
        if video.resolve() in listed:
            warn(f"{video} belongs to the project already.")
        else:
            chosen.append(video)
    stems = {Path(file_name(path)).stem: path for path in project.config.video_sets}
    for video in chosen:
        if video.stem in stems:
            raise DataError(
                f"the project has a video {stems[video.stem]} already; {video} would share its folder "
                f"labeled-data/{video.stem}. Rename the new video."
            )
    if chosen:
        folders = [project.labeled_data / video.stem for video in chosen]
        with _removed_on_failure([*(project.root / "videos" / video.name for video in chosen), *folders]):
            added = _place_videos(chosen, project.root, project.root, copy_videos)
            with editing(project.config.path):
                write_text(project.config.path, with_entries(project.config.path, "video_sets", added))
    return Project.open(project.root)


@contextmanager
def new_project(
    name: str, experimenter: str, working_directory: AnyPath, bodyparts: Sequence[str] | None
) -> Iterator[tuple[Path, Path]]:
    """Yield a temporary folder and the project's final one; move the first to the second if the block succeeds."""
    for what, text in (("project name", name), ("experimenter", experimenter)):
        if _FORBIDDEN.search(text):
            raise ConfigError(
                f"the {what} {text!r} cannot be part of a folder's name; letters, digits, spaces and -_= are allowed. "
                "Choose another."
            )
    if bodyparts is not None:
        Skeleton(tuple(bodyparts))  # refuses an empty list and names that occur twice
    today = datetime.datetime.now().astimezone().date().isoformat()
    final = check_name(Path(working_directory).expanduser().absolute() / f"{name}-{experimenter}-{today}")
    if final.exists():
        raise ProjectError(
            f"{final} exists and is never overwritten. Open it, add videos to it with `dlc add-videos`, or choose "
            "another name."
        )
    with disk_errors(final, "make the project in another folder"), aside(final) as temporary:
        for folder in _FOLDERS:
            (temporary / folder).mkdir(parents=True)
        try:
            yield temporary, final
        except DiskError as exc:  # the temporary folder is gone when somebody reads its name
            raise DiskError(str(exc).replace(str(temporary), str(final))) from exc
        temporary.rename(final)


def write_config(
    root: Path, final: Path, name: str, experimenter: str, video_sets: Any, bodyparts: Sequence[str] | None
) -> None:
    """Write the config.yaml of a project that is being made in `root` and will lie in `final`."""
    today = datetime.datetime.now().astimezone()
    parts = next(row.default for row in BOX1 if row.key == "bodyparts") if bodyparts is None else bodyparts
    values = {
        "Task": name,
        "scorer": experimenter,
        "date": f"{_MONTHS[today.month - 1]}{today.day}",
        "project_path": str(final),
        "video_sets": video_sets,
        "bodyparts": list(parts),
    }
    write_text(root / CONFIG_NAME, new_text(values))


def _find_videos(videos: Sequence[AnyPath]) -> list[Path]:
    from dlc_core.video.probe import find_videos

    found = [path.absolute() for path in find_videos(videos)]
    unique = list(dict.fromkeys(found))
    if not unique:
        raise DataError(
            f"no video in {', '.join(map(str, videos)) or 'an empty list'}; give videos or folders of videos."
        )
    stems: dict[str, Path] = {}
    for video in unique:
        other = stems.setdefault(video.stem, video)
        if other != video:
            raise DataError(
                f"{other} and {video} have the same name {video.stem!r}, and so would share labeled-data/{video.stem}. "
                "Rename one."
            )
    return unique


def _place_videos(videos: Iterable[Path], root: Path, final: Path, copy: bool) -> dict[str, dict[str, str]]:
    """Link or copy videos into ``root/videos`` and return their entries of ``video_sets`` as seen from `final`."""
    from dlc_core.video.reader import VideoReader

    sizes = {}
    for video in videos:  # all of them, before anything is written
        with VideoReader(video) as reader:
            sizes[video] = (reader.width, reader.height)
    entries = {}
    for video, (width, height) in sizes.items():
        target = root / "videos" / video.name
        if target.resolve() != video.resolve():
            if target.exists() or target.is_symlink():
                raise DataError(f"{target} exists and is another file than {video}. Rename one of them.")
            _link_or_copy(video, target, copy)
        try:
            (root / "labeled-data" / video.stem).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise disk_error(root / "labeled-data" / video.stem, exc) from exc
        entries[str(final / "videos" / video.name)] = {"crop": f"0, {width}, 0, {height}"}
    return entries


@contextmanager
def _removed_on_failure(paths: Iterable[Path]) -> Iterator[None]:
    """Remove those of the files, links and empty folders that the block made, if it fails."""
    new = [path for path in paths if not os.path.lexists(path)]
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        raise


def _link_or_copy(source: Path, target: Path, copy: bool) -> None:
    if not copy:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.resolve())
        except (OSError, NotImplementedError) as exc:
            warn(f"{target.parent} takes no links ({exc.__class__.__name__}); {source} is copied instead.")
        else:
            return
    copy_file(source, target)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, aside and then into place."""
    with replacing(target) as temporary:
        shutil.copy2(source, temporary)
