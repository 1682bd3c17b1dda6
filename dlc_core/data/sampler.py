"""Which sample is seen when, and with which random numbers: pure functions of seed and step, of no worker or history.

A run that is resumed at step s therefore sees what the uninterrupted one would have seen, whatever the number of
workers, processes or prefetched batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from dlc_core.errors import ConfigError
from dlc_core.seeds import check_seed

_ORDER = 1  # keeps the numbers of an epoch's order apart from those of samples


def check_shared(batch_size: int, world: int) -> None:
    """Check that `world` processes can share the samples of a step.

    Raises
    ------
    ConfigError
        One would be left without.
    """
    if batch_size < world:
        raise ConfigError(
            f"training.batch_size is {batch_size} in all; with {world} process{'es' if world > 1 else ''} "
            f"at least {world} is needed, so that each has a sample. Raise it, or lower trainer.devices."
        )


def sample_generator(seed: int, step: int, index: int) -> np.random.Generator:
    """Return the only source of randomness of one sample in one step.

    Parameters
    ----------
    seed : int
        Of the run, at least 0.
    step : int
        Of the optimiser, from 0.
    index : int
        Of the sample, as `StepBatchSampler` yields it.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, step, index]))


class StepBatchSampler(Sampler[list[tuple[int, int]]]):
    """Batches of (step, sample index), one batch a step, epoch after epoch without end.

    The stream of samples is one random order after another, each a pure function of the seed and of its epoch; step
    s takes the `batch_size` samples from s * batch_size on, so a batch may reach into the next epoch and no sample
    is ever dropped. A sample that comes twice in one step (fewer samples than the batch has places) is named
    ``index + samples`` the second time, so that it is augmented differently; take the index modulo the number of
    samples to find the image.

    Parameters
    ----------
    samples : int
        How many samples there are.
    batch_size : int
        Samples a step, over all processes and accumulated micro-batches.
    seed : int
        Of the run.
    start_step : int
        First step, where a resumed run goes on.
    rank, world : int
        This process takes the places ``rank, rank + world, ...`` of each batch.

    Raises
    ------
    ConfigError
        A batch would be empty, or the seed is negative.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        check_shared(batch_size, world)
        self.samples, self.batch_size, self.seed, self.start_step = samples, batch_size, check_seed(seed), start_step
        self.rank, self.world = rank, world
        self._order = lru_cache(maxsize=2)(self._draw_order)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        step = self.start_step
        while True:
            yield [(step, index) for index in self.batch(step)]
            step += 1

    def batch(self, step: int) -> list[int]:
        """Return the sample indices of this process in one step."""
        chosen: list[int] = []
        seen: dict[int, int] = {}
        for place in range(step * self.batch_size, (step + 1) * self.batch_size):
            epoch, position = divmod(place, self.samples)
            sample = int(self._order(epoch)[position])
            chosen.append(sample + seen.get(sample, 0) * self.samples)
            seen[sample] = seen.get(sample, 0) + 1
        return chosen[self.rank :: self.world]

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        sequence = np.random.SeedSequence([self.seed, epoch], spawn_key=(_ORDER,))
        return np.random.default_rng(sequence).permutation(self.samples)
