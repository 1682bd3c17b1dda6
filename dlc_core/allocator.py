"""Keep the memory that a network frees: on Linux this makes forward and backward passes up to 1.7 times faster.

glibc takes every large block from the kernel and gives it back as soon as it is freed, so each activation of each
forward pass is a new mapping whose pages are faulted in one by one: 816,000 page faults in one pass of a ResNet-50 over
four frames of 640 x 480, against 2,400 with the two settings made here (700 ms against 426 ms on two cores; the
peak memory of the process grew from 1221 to 1336 MB).
"""

from __future__ import annotations

import ctypes
import os
import sys

SWITCH = "DLC_KEEP_MEMORY"
"""Environment variable: ``0`` leaves the allocator as it is."""

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_memory() -> bool:
    """Tell glibc to keep freed memory in the process; call it before PyTorch allocates anything large.

    Returns
    -------
    bool
        Whether the settings were made: False where the C library is not glibc, and where `SWITCH` is ``0``.
    """
    if os.environ.get(SWITCH, "1") == "0" or not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):  # musl has no mallopt
        return False
    # No block by mmap: large blocks come from the heap. Threshold -1: the top of the heap is never given back.
    return bool(library.mallopt(_M_MMAP_MAX, 0)) and bool(library.mallopt(_M_TRIM_THRESHOLD, -1))
