"""How long a training lasts. The unit is the step; minutes are translated into steps once, early, and then forgotten.

The first steps of every schedule do not depend on the length of the training (`dlc_core.training.schedule`). They are
timed, the rest of the time is divided by what a step takes, and from then on the run is one of N steps: schedule,
resume and repetition are exact, and on a machine that becomes slower the training takes longer, and says so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dlc_core.errors import ConfigError

DEFAULT_GPU_STEPS = 20_000
DEFAULT_CPU_MINUTES = 30.0
_UNTIMED_SHARE = 0.25  # of the timed steps: the first ones compile kernels and fill caches
_TIMED_SHARE = 0.25  # of the budget, at most


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps, or minutes of wall-clock time.

    Parameters
    ----------
    steps : int or None
    minutes : float or None
        Exactly one of the two is given.

    Raises
    ------
    ConfigError
        The number is not positive.
    """

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError(
                f"training.steps is {self.steps} and training.minutes is {self.minutes}; give one of them."
            )
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"training.steps is {self.steps}; at least 1 step is needed.")
        if self.minutes is not None and not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise ConfigError(f"training.minutes is {self.minutes}; a positive number is needed.")

    def __str__(self) -> str:
        if self.steps is not None:
            return f"{self.steps:,} steps"
        return f"{self.minutes:g} minutes"


def choose_budget(
    steps: int | None, minutes: float | None, has_gpu: bool, strength: Callable[[str], int] = lambda _: 0
) -> Budget:
    """Return the budget that the options ask for, or the default of this machine.

    Parameters
    ----------
    steps, minutes
        ``training.steps`` and ``training.minutes``.
    has_gpu : bool
        Without either: 20,000 steps with a GPU, 30 minutes without.
    strength : callable
        Tells how highly the source of ``"steps"`` or ``"minutes"`` ranks; with both given the higher one counts.

    Raises
    ------
    ConfigError
        Both are given, by sources of the same rank.
    """
    if steps is None and minutes is None:
        return Budget(steps=DEFAULT_GPU_STEPS) if has_gpu else Budget(minutes=DEFAULT_CPU_MINUTES)
    if steps is not None and minutes is not None and strength("steps") != strength("minutes"):
        return Budget(steps=steps) if strength("steps") > strength("minutes") else Budget(minutes=minutes)
    return Budget(steps, minutes)


@dataclass
class StepTimer:
    """Translates minutes into steps by timing the first ones.

    Parameters
    ----------
    minutes : float
        The budget.
    warmup_steps : int
        Of the schedule. So many steps are timed, fewer if that alone would take a quarter of the budget.
    started : float
        `clock` when the command started: setting up counts.
    first_step : int
        Steps done by an earlier session.
    clock : callable
        Seconds, monotonic.
    """

    minutes: float
    warmup_steps: int
    started: float
    first_step: int = 0
    clock: Callable[[], float] = time.monotonic
    _marks: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """Note the time before the first step."""
        self._marks = [self.clock()]

    def step_done(self) -> bool:
        """Note that a step is done; tell whether enough of them are timed."""
        self._marks.append(self.clock())
        done = len(self._marks) - 1
        is_slow = done >= 3 and self._marks[-1] - self._marks[0] > _TIMED_SHARE * 60 * self.minutes
        return is_slow or done >= max(1, self.warmup_steps - self.first_step)

    def step_s(self) -> float:
        """Return the seconds that one step takes, the first quarter of those timed left out."""
        done = len(self._marks) - 1
        first = min(done - 1, math.ceil(done * _UNTIMED_SHARE))
        return max(1e-6, (self._marks[-1] - self._marks[first]) / (done - first))

    def total_steps(self, save_s: float, save_iters: int) -> int:
        """Return the length of the training in steps.

        Parameters
        ----------
        save_s : float
            What one snapshot costs, with the errors measured for it.
        save_iters : int
            Steps between two snapshots; one more is written at the end.

        Returns
        -------
        int
            At least twice the steps done, so that these had the rates of a training of that length and that it
            anneals even if the time is up.
        """
        done = len(self._marks) - 1
        left_s = 60 * self.minutes - (self._marks[-1] - self.started) - save_s
        more = max(0, int(left_s / (self.step_s() + save_s / save_iters)))
        return max(self.first_step + done + more, 2 * (self.first_step + done))

    def account(self, total_steps: int, save_s: float) -> str:
        """Return in words how the minutes became that many steps."""
        done = len(self._marks) - 1
        spent_s = self._marks[-1] - self.started
        fits = self.overrun_s(total_steps, save_s) <= 1
        result = f"{self.minutes:g} minutes are" if fits else "the shortest training that anneals has"
        return (
            f"Setting up and {done} timed steps took {spent_s:.0f} s, one step takes {self.step_s():.2f} s: "
            f"{result} {total_steps:,} steps in all (training.steps={total_steps})"
        )

    def overrun_s(self, total_steps: int, save_s: float) -> float:
        """Return how many seconds that many steps and one snapshot take beyond the budget, 0 if they fit."""
        done = len(self._marks) - 1
        needed_s = (total_steps - self.first_step - done) * self.step_s() + save_s
        return max(0.0, self._marks[-1] - self.started + needed_s - 60 * self.minutes)
