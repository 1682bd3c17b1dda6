"""Make sure that half precision on a CPU does not end the process.

Some virtual machines announce matrix instructions (AMX) that do not work: the first bfloat16 product is then an
illegal instruction, and the process is gone without a word. oneDNN, which PyTorch computes with, can be told not to use
them; it listens only before it computes for the first time.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from dlc_core.console import warn

LIMIT = "ONEDNN_MAX_CPU_ISA"
"""oneDNN's environment variable; whoever sets it decides."""

_WITHOUT_AMX = "AVX512_CORE_BF16"
_TRIAL = "import torch; m = torch.ones(64, 64, dtype=torch.bfloat16); m @ m"
_TRIAL_S = 120


def settle_half_precision() -> None:
    """Try a product in bfloat16 in another process, and switch AMX off in this one if it dies of it.

    Takes some seconds, and only on a CPU that announces AMX. Call it before PyTorch computes anything.
    """
    if LIMIT in os.environ or not _announces_amx() or _amx_works():
        return
    os.environ[LIMIT] = _WITHOUT_AMX
    warn(f"this CPU announces AMX, which does not work here; half precision goes without it ({LIMIT}={_WITHOUT_AMX}).")


def _announces_amx() -> bool:
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


@functools.cache
def _amx_works() -> bool:
    try:
        trial = subprocess.run([sys.executable, "-c", _TRIAL], capture_output=True, timeout=_TRIAL_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0
