"""The page on which a person chooses frames of videos, one by one, and draws what part of them counts.

A grabbed frame is written by the functions that write extracted frames (`dlc_core.frames`), so its name and its crop
are theirs. The crop is that of ``video_sets`` in config.yaml, which the box on the page changes.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI
from nicegui import ui
from nicegui.element import Element
from pydantic import BaseModel

from dlc_core.errors import DataError
from dlc_core.frames.frame_files import existing_frames, frame_name, read_crops
from dlc_core.frames.grab import grab_frames
from dlc_core.gui.pages import page_frame
from dlc_core.gui.workspace import Workspace
from dlc_core.labels.aside_frames import move_image
from dlc_core.labels.compact import snapshot
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.table_files import LabelFiles, MachineFiles
from dlc_core.project.edit_config import set_crop
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

PATH = "/grab"

_STYLE = Path(__file__).parent / "js" / "grab.css"


class FrameNumber(BaseModel):
    """Which frame."""

    index: int


class CropBox(BaseModel):
    """Pixels with x in [x1, x2) and y in [y1, y2)."""

    x1: int
    x2: int
    y1: int
    y2: int


class Grab(Element, component="js/grab.js", esm={"dlc-gui": "js"}):
    """The page's content, which talks to ``/api/grab/...``.

    Parameters
    ----------
    videos : list of str
        Names of the project's videos.
    first : str
        The one to begin with.
    project : str
        Their project (`Workspace.key`).
    """

    def __init__(self, videos: list[str], first: str, project: str) -> None:
        super().__init__()
        self._props.update(videos=videos, first=first, project=project)


class Grabbing:
    """What the page asks for: a video, a frame written, a crop stored.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._writing = Lock()  # crop.json of a folder is read, changed and written

    def video(self, name: str) -> dict[str, Any]:
        """Return size, frames, crop and taken frames of a video.

        Raises
        ------
        DataError
            There is no such video, or it cannot be read.
        """
        video, project = self.workspace.video(name), self.workspace.project
        width, height, frames, fps = self.workspace.images.video_size(video)
        folder = project.labeled_data / video.stem
        crop = self._crop(video, width, height) or Crop(0, width, 0, height)
        existing = sorted(existing_frames(folder))
        crops = read_crops(folder)
        return {
            "width": width,
            "height": height,
            "frames": frames,
            "fps": fps,
            "start": project.config.start,
            "stop": project.config.stop,
            "crop": _as_list(crop),
            "existing": existing,
            "crops": {index: True for index in existing if frame_name(index, frames) in crops},
        }

    def grab(self, name: str, index: int) -> dict[str, Any]:
        """Write a frame as the video's crop says.

        Raises
        ------
        DataError
            There is no such frame, or it has an image already.
        DiskError
            The image cannot be written.
        """
        video = self.workspace.video(name)
        folder = self.workspace.project.labeled_data / video.stem

        def write(reader: VideoReader) -> dict[str, Any]:
            crop = self._crop(video, reader.width, reader.height)
            done = grab_frames(reader, folder, [index], crop)
            if not done.indices:
                raise DataError(f"frame {index} has an image in {folder} already. It stays as it is.")
            file = frame_name(index, reader.frame_count)
            return {"file": file, "crop": file in read_crops(folder)}

        with self._writing:
            return self.workspace.images.with_video(video, write)

    def put_aside(self, name: str, index: int) -> dict[str, Any]:
        """Move the image of a frame without labels to ``removed/``.

        Raises
        ------
        DataError
            It has labels, or is not there.
        DiskError
            It cannot be moved.
        """
        video, project = self.workspace.video(name), self.workspace.project
        folder = project.labeled_data / video.stem
        file = frame_name(index, self.workspace.images.video_size(video)[2])
        with self._writing, folder_lock(folder):
            for table in (LabelFiles(folder, project.scorer), MachineFiles(folder, project.iteration)):
                if f"labeled-data/{folder.name}/{file}" in snapshot(table).frames.rows:
                    raise DataError(f"{file} has labels; remove it on the page where frames are labelled or refined.")
            if move_image(folder, file) is None:
                raise DataError(f"{folder / file} is not there any more.")
        return {"file": file}

    def store_crop(self, name: str, box: CropBox) -> dict[str, Any]:
        """Write the crop of a video into config.yaml.

        Raises
        ------
        ConfigError
            It is empty, or lies outside the frame.
        DiskError
            config.yaml cannot be written.
        """
        video = self.workspace.video(name)
        width, height, _, _ = self.workspace.images.video_size(video)
        crop = Crop(box.x1, box.x2, box.y1, box.y2).within(height, width, name)
        set_crop(self.workspace.project, video, crop)
        return {"crop": _as_list(crop)}

    def _crop(self, video: Path, width: int, height: int) -> Crop | None:
        crop = self.workspace.project.videos().get(video)
        return None if crop is None else crop.within(height, width, video.name)


def add(app: FastAPI, workspace: Workspace) -> None:
    """Register ``/grab`` and what its page asks for."""
    grabbing = Grabbing(workspace)

    @ui.page(PATH)
    def page(video: str = "") -> None:
        names = list(workspace.videos())
        with page_frame(workspace, PATH):
            ui.add_css(_STYLE)
            if not names:
                ui.label(f"{workspace.root / 'config.yaml'} lists no video that exists. Add some first.").classes("p-8")
                return
            for missing in workspace.project.missing_videos():
                said = f"The video {missing} of {workspace.root / 'config.yaml'} is not there and is left out."
                ui.notify(said, type="warning", timeout=0, close_button=True)
            Grab(names, video if video in names else names[0], workspace.key)

    app.get("/api/grab/{name}")(grabbing.video)

    @app.post("/api/grab/{name}/frame")
    def grab(name: str, frame: FrameNumber) -> dict[str, Any]:
        return grabbing.grab(name, frame.index)

    @app.post("/api/grab/{name}/aside")
    def put_aside(name: str, frame: FrameNumber) -> dict[str, Any]:
        return grabbing.put_aside(name, frame.index)

    @app.post("/api/grab/{name}/crop")
    def store_crop(name: str, box: CropBox) -> dict[str, Any]:
        return grabbing.store_crop(name, box)


def _as_list(crop: Crop) -> list[int]:
    return [crop.x1, crop.x2, crop.y1, crop.y2]
