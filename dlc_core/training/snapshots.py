"""The snapshots in a run's folder: their names, how many stay, and which one is the best.

===============================  =======================================================================================
``snapshot_<step>.ckpt``         every ``training.save_iters`` steps and at the end; training resumes from these
``best-validation_<step>.ckpt``  the smallest error on the validation part, if the split has one
``best-on-test_<step>.ckpt``     the smallest error on the test part: marked ``selected_on_test``, never used by default
===============================  =======================================================================================
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from dlc_core.errors import CheckpointError
from dlc_core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

_REGULAR = re.compile(r"^snapshot_(\d+)\.ckpt$")
BEST_PREFIXES = {"validation": "best-validation", "test": "best-on-test"}


class SnapshotFolder:
    """Writes the snapshots of one run.

    Parameters
    ----------
    folder : Path
        Of the run.
    keep : int
        How many regular snapshots stay.

    Raises
    ------
    CheckpointError
        `keep` is below 1.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        if keep < 1:
            raise CheckpointError(
                f"training.max_snapshots_to_keep is {keep}; at least 1 must stay, or the training is lost."
            )
        self.folder = folder
        self.keep = keep
        self._best: dict[str, float] = {}

    def regular(self) -> list[Path]:
        """Return the regular snapshots, oldest first."""
        return regular_snapshots(self.folder)

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a regular snapshot and, where its errors are the smallest so far, those kept for being the best."""
        for part, error in checkpoint.errors.items():
            if part in BEST_PREFIXES and error <= self._best_error(part):
                self._save_best(checkpoint, part)
                self._best[part] = error
        path = self.folder / f"snapshot_{checkpoint.step:07d}.ckpt"
        save_checkpoint(checkpoint, path)
        for old in self.regular()[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def _save_best(self, checkpoint: Checkpoint, part: str) -> None:
        path = self.folder / f"{BEST_PREFIXES[part]}_{checkpoint.step:07d}.ckpt"
        save_checkpoint(replace(checkpoint, trainer=None, selected_on_test=part == "test"), path)
        for old in self.folder.glob(f"{BEST_PREFIXES[part]}_*.ckpt"):
            if old != path:
                old.unlink(missing_ok=True)

    def _best_error(self, part: str) -> float:
        """Return the error of the best snapshot so far, that of an earlier session included."""
        if part not in self._best:
            errors = [
                load_checkpoint(path).errors.get(part, float("inf"))
                for path in self.folder.glob(f"{BEST_PREFIXES[part]}_*.ckpt")
            ]
            self._best[part] = min(errors, default=float("inf"))
        return self._best[part]


def regular_snapshots(folder: Path) -> list[Path]:
    """Return the snapshots of a run that training can resume from, oldest first."""
    found = [(int(match[1]), path) for path in folder.glob("snapshot_*.ckpt") if (match := _REGULAR.match(path.name))]
    return [path for _, path in sorted(found)]
