"""Thousands of random edits, merges, spreadsheets and deaths: no label is ever lost or moved to another frame."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .random_edits import Operations, RandomEdits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked to be killed")


def run(examples: int, steps: int) -> int:
    Operations.count = 0
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(RandomEdits, settings=chosen)
    return Operations.count


def test_random_edits_and_deaths_lose_no_label() -> None:
    assert run(examples=10, steps=30) > 100


@pytest.mark.long
def test_ten_thousand_random_operations_and_deaths_lose_no_label() -> None:
    done = 0
    while done < 10_000:
        done += run(examples=60, steps=80)
