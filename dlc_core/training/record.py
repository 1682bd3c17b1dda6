"""What a run writes down about itself, besides its options: data, software, machine."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dlc_core
from dlc_core.data.training_set import TrainingSet

RECORD_FILE = "run.yaml"
_PACKAGES = ("torch", "timm", "pytorch-lightning", "numpy", "opencv-python-headless", "zarr")


def data_hash(training_set: TrainingSet) -> str:
    """Return 16 hex digits that change when a label, an image or the split changes."""
    digest = hashlib.sha256()
    labels = training_set.labels
    parts = [
        training_set.split.as_dict(),
        training_set.frames.path.name,
        labels.scorer,
        labels.bodyparts,
        labels.images,
    ]
    digest.update(json.dumps(parts).encode())
    digest.update(np.ascontiguousarray(np.nan_to_num(labels.keypoints, nan=-1e9), "<f8").tobytes())
    return digest.hexdigest()[:16]


def software_versions() -> dict[str, str]:
    """Return the versions of what a training depends on; the commit of our own if it runs from a git checkout."""
    versions = {"python": platform.python_version(), "dlc-core": dlc_core.__version__}
    commit = _git_commit()
    if commit:
        versions["dlc-core commit"] = commit
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def machine(device: torch.device) -> dict[str, Any]:
    """Return where the training ran."""
    facts: dict[str, Any] = {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "device": str(device),
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def run_key(config: Mapping[str, Any]) -> str:
    """Return the name of a job in a sweep: 8 hex digits, the same for the same resolved options in any order."""
    told_apart = {key: value for key, value in config.items() if key not in ("run", "sweep", "resume", "hydra")}
    # The values of pose_cfg.yaml are in the options already; where the file lay does not matter.
    told_apart["training"] = {key: value for key, value in config["training"].items() if key != "pose_cfg"}
    return hashlib.sha256(json.dumps(told_apart, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _git_commit() -> str:
    folder = Path(dlc_core.__file__).parent
    try:
        # Ours only: an installed package may lie inside somebody else's repository.
        found = subprocess.run(
            ["git", "-C", str(folder), "log", "-1", "--format=%H", "--", "__init__.py"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        if not found.stdout.strip():
            return ""
        head = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
