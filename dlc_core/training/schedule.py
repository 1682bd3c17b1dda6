"""The learning rate as a pure function of the step and the length of the training.

Nothing is remembered between steps, so a resumed training goes on exactly where it was. The first `warmup_steps` steps,
up to half of the training, are the same whatever the length, which lets a budget in minutes be timed on them
(`dlc_core.training.budget`). To add a schedule: a frozen dataclass with ``warmup_steps`` and ``rate(step, total)``, and
a line in `make_schedule`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dlc_core.errors import ConfigError, suggest


class Schedule(Protocol):
    """What decides the learning rate.

    Attributes
    ----------
    warmup_steps : int
        For steps below it `rate` does not depend on `total`, as far as they are in the first half of the training.
    """

    @property
    def warmup_steps(self) -> int:
        """Number of first steps that do not depend on the length of the training."""
        ...

    def rate(self, step: int, total: int | None) -> float:
        """Return the learning rate of `step`, counted from 0, in a training of `total` steps (None: not known)."""
        ...


@dataclass(frozen=True)
class Cosine:
    """A linear warm-up, then half a period of a cosine down to a floor that the last step reaches.

    A training shorter than twice its warm-up goes half way along it as a longer one would, and comes down from there.

    Parameters
    ----------
    lr : float
        Rate at the end of the warm-up.
    warmup_steps : int
        Length of the warm-up.
    floor : float
        Rate of the last step, as a share of `lr`.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, equation 5, one period.
    """

    lr: float
    warmup_steps: int = 20
    floor: float = 0.01

    def __post_init__(self) -> None:
        _require_positive("optimizer.lr", self.lr)
        if self.warmup_steps < 0:
            raise ConfigError(f"schedule.warmup_steps is {self.warmup_steps}; 0 or more is needed.")
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"schedule.floor is {self.floor}; a share of optimizer.lr, from 0 to 1, is needed.")

    def rate(self, step: int, total: int | None) -> float:
        """Return the learning rate of `step` in a training of `total` steps."""
        warmup = self.warmup_steps if total is None else min(self.warmup_steps, total // 2)
        if step < warmup:
            return self.lr * (step + 1) / (self.warmup_steps + 1)
        reached = (warmup + 1) / (self.warmup_steps + 1)
        if total is None:
            return self.lr
        floor = min(1.0, self.floor / reached)
        done = min(1.0, (step - warmup) / max(1, total - 1 - warmup))
        return self.lr * reached * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)


@dataclass(frozen=True)
class MultiStep:
    """Constant rates one after the other, each until a given step.

    Parameters
    ----------
    stages : tuple of (rate, until)
        Rising `until`. A training shorter than the last of them goes through all the rates in proportion; in a longer
        one the last rate stays.
    warmup_steps : int
        The first rate lasts at least so many steps (at most half of the training).

    References
    ----------
    ``multi_step`` of DeepLabCut's ``pose_cfg.yaml``: 0.005 until 10,000, 0.02 until 430,000, 0.002 until 730,000, 0.001
    until 1,030,000.
    """

    stages: tuple[tuple[float, int], ...]
    warmup_steps: int = 20

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("schedule.multi_step is empty; at least one [rate, until] is needed.")
        for rate, _ in self.stages:
            _require_positive("a rate of schedule.multi_step", rate)
        ends = [until for _, until in self.stages]
        if ends != sorted(set(ends)) or ends[0] < 1:
            raise ConfigError(f"schedule.multi_step has the steps {ends}; they must be positive and rise.")

    def rate(self, step: int, total: int | None) -> float:
        """Return the learning rate of `step` in a training of `total` steps."""
        if total is None:
            return self.stages[0][0]
        scale = min(1.0, total / self.stages[-1][1])
        first_lasts = min(self.warmup_steps, total // 2)
        if step < first_lasts:
            return self.stages[0][0]
        return next((rate for rate, until in self.stages if step < until * scale), self.stages[-1][0])


def make_schedule(
    name: str,
    lr: float,
    warmup_steps: int = 20,
    floor: float = 0.01,
    multi_step: Sequence[Sequence[float]] = (),
) -> Schedule:
    """Return the schedule of that name.

    Raises
    ------
    ConfigError
        There is no such schedule, or a number makes no sense.
    """
    if name == "cosine":
        return Cosine(lr, warmup_steps, floor)
    if name == "multi_step":
        return MultiStep(tuple(_stage(entry) for entry in multi_step), warmup_steps)
    known = ("cosine", "multi_step")
    raise ConfigError(f"schedule.name is {name!r}. {suggest(name, known)}Known: {', '.join(known)}.")


def _stage(entry: Any) -> tuple[float, int]:
    """Return rate and last step of an entry of ``schedule.multi_step``."""
    try:
        rate, until = entry
        return float(rate), int(until)
    except (TypeError, ValueError, OverflowError) as exc:
        shown = list(entry) if isinstance(entry, Sequence) and not isinstance(entry, str) else entry
        raise ConfigError(
            f"schedule.multi_step holds {shown!r}; every entry is [rate, until step], like [0.005, 10000]."
        ) from exc


def _require_positive(what: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ConfigError(f"{what} is {value}; a positive number is needed.")
