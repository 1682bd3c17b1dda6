"""The learning rate is a pure function of step and length; it anneals whatever the length."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from dlc_core.errors import ConfigError
from dlc_core.training.schedule import Cosine, MultiStep, make_schedule

PAPER = ((0.005, 10_000), (0.02, 430_000), (0.002, 730_000), (0.001, 1_030_000))


@pytest.mark.parametrize("total", [41, 100, 1000, 20_000])
def test_the_cosine_warms_up_and_ends_at_its_floor(total):
    schedule = Cosine(lr=1e-3, warmup_steps=20, floor=0.01)
    rates = [schedule.rate(step, total) for step in range(total)]
    assert rates[:20] == [1e-3 * (step + 1) / 21 for step in range(20)]
    assert max(rates) == rates[20] == 1e-3
    assert rates[-1] == pytest.approx(1e-5)
    assert all(later <= earlier for earlier, later in pairwise(rates[20:]))


def test_the_cosine_is_half_way_down_in_the_middle():
    schedule = Cosine(lr=1.0, warmup_steps=0, floor=0.0)
    assert schedule.rate(50, 101) == pytest.approx(0.5)
    assert schedule.rate(25, 101) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


@pytest.mark.parametrize("schedule", [Cosine(1e-3, 20), MultiStep(PAPER, 20)])
def test_the_warm_up_does_not_depend_on_a_length_of_twice_the_warm_up_or_more(schedule):
    unknown = [schedule.rate(step, None) for step in range(20)]
    for total in (40, 41, 1000, 50_000, 2_000_000):
        assert [schedule.rate(step, total) for step in range(20)] == unknown


@pytest.mark.parametrize("schedule", [Cosine(1e-3, 20), Cosine(1e-3, 20, floor=0.5), MultiStep(PAPER, 20)])
def test_the_first_half_of_a_short_training_is_that_of_a_long_one(schedule):
    for total in range(1, 40):
        half = range(total // 2)
        assert [schedule.rate(step, total) for step in half] == [schedule.rate(step, None) for step in half]


@pytest.mark.parametrize("total", [1, 2, 3, 5, 10])
def test_a_very_short_training_still_anneals(total):
    schedule = Cosine(lr=1e-3, warmup_steps=20, floor=0.01)
    rates = [schedule.rate(step, total) for step in range(total)]
    assert all(0 < rate <= 1e-3 for rate in rates)
    if total > 2:
        assert rates[-1] == pytest.approx(1e-5)


def test_the_protocols_rates_hold_at_its_own_length():
    schedule = MultiStep(PAPER)
    boundaries = [0, 9_999, 10_000, 429_999, 430_000, 729_999, 730_000, 1_029_999, 5_000_000]
    expected = [0.005, 0.005, 0.02, 0.02, 0.002, 0.002, 0.001, 0.001, 0.001]
    assert [schedule.rate(step, 1_030_000) for step in boundaries] == expected
    assert schedule.rate(9_999, 3_000_000) == 0.005, "a longer training is not stretched"


def test_a_shorter_training_goes_through_all_rates_in_proportion():
    total = 103_000  # a tenth
    schedule = MultiStep(PAPER)
    rates = [schedule.rate(step, total) for step in (999, 1_000, 42_999, 43_000, 72_999, 73_000, 102_999)]
    assert rates == [0.005, 0.02, 0.02, 0.002, 0.002, 0.001, 0.001]


def test_an_unknown_schedule_names_the_near_one():
    with pytest.raises(ConfigError, match=r"schedule.name is 'cosin'.*'cosine'.*multi_step"):
        make_schedule("cosin", 1e-3)


@pytest.mark.parametrize(
    "bad",
    [
        *([[0.005]], [], [[0.005, 10], [0.02, 10]], [[-1, 10]]),
        *([1, 2], ["ab"], [["a", "b"]], [[0.1, None]], [[0.1, float("nan")]], [[0.1, float("inf")]]),
    ],
)
def test_a_multi_step_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ConfigError, match="multi_step"):
        make_schedule("multi_step", 1e-3, multi_step=bad)
