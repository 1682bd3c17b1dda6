"""Which device a network computes on, and whether its memory is used up."""

from __future__ import annotations

import cv2
import torch

from dlc_core.errors import ConfigError, suggest

_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "insufficient memory",
    "not enough memory",
    "alloc_failed",
)


def resolve_device(device: str = "auto") -> torch.device:
    """Return the device that `device` (auto, cpu, cuda, cuda:1, mps) stands for on this machine.

    Raises
    ------
    ConfigError
        The name is unknown or the machine has no such device.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if has_cuda else "mps" if has_mps else "cpu")
    kind, colon, index = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (colon and not index.isdigit()):
        raise ConfigError(
            f"device is {device!r}. {suggest(device, ['auto', 'cpu', 'cuda', 'mps'])}"
            "Known: auto, cpu, cuda, cuda:N, mps."
        )
    if not {"cpu": True, "cuda": has_cuda, "mps": has_mps}[kind]:
        raise ConfigError(f"device is {device!r}, but this machine or this PyTorch has none. Use device=auto or cpu.")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise ConfigError(
            f"device is {device!r}, but this machine has {torch.cuda.device_count()} CUDA device(s), counted from 0."
        )
    return torch.device(device)


def is_out_of_memory(exc: BaseException) -> bool:
    """Tell whether memory was used up: PyTorch has an exception of its own for that on a GPU only, OpenCV has none."""
    if isinstance(exc, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(exc, RuntimeError | cv2.error) and any(sign in str(exc).lower() for sign in _SIGNS)
