"""Which network's poses are wanted: everything that tells it from another one, not only the name of its run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlc_core.inference.network import Training

_TOLD_APART = ("task", "date", "shuffle", "iteration", "training_fraction")


@dataclass(frozen=True)
class NetworkChoice:
    """A network that the user chose with ``run= shuffle= trainingsetindex= iteration= snapshotindex=``.

    Parameters
    ----------
    run : str
        Name of the run.
    training : Training
        Where it was trained: two shuffles, fractions or iterations may have runs of one name.
    step : int or None
        Step of the snapshot; None for any.
    """

    run: str
    training: Training
    step: int | None = None

    def made_store(self, about: Mapping[str, Any]) -> bool:
        """Tell whether the poses of a store with the attributes `about` are this network's."""
        there = about.get("project") or {}
        return (
            str(about["run"]) == self.run
            and self.step in (None, int(about["step"]))
            and all(there.get(name) == getattr(self.training, name) for name in _TOLD_APART)
        )

    def made_table(self, scorer: str) -> bool:
        """Tell whether `scorer`, the name in a table, fits this network; it says no fraction or iteration."""
        run = re.sub(r"[/\\]", "-", self.run)
        project = f"{self.training.task}{self.training.date}shuffle{self.training.shuffle}"
        step = r"\d+" if self.step is None else str(self.step)
        return re.fullmatch(rf"DLC_[^_]+_{re.escape(project)}_{re.escape(run)}_snapshot_{step}", scorer) is not None

    def __str__(self) -> str:
        where, step = self.training, "" if self.step is None else f", step {self.step}"
        return (
            f"run={self.run} of shuffle {where.shuffle}, iteration {where.iteration}, "
            f"{100 * where.training_fraction:g} % training frames{step}"
        )
