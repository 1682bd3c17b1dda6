"""What all pages of one server share: the project, its folders and videos by name, the images."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from socket import gethostname

from dlc_core.errors import ConfigError, DataError, suggest
from dlc_core.gui.frames import FrameImages
from dlc_core.gui.step_states import is_drawn
from dlc_core.labels.compactor import Compactor
from dlc_core.labels.folder_editor import IMAGE_SUFFIXES
from dlc_core.project.project import CONFIG_NAME, Project

_REPLACED_S, _PAUSE_S = 0.2, 0.02


class Workspace:
    """A project that is open in browsers.

    No text from a browser is ever used as a path: it is looked up among the names of what is there.

    Parameters
    ----------
    project : Project
    images : FrameImages or None
        None makes one.

    Attributes
    ----------
    key : str
        Tells the project from all others, on this machine and on others: several may be behind one tunnel's port.
        Of the machine's name and the folder's path without links: an id kept in the folder would go with a copy.
    images : FrameImages
        Frames and frames of videos as bytes.
    compactor : Compactor
        Writes large label tables.
    services : list of async context managers
        What runs as long as the server does; a page's ``add`` appends here.
    """

    def __init__(self, project: Project, images: FrameImages | None = None) -> None:
        self.root = project.root
        place = f"{gethostname()}:{project.root.resolve()}"
        self.key = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.images = images or FrameImages()
        self.compactor = Compactor()
        self.services: list[AbstractAsyncContextManager[None]] = []
        self._project = project
        self._stamp = self._config_stamp()
        self._lock = threading.Lock()

    @property
    def project(self) -> Project:
        """The project as its config.yaml is now: read again when the file has changed.

        Raises
        ------
        ConfigError
            The file is gone or cannot be used; one that is being replaced is waited for.
        """
        stamp = self._config_stamp()
        with self._lock:
            if stamp != self._stamp:
                self._project, self._stamp = Project.open(self.root), stamp
            return self._project

    def folders(self) -> dict[str, Path]:
        """Return the folders below ``labeled-data`` that hold images, by name, sorted."""
        return {name: path for name, path in self._places().items() if self.frames_in(path)}

    def folder(self, name: str) -> Path:
        """Return the folder of frames called `name`.

        Raises
        ------
        DataError
            There is none.
        """
        return _named(name, self._places(), f"no folder of frames in {self.project.labeled_data}")

    def frame(self, folder: str, name: str) -> tuple[Path, list[Path]]:
        """Return the image `name` of a folder, and all its images; raises DataError if there is none."""
        place = self.folder(folder)
        files = self.frames_in(place)
        found = next((file for file in files if file.name == name), None)
        if found is None:
            raise DataError(f"{place / Path(name).name} is gone. Put the image back, or remove the frame.")
        return found, files

    def videos(self) -> dict[str, Path]:
        """Return the videos of config.yaml by file name."""
        return {path.name: path for path in self.project.videos()}

    def video(self, name: str) -> Path:
        """Return the video called `name`; raises DataError if config.yaml lists none."""
        return _named(name, self.videos(), f"no video in {self.root / CONFIG_NAME}")

    @staticmethod
    def frames_in(folder: Path) -> list[Path]:
        """Return the images of frames in a folder, sorted by name."""
        with os.scandir(folder) as entries:  # much faster than paths, for every image that is shown
            names = [entry.name for entry in entries]
        found = (name for name in sorted(names) if f".{name.rpartition('.')[2].lower()}" in IMAGE_SUFFIXES)
        return [folder / name for name in found if not name.startswith(".")]

    def close(self) -> None:
        """Close the videos, and end the process that writes large tables."""
        self.images.close()
        self.compactor.close()

    def _places(self) -> dict[str, Path]:
        place = self.project.labeled_data
        found = sorted(place.iterdir()) if place.is_dir() else []
        folders = [path for path in found if path.is_dir()]
        return {path.name: path for path in folders if not is_drawn(path, folders)}

    def _config_stamp(self) -> tuple[int, int]:
        file, limit = self.root / CONFIG_NAME, time.monotonic() + _REPLACED_S
        while True:
            try:
                state = file.stat()
            except FileNotFoundError as exc:  # editors and git take the old file away before they write the new one
                if time.monotonic() > limit:
                    raise ConfigError(f"{file} is gone. Put it back.") from exc
                time.sleep(_PAUSE_S)
            except OSError as exc:
                raise ConfigError(f"{file} cannot be read: {exc.strerror}. Check the file and its folder.") from exc
            else:
                return state.st_mtime_ns, state.st_size


def _named(name: str, known: dict[str, Path], what: str) -> Path:
    if name not in known:
        raise DataError(f"there is {what} called {name!r}. {suggest(name, known)}Reload the page to see what is there.")
    return known[name]
