"""Memory that is too small for a batch, on a GPU or a CPU: one line that says which batch to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import torch

from dlc_core.errors import DataError
from dlc_core.model.device import is_out_of_memory

if TYPE_CHECKING:
    from dlc_core.inference.pose_store import PoseStore


@contextmanager
def enough_memory(device: torch.device, store: PoseStore | None = None) -> Iterator[None]:
    """Turn what is raised within the block because memory is used up into one line.

    Parameters
    ----------
    device : torch.device
    store : PoseStore or None
        It knows the batch, and keeps it once it holds frames; None before there is one.

    Raises
    ------
    DataError
        The memory is too small.
    """
    try:
        yield
    except (MemoryError, RuntimeError, cv2.error) as exc:
        if not is_out_of_memory(exc):
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()
        size = 1 if store is None else int(store.attributes["batch_size"])
        again = " overwrite=true" if store is not None and store.frames_done else ""
        remedies = ["Analyze a part of the frame with crop=x1,x2,y1,y2"]
        if size > 1:
            remedies = [f"Analyze this video with batch_size={max(1, size // 4)}{again}"]
        if device.type != "cpu":
            remedies.append("on device=cpu")
        raise DataError(
            f"the memory of {'this machine' if device.type == 'cpu' else device} is too small for a batch of {size} "
            f"frame(s). {', or '.join(remedies)}."
        ) from exc
