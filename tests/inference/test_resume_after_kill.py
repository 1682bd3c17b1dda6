"""`kill -9` at different moments: what is resumed equals what was never interrupted, bit for bit."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.pose_file import PoseFile

CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.network import load_network
from dlc_core.project.runs import Run
run = Run(Path(sys.argv[1]))
network = load_network(run, run.select()[0], None)
print("ready", flush=True)
sys.stdin.readline()
analyze_video(Path(sys.argv[2]), network, AnalysisOptions(torch.device("cpu"), batch_size=4, chunk=8),
              destfolder=Path(sys.argv[3]))
"""
FRAMES = 400
MOMENTS = (0, 80, 200)


def frames_done(folder: Path) -> int:
    for store in folder.glob("[!.]*.zarr"):
        try:
            return int(json.loads((store / "zarr.json").read_text())["attributes"]["frames_done"])
        except (OSError, ValueError, KeyError):
            return -1
    return -1


def test_three_moments_of_killing(tmp_path, run, network, make_video):
    video = make_video(tmp_path / "long.mp4", FRAMES)
    children = []
    for moment in MOMENTS:
        command = [sys.executable, "-c", CHILD, str(run.folder), str(video), str(tmp_path / f"at{moment}")]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        children.append((moment, child))
    options = AnalysisOptions(torch.device("cpu"), batch_size=4, chunk=8)
    whole = PoseFile.open(analyze_video(video, network, options, destfolder=tmp_path / "whole").store).load()
    for moment, child in children:
        folder = tmp_path / f"at{moment}"
        assert child.stdout.readline().strip() == "ready"
        child.stdin.write("\n")
        child.stdin.flush()
        deadline = time.monotonic() + 60
        while frames_done(folder) < moment and time.monotonic() < deadline:
            time.sleep(0.0005)
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
        done = frames_done(folder)
        assert moment <= done < FRAMES, f"the child was to be killed in the middle, at {moment}; it had done {done}"
        assert done % 8 == 0
        result = analyze_video(video, network, options, destfolder=folder)
        assert result.new_frames == FRAMES - done
        resumed = PoseFile.open(result.store).load()
        np.testing.assert_array_equal(resumed.keypoints, whole.keypoints)
        np.testing.assert_array_equal(resumed.likelihood, whole.likelihood)
        left = {path.name for path in folder.iterdir()}
        assert left == {result.store.name}  # the dead process's lock is gone, too
        assert not [path for path in folder.rglob("*") if path.name.startswith(".~") or path.suffix == ".partial"]
