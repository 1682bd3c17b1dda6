"""Memory does not grow with the length of a video."""

import subprocess
import sys

import pytest

CHILD = """
import resource, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from dlc_core.allocator import keep_memory
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.network import load_network
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.project.runs import Run
keep_memory()
run = Run(Path(sys.argv[1]))
network = load_network(run, run.select()[0], None)
store = analyze_video(Path(sys.argv[2]), network, AnalysisOptions(torch.device("cpu"), batch_size=4)).store
registry = load_plugins().registry("exporter")
export_store(store, [ExporterChoice(name, registry.build({"name": name}), {}) for name in ("h5", "csv")])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(run, video):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(run.folder), str(video)], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
def test_the_peak_is_that_of_a_short_video(run, make_video, tmp_path):
    """4000 frames of 96 x 128 would take 140 MiB if they were kept."""
    short = peak_mib(run, make_video(tmp_path / "short.mp4", 400, 96, 128))
    long = peak_mib(run, make_video(tmp_path / "long.mp4", 4000, 96, 128))
    assert long - short < 25
