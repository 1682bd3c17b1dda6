"""The state of the global random generators, as plain values that a snapshot can hold.

Samples and their augmentation need none of this: they are pure functions of seed and step. It is for what networks draw
themselves, dropout for instance. With several processes the state of the first one is stored; the others go on from
(seed, step, rank) after a resume.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the state of the generators of Python, NumPy and PyTorch, the GPUs' included."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": list(_flat(random.getstate())),
        "numpy": {
            "name": str(name),
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators into a state that `random_state` returned."""
    version, *words, gauss = state["python"]
    random.setstate((int(version), tuple(int(word) for word in words), gauss))
    numpy = state["numpy"]
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state((numpy["name"], keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def seed_all(*numbers: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch from non-negative numbers."""
    seed = int(np.random.SeedSequence(list(numbers)).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _flat(state: tuple[Any, ...]) -> list[Any]:
    version, words, gauss = state
    return [version, *words, gauss]
