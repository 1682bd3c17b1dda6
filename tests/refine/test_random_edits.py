"""Thousands of random edits, merges, spreadsheets and deaths: no label is ever lost or moved to another frame."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .random_edits import Operations, RandomEdits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked to be killed")


def run(examples: int, steps: int, shrinks: bool = True) -> int:
    """Run the machine and return how many operations it made; shrinking a failure of a long run takes hours."""
    Operations.count = 0
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
    )
    run_state_machine_as_test(RandomEdits, settings=chosen)
    return Operations.count


def test_random_edits_and_deaths_lose_no_label() -> None:
    assert run(examples=10, steps=30) > 100


@pytest.mark.long
def test_ten_thousand_random_operations_and_deaths_lose_no_label() -> None:
    done = 0
    while done < 10_000:
        done += run(examples=20, steps=80, shrinks=False)
