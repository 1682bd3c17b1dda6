"""Poses under the scorer name that DeepLabCut 3 will look for, so that its own functions run on them.

DeepLabCut derives a scorer from its own network: ``DLC_<Network>_<Task><date>shuffle<N>_snapshot_<uid>``, where the
uid is that of the snapshot it would use. ``snapshotindex`` of config.yaml counts them by epoch with the best one behind
all others; -1, the default, is thus the best one (``best-2``) if there is one, else the last (``200``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dlc_core.console import say, warn
from dlc_core.errors import DataError
from dlc_core.files import check_name
from dlc_core.inference.filtered_stores import FILTERED
from dlc_core.inference.pose_file import PoseFile

from .h5 import H5, write_h5

_SNAPSHOT = re.compile(r"^snapshot-(best-)?(\d+)\.pt$")
_REMEDY = "Set a shorter one with exporters.deeplabcut.scorer="


class DeepLabCut:
    """Writes DeepLabCut's HDF5 file of poses under DeepLabCut's scorer name.

    Parameters
    ----------
    scorer : str
        The name to use; "" derives it.
    """

    suffix = ".h5"

    def __init__(self, scorer: str = "") -> None:
        self._scorer = scorer

    def target(self, poses: PoseFile, path: Path) -> Path:
        """Return which file `write` makes: `path` with the scorer in its name replaced by DeepLabCut's."""
        scorer = self._scorer or deeplabcut_scorer(poses)
        ending = FILTERED if path.stem.endswith(FILTERED) else ""
        video = path.stem.removesuffix(ending).removesuffix(poses.scorer).removesuffix(scorer)
        return check_name(path.with_name(f"{video}{scorer}{ending}{self.suffix}"), _REMEDY)

    def write(self, poses: PoseFile, path: Path) -> list[Path]:
        """Write `poses` to `target`, with DeepLabCut's scorer in the table as well."""
        scorer = self._scorer or deeplabcut_scorer(poses)
        doubt = "" if self._scorer else _doubt(poses)
        if doubt:
            warn(f"DeepLabCut may not find the scorer {scorer}: {doubt}, or set exporters.deeplabcut.scorer=.")
        else:
            say(f"DeepLabCut will look for the scorer {scorer}.")
        return write_h5(poses, self.target(poses, path), scorer)

    def read(self, path: Path) -> PoseFile:
        """Return the poses of a file that DeepLabCut or this exporter wrote."""
        return H5().read(path)


def deeplabcut_scorer(poses: PoseFile) -> str:
    """Return the scorer name of DeepLabCut's network for the shuffle that made `poses`.

    Where DeepLabCut has trained nothing in this project, the name is made from our network's backbone and step, and
    poses that do not say which project made them keep their scorer.

    Raises
    ------
    DataError
        ``snapshotindex`` of config.yaml counts further than DeepLabCut's snapshots.
    """
    project = _project(poses)
    if not project:
        return poses.scorer
    network, uid = _deeplabcut_network(project) or (
        _camel(str(poses.attributes.get("backbone") or "resnet50")),
        str(poses.attributes.get("step", 0)),
    )
    return f"DLC_{network}_{project['task']}{project['date']}shuffle{project['shuffle']}_snapshot_{uid}"


def _doubt(poses: PoseFile) -> str:
    """Return why DeepLabCut may look for another name, with what to do; "" if it will look for the derived one."""
    project = _project(poses)
    if not project:
        return "these poses do not say which project made them. Analyze the video in the project"
    if _deeplabcut_network(project) is None:
        return f"it has trained no network for shuffle {project['shuffle']} of this project. Train one there"
    return ""


def _project(poses: PoseFile) -> dict[str, Any]:
    """Return what is known of the project that made the poses, {} if it has no name."""
    project: dict[str, Any] = dict(poses.attributes.get("project") or {})
    return project if {"task", "date", "shuffle"} <= set(project) else {}


def _deeplabcut_network(project: dict[str, Any]) -> tuple[str, str] | None:
    """Return name and snapshot of the network that DeepLabCut trained for this shuffle, if it did."""
    if not project.get("root"):
        return None
    fraction = int(100 * float(project.get("training_fraction", 0.95)))
    shuffle = f"{project['task']}{project['date']}-trainset{fraction}shuffle{project['shuffle']}"
    folder = (
        Path(project["root"]) / "dlc-models-pytorch" / f"iteration-{project.get('iteration', 0)}" / shuffle / "train"
    )
    if not folder.is_dir():
        return None
    found = [match for file in folder.iterdir() if (match := _SNAPSHOT.match(file.name))]
    net_type = _value(folder / "pytorch_config.yaml", "net_type", r"\w+")
    if not found or net_type is None:
        return None
    found.sort(key=lambda match: (match[1] is not None, int(match[2])))
    config = Path(project["root"]) / "config.yaml"
    index = int(_value(config, "snapshotindex", r"-?\d+") or -1)  # as in DeepLabCut, all means the last
    try:
        chosen = found[index]
    except IndexError as exc:
        raise DataError(
            f"snapshotindex of {config} is {index}, but DeepLabCut has {len(found)} snapshots in {folder}: "
            f"{', '.join(match[0] for match in found)}. Correct it, or set exporters.deeplabcut.scorer=."
        ) from exc
    return _camel(net_type), f"{chosen[1] or ''}{int(chosen[2])}"


def _value(file: Path, key: str, pattern: str) -> str | None:
    """Return the value of a top-level key of a YAML file if it looks like `pattern`."""
    if not file.is_file():
        return None
    found = re.search(rf"^{key}:\s*['\"]?({pattern})", file.read_text("utf-8", errors="replace"), re.MULTILINE)
    return found[1] if found else None


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
