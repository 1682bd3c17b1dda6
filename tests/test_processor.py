"""Half precision does not end a process on a machine whose AMX does not work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processors are described in /proc/cpuinfo on Linux")
def test_a_product_in_bfloat16_works_once_half_precision_is_settled():
    code = (
        "from dlc_core.processor import settle_half_precision; settle_half_precision()\n"
        "import torch; m = torch.ones(64, 64, dtype=torch.bfloat16); print(float((m @ m)[0, 0]))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "ONEDNN_MAX_CPU_ISA"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "64.0"
