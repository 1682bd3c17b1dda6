"""What plugin authors import: the hooks' record, and every type that the protocols name.

`contract` documents the hooks, `protocols` what each kind must do, and `testing` checks it. The types are imported when
they are first used, so that a plugin's module of hooks stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlc_core.plugin_api.contract import Component, hookimpl
from dlc_core.plugin_api.kinds import KINDS, Kind

if TYPE_CHECKING:
    from dlc_core.data.structures import AugmentedSample
    from dlc_core.filtering.structures import Track
    from dlc_core.geometry import Preprocessing
    from dlc_core.inference.pose_file import PoseFile
    from dlc_core.model.grid import CellGrid
    from dlc_core.model.structures import FeatureInfo, Features, Labels, LossTerm, Poses
    from dlc_core.outliers.structures import DetectorInput, FrameScores, PointSuspect
    from dlc_core.skeleton import Skeleton
    from dlc_core.video.crop import Crop
    from dlc_core.video.reader import VideoReader

_PLACES = {
    "AugmentedSample": "dlc_core.data.structures",
    "CellGrid": "dlc_core.model.grid",
    "Crop": "dlc_core.video.crop",
    "DetectorInput": "dlc_core.outliers.structures",
    "FeatureInfo": "dlc_core.model.structures",
    "Features": "dlc_core.model.structures",
    "FrameScores": "dlc_core.outliers.structures",
    "Labels": "dlc_core.model.structures",
    "LossTerm": "dlc_core.model.structures",
    "PointSuspect": "dlc_core.outliers.structures",
    "PoseFile": "dlc_core.inference.pose_file",
    "Poses": "dlc_core.model.structures",
    "Preprocessing": "dlc_core.geometry",
    "Skeleton": "dlc_core.skeleton",
    "Track": "dlc_core.filtering.structures",
    "VideoReader": "dlc_core.video.reader",
}

__all__ = [
    "KINDS",
    "AugmentedSample",
    "CellGrid",
    "Component",
    "Crop",
    "DetectorInput",
    "FeatureInfo",
    "Features",
    "FrameScores",
    "Kind",
    "Labels",
    "LossTerm",
    "PointSuspect",
    "PoseFile",
    "Poses",
    "Preprocessing",
    "Skeleton",
    "Track",
    "VideoReader",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
