"""The stream of samples is a pure function of seed and step."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from dlc_core.data.sampler import StepBatchSampler, sample_generator
from dlc_core.errors import ConfigError


def stream(sampler: StepBatchSampler, steps: int) -> list[list[tuple[int, int]]]:
    return list(islice(iter(sampler), steps))


def test_a_resumed_run_sees_what_the_uninterrupted_one_would_have_seen() -> None:
    whole = stream(StepBatchSampler(23, 4, seed=7), 40)
    for start in (1, 5, 6, 17):
        assert stream(StepBatchSampler(23, 4, seed=7, start_step=start), 40 - start) == whole[start:]


def test_every_epoch_shows_each_sample_once_in_an_order_of_its_own() -> None:
    flat = [index for batch in stream(StepBatchSampler(10, 4, seed=3), 10) for _, index in batch]
    epochs = [flat[start : start + 10] for start in range(0, 40, 10)]
    assert all(sorted(index % 10 for index in epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(index % 10 for index in epoch) for epoch in epochs}) == 4


def test_processes_share_a_batch_without_overlap() -> None:
    whole = StepBatchSampler(23, 6, seed=1)
    parts = [StepBatchSampler(23, 6, seed=1, rank=rank, world=3) for rank in range(3)]
    for step in range(12):
        assert Counter(index for part in parts for index in part.batch(step)) == Counter(whole.batch(step))


def test_a_sample_that_comes_twice_in_a_step_is_augmented_differently() -> None:
    for step in range(5):
        batch = StepBatchSampler(3, 8, seed=0).batch(step)
        assert len(set(batch)) == 8
        assert set(Counter(index % 3 for index in batch).values()) <= {2, 3, 4}


def test_seeds_and_steps_give_different_numbers() -> None:
    draws = {
        (seed, step, index): float(sample_generator(seed, step, index).random())
        for seed in range(3)
        for step in range(3)
        for index in range(3)
    }
    assert len(set(draws.values())) == 27
    assert draws[1, 2, 0] == float(np.random.default_rng(np.random.SeedSequence([1, 2, 0])).random())
    assert stream(StepBatchSampler(9, 3, seed=0), 3) != stream(StepBatchSampler(9, 3, seed=1), 3)


def test_it_has_no_end_and_says_so() -> None:
    with pytest.raises(TypeError, match="len"):
        len(StepBatchSampler(5, 2, seed=0))


def test_a_batch_smaller_than_the_processes_and_a_negative_seed_are_refused() -> None:
    with pytest.raises(ConfigError, match="with 4 processes at least 4"):
        StepBatchSampler(5, 3, seed=0, world=4)
    with pytest.raises(ConfigError, match="seed is -1"):
        StepBatchSampler(5, 3, seed=-1)
