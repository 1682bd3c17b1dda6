"""The process keeps the memory that a network frees."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

MEASURE = """
import resource, sys
from dlc_core.allocator import keep_memory
print(keep_memory())
import torch
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): torch.ones(12_000_000) + 1
before = faults()
for _ in range(20): torch.ones(12_000_000) + 1
print(faults() - before)
"""


def measure(**environment: str) -> tuple[bool, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    said, faults = done.stdout.split()
    return said == "True", int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting exists in glibc only")
def test_memory_is_kept_and_the_switch_leaves_it_alone():
    kept, faults = measure()
    left, faults_before = measure(DLC_KEEP_MEMORY="0")
    if not kept:
        pytest.skip("the C library is not glibc")
    assert not left
    # 20 x 2 tensors of 48 MB, 4 kB a page: many faults (fewer with huge pages), or none.
    assert faults < 0.4 * faults_before
