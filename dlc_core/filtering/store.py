"""Bring the filtered store of a video up to date: what it was made of, and with which options, stands in it."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_core import __version__
from dlc_core.aside import remove
from dlc_core.console import counted, progress, say
from dlc_core.errors import DataError
from dlc_core.filtering.apply import filtered_blocks
from dlc_core.inference.chunks import MARK
from dlc_core.inference.filtered_stores import filtered_path, poses_id
from dlc_core.inference.lock import locked
from dlc_core.inference.pose_file import STORE_FORMAT, STORE_VERSION, PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.store_files import replacement_path, tidy
from dlc_core.plugin_api.protocols import PoseFilter
from dlc_core.skeleton import Skeleton

ELSEWHERE = "copy the poses to another disk and name that place with `dlc filter destfolder=`"
"""What a user can do who cannot write beside the poses."""


@dataclass(frozen=True)
class FilterChoice:
    """The filter that was asked for.

    Parameters
    ----------
    name : str
        What was written behind ``filter=``: the component's name or a preset's.
    smoother : PoseFilter
    options : mapping
        Its component (``name``) and all options, as JSON can hold them.
    provider : str
        Who offers it, with the version.
    """

    name: str
    smoother: PoseFilter
    options: Mapping[str, Any]
    provider: str


@dataclass(frozen=True)
class FilteredHeader:
    """What a filtered store is created with: everything that is known of the poses, and the filter.

    Parameters
    ----------
    poses : PoseFile
        What is smoothed: the poses in a store, or in a table that another program wrote.
    video : Path
    made_by : mapping
        ``name``, ``options`` and ``provider`` of the filter; ``of`` and ``source``, id and file name of the poses.
    """

    poses: PoseFile
    video: Path
    made_by: Mapping[str, Any]

    @property
    def skeleton(self) -> Skeleton:
        """Names of individuals and keypoints."""
        return self.poses.skeleton

    @property
    def frame_count(self) -> int:
        """Frames of the video."""
        return self.poses.frame_count

    @property
    def batch_size(self) -> int:
        """Of which a chunk is a multiple, as in the store of the analysis."""
        return int(self.poses.attributes.get("batch_size") or 1)

    def as_attributes(self) -> dict[str, Any]:
        """Return the attributes of the group, as JSON can hold them."""
        poses, crop = self.poses, self.poses.crop
        known_to_tables = {
            "scorer": poses.scorer,
            "fps": None if math.isnan(poses.fps) else poses.fps,
            "frame_size": None if poses.frame_size is None else list(poses.frame_size),
            "crop": None if crop is None else [crop.x1, crop.x2, crop.y1, crop.y2],
            "video": {"name": self.video.name, "path": str(self.video.absolute())},
            "project": {},
            "skeleton": poses.skeleton.to_dict(),
            "versions": {"dlc-core": __version__},
        }
        return {
            **known_to_tables,
            **poses.attributes,
            "format": STORE_FORMAT,
            "format_version": STORE_VERSION,
            "id": secrets.token_hex(8),
            "frames_done": 0,
            MARK: True,
            "exports": {},
            "filter": dict(self.made_by),
            "filtered": time.time(),
        }


@dataclass(frozen=True)
class FilteredVideo:
    """What became of one video.

    Parameters
    ----------
    store : Path
    is_new : bool
        False if the poses had been filtered in this very way before.
    """

    store: Path
    is_new: bool


def filter_video(video: Path, poses: PoseFile, choice: FilterChoice, again: bool = False) -> FilteredVideo:
    """Write the filtered store of a video beside its poses, unless it is there and still holds what it would hold.

    A store of the same filter with other options, or of poses that were replaced since, is replaced, and that is said.

    Parameters
    ----------
    video : Path
    poses : PoseFile
        Read from a store or table.
    choice : FilterChoice
    again : bool
        Filter again, whatever is there.

    Raises
    ------
    DataError
        Another process filters this video in the same way.
    DiskError
        The disk is full or read-only, or the name too long; what was there stays.
    PluginError
        The filter failed.
    """
    assert poses.path is not None
    folder = poses.path.parent
    path = filtered_path(video, poses.scorer, choice.name, folder)
    made_by = {
        "name": choice.name,
        "options": dict(choice.options),
        "provider": choice.provider,
        "of": poses_id(poses.path),
        "source": poses.path.name,
    }
    with locked(path):
        tidy(path, replacing=True)
        if not again and (there := _made_by(path)) is not None:
            if there == made_by:
                say(f"{video.name}: filtered already ({path.name}).")
                return FilteredVideo(path, is_new=False)
            say(f"{path.name} {_difference(there, made_by)}; it is made again.")
        place = replacement_path(path)
        remove(place)
        try:
            store = PoseStore.create(place, FilteredHeader(poses, video, made_by))
            tracks = int(poses.skeleton.exists.sum())
            changed: list[bool] = []
            with progress(f"Filtering {video.name}", tracks, "tracks") as advance:

                def done(is_changed: bool) -> None:
                    changed.append(is_changed)
                    advance(1)

                for block in filtered_blocks(poses, choice.smoother, choice.name, folder, done, ELSEWHERE):
                    store.append(block.keypoints, block.likelihood)
            store.replace(path)
        finally:
            remove(place)
    frames = counted(poses.frame_count, "frame")
    some = "" if all(changed) else f"{sum(changed)} of "
    others = "" if all(changed) else "; the rest stays as it was"
    say(f"{video.name}: filtered {some}{counted(tracks, 'track')} of {frames} with {choice.name}{others}")
    return FilteredVideo(path, is_new=True)


def _made_by(path: Path) -> Mapping[str, Any] | None:
    """Return what made the store at `path`; None if there is none, or one that cannot be read to its end."""
    if not path.exists():
        return None
    try:
        made_by: Mapping[str, Any] = PoseFile.open(path).attributes["filter"]
    except (DataError, KeyError):
        say(f"{path.name} is damaged; it is made again.")
        return None
    return made_by


def _difference(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return in which way a filtered store is another one than what is wanted."""
    if there["of"] != wanted["of"]:
        return "is of poses that were replaced since"
    if there["options"] != wanted["options"]:
        options = ", ".join(f"{name}={value}" for name, value in there["options"].items() if name != "name")
        return f"was made with other options ({options})"
    return f"was made by {there['provider']}"
