"""How many frames go through the network at once.

On a CPU larger batches gain nothing once activations are recycled, and cost memory. On a GPU the best size depends on
the network, the frame and the card, so it is tried out.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from dlc_core.inference.predictor import Predictor

CPU_BATCH = 4
_LARGE_INPUT = 1_500_000  # pixels; above it a CPU gets one frame at a time
_TRIED_ON_GPU = (4, 8, 16, 32, 64, 128)
_WORTHWHILE = 1.05  # a doubled batch must be this much faster a frame
_REPETITIONS = 3


def choose_batch_size(predictor: Predictor, input_size: tuple[int, int], limit: int | None = None) -> int:
    """Return a batch size for inputs of (height, width) pixels, at most `limit`.

    On a GPU batches of 4 to 128 are timed, each once warmed up; the search ends when a doubling gains less than 5 % a
    frame or the memory is full.
    """
    height, width = input_size
    if predictor.device.type != "cuda":
        chosen = CPU_BATCH if height * width <= _LARGE_INPUT else 1
        return chosen if limit is None else max(1, min(chosen, limit))
    sizes = [size for size in _TRIED_ON_GPU if limit is None or size <= limit] or [max(1, limit or 1)]
    best, best_rate = sizes[0], 0.0
    for size in sizes:
        try:
            rate = _frames_per_s(predictor, (size, *_window_axis(predictor), height, width, 3))
        except torch.OutOfMemoryError:
            break
        if rate < best_rate * _WORTHWHILE:
            break
        best, best_rate = size, rate
    torch.cuda.empty_cache()
    return best


def _window_axis(predictor: Predictor) -> tuple[int, ...]:
    return (len(predictor.window),) if len(predictor.window) > 1 else ()


def _frames_per_s(predictor: Predictor, shape: tuple[int, ...]) -> float:
    images = np.zeros(shape, np.uint8)
    predictor.fetch(predictor.launch(images))
    started = time.perf_counter()
    for _ in range(_REPETITIONS):
        predictor.fetch(predictor.launch(images))
    return _REPETITIONS * shape[0] / (time.perf_counter() - started)
