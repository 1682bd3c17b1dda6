"""dlc-core: a plugin framework for markerless pose estimation in the DeepLabCut tradition.

``import dlc_core as dlc`` gives the protocol's functions under the names of the paper (`dlc_core.api`), `compose` for
notebooks, and what plugin authors need (`Component`, `hookimpl`). They are imported when first used: importing this
package takes milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Component": "dlc_core.plugin_api.contract",
    "Project": "dlc_core.project.project",
    "hookimpl": "dlc_core.plugin_api.contract",
    "load_plugins": "dlc_core.plugin_api.discovery",
    **dict.fromkeys(
        (
            "add_new_videos",
            "analyze_videos",
            "check_labels",
            "compose",
            "create_labeled_video",
            "create_new_project",
            "create_training_dataset",
            "evaluate_network",
            "extract_frames",
            "extract_outlier_frames",
            "filterpredictions",
            "label_frames",
            "merge_datasets",
            "plot_trajectories",
            "refine_labels",
            "train_network",
        ),
        "dlc_core.api",
    ),
}

if TYPE_CHECKING:
    from dlc_core.api import (
        add_new_videos,
        analyze_videos,
        check_labels,
        compose,
        create_labeled_video,
        create_new_project,
        create_training_dataset,
        evaluate_network,
        extract_frames,
        extract_outlier_frames,
        filterpredictions,
        label_frames,
        merge_datasets,
        plot_trajectories,
        refine_labels,
        train_network,
    )
    from dlc_core.plugin_api.contract import Component, hookimpl
    from dlc_core.plugin_api.discovery import load_plugins
    from dlc_core.project.project import Project

__all__ = [
    "Component",
    "Project",
    "__version__",
    "add_new_videos",
    "analyze_videos",
    "check_labels",
    "compose",
    "create_labeled_video",
    "create_new_project",
    "create_training_dataset",
    "evaluate_network",
    "extract_frames",
    "extract_outlier_frames",
    "filterpredictions",
    "hookimpl",
    "label_frames",
    "load_plugins",
    "merge_datasets",
    "plot_trajectories",
    "refine_labels",
    "train_network",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dlc_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
