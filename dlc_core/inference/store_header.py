"""What a pose store is created with: everything that identifies an analysis."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dlc_core.inference.chunks import MARK
from dlc_core.inference.pose_file import STORE_FORMAT, STORE_VERSION
from dlc_core.skeleton import Skeleton

if TYPE_CHECKING:
    from dlc_core.video.crop import Crop


class Header(Protocol):
    """What a store is created with."""

    @property
    def skeleton(self) -> Skeleton:
        """Names of individuals and keypoints."""
        ...

    @property
    def frame_count(self) -> int:
        """Frames of the video."""
        ...

    @property
    def batch_size(self) -> int:
        """Of which a chunk is a multiple."""
        ...

    def as_attributes(self) -> dict[str, Any]:
        """Return the attributes of the group, as JSON can hold them."""
        ...


@dataclass(frozen=True)
class StoreHeader:
    """What identifies an analysis, written once when its store is created.

    Parameters
    ----------
    scorer : str
        The network's name in file names.
    skeleton : Skeleton
    frame_count : int
        Frames of the video.
    fps : float
        NaN when unknown.
    frame_size : (int, int)
        Height and width of the full frame.
    crop : Crop or None
        What the network sees of it.
    video : mapping
        ``name``, ``path`` and ``fingerprint`` of the video.
    network : mapping
        ``run``, ``run_folder``, ``snapshot``, ``step``, ``selected_on_test`` and ``sha256`` of the snapshot.
    engine, precision, device : str
        How the network is run.
    batch_size : int
    project : mapping
        ``task``, ``date``, ``shuffle``, ``iteration``, ``training_fraction``, ``root``: where the network was trained.
    config : mapping
        The resolved options of the analysis.
    versions : mapping
        Of Python and the packages that matter.
    """

    scorer: str
    skeleton: Skeleton
    frame_count: int
    fps: float
    frame_size: tuple[int, int]
    crop: Crop | None
    video: Mapping[str, Any]
    network: Mapping[str, Any]
    engine: str
    precision: str
    device: str
    batch_size: int
    project: Mapping[str, Any]
    config: Mapping[str, Any]
    versions: Mapping[str, str]

    def as_attributes(self) -> dict[str, Any]:
        """Return the attributes of the group, as JSON can hold them."""
        crop = self.crop
        return {
            "format": STORE_FORMAT,
            "format_version": STORE_VERSION,
            "id": secrets.token_hex(8),
            "frames_done": 0,
            MARK: True,
            "started": time.time(),
            "scorer": self.scorer,
            "fps": None if math.isnan(self.fps) else self.fps,
            "frame_size": list(self.frame_size),
            "crop": None if crop is None else [crop.x1, crop.x2, crop.y1, crop.y2],
            "video": dict(self.video),
            **self.network,
            "engine": self.engine,
            "precision": self.precision,
            "device": self.device,
            "batch_size": self.batch_size,
            "project": dict(self.project),
            "skeleton": self.skeleton.to_dict(),
            "config": json.loads(json.dumps(dict(self.config), default=str)),
            "versions": dict(self.versions),
            "exports": {},
        }
