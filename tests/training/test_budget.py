"""Minutes become steps once; the unit is the step."""

from __future__ import annotations

import pytest

from dlc_core.errors import ConfigError
from dlc_core.training.budget import Budget, StepTimer, choose_budget


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def timed(minutes: float, step_s: float, setup_s: float = 0.0, first_steps_s: float | None = None) -> StepTimer:
    clock = Clock()
    timer = StepTimer(minutes, warmup_steps=20, started=clock.now, clock=clock)
    clock.now += setup_s
    timer.begin()
    done, count = False, 0
    while not done:
        clock.now += first_steps_s if first_steps_s is not None and count < 3 else step_s
        count += 1
        done = timer.step_done()
    return timer


def test_without_options_a_gpu_gets_20000_steps_and_a_cpu_30_minutes():
    assert choose_budget(None, None, has_gpu=True) == Budget(steps=20_000)
    assert choose_budget(None, None, has_gpu=False) == Budget(minutes=30)


def test_of_steps_and_minutes_the_one_from_the_stronger_source_counts():
    assert choose_budget(200_000, 6, False, {"steps": 1, "minutes": 2}.get) == Budget(minutes=6)
    assert choose_budget(100, 6, False, {"steps": 2, "minutes": 1}.get) == Budget(steps=100)
    with pytest.raises(ConfigError, match=r"training.steps is 100 and training.minutes is 6; give one"):
        choose_budget(100, 6, False)


@pytest.mark.parametrize(("steps", "minutes"), [(0, None), (-3, None), (None, 0), (None, float("nan"))])
def test_a_budget_that_is_not_positive_is_refused(steps, minutes):
    with pytest.raises(ConfigError, match="training"):
        Budget(steps, minutes)


def test_minutes_are_divided_by_the_time_of_a_step_and_setting_up_counts():
    assert timed(6, step_s=0.36).total_steps(save_s=0, save_iters=500) == pytest.approx(1000, abs=1)
    assert timed(6, step_s=0.36, setup_s=36).total_steps(save_s=0, save_iters=500) == pytest.approx(900, abs=1)


def test_snapshots_take_their_share_of_the_time():
    timer = timed(6, step_s=0.3)
    steps = timer.total_steps(save_s=30, save_iters=300)
    assert steps * 0.3 + (steps / 300 + 1) * 30 == pytest.approx(360, rel=0.02)


def test_slow_first_steps_are_not_taken_for_the_rule():
    timer = timed(6, step_s=0.3, first_steps_s=5.0)
    assert timer.step_s() == pytest.approx(0.3)
    assert timer.total_steps(0, 500) == pytest.approx((360 - 15) / 0.3, abs=4)


def test_timing_ends_early_when_it_would_eat_the_budget_which_slow_steps_keep():
    timer = timed(1, step_s=10.0)
    assert timer.total_steps(0, 500) == 6
    assert timer.overrun_s(6, 0) == 0


def test_a_training_anneals_after_the_time_is_up_and_it_is_known_how_long_that_takes():
    timer = timed(1, step_s=15.0, setup_s=30.0)  # the time is up after two of three timed steps
    assert timer.total_steps(0, 500) == 6  # as many steps again, for the way down
    assert timer.overrun_s(6, 0) == pytest.approx(30 + 6 * 15 - 60)


def test_the_account_of_the_minutes_adds_up():
    assert timed(6, step_s=0.36, setup_s=36).account(900, save_s=0) == (
        "Setting up and 20 timed steps took 43 s, one step takes 0.36 s: 6 minutes are 900 steps in all "
        "(training.steps=900)"
    )
    late = timed(1, step_s=15.0, setup_s=30.0).account(6, save_s=0)
    assert late == (
        "Setting up and 3 timed steps took 75 s, one step takes 15.00 s: the shortest training that anneals has 6 "
        "steps in all (training.steps=6)"
    )


def test_a_resumed_timing_counts_the_steps_of_before():
    clock = Clock()
    timer = StepTimer(1, warmup_steps=20, started=clock.now, first_step=15, clock=clock)
    timer.begin()
    for count in range(1, 6):
        clock.now += 0.1
        assert timer.step_done() == (count == 5)
    assert timer.total_steps(0, 500) == pytest.approx(15 + 600, abs=1)
