"""How much of the bare network's speed is left when a video is analysed, and whether larger batches cost anything.

Question    Time per frame of `dlc analyze` (decoding, network, peak picking, pose store; without start-up) against
            the bare forward pass of the same network on tensors in memory, at batch 1 and 8.
Data        openfield-Pranav-2018-10-30/videos/m3v1mp4.mp4 (640 x 480), its first frames; random weights.
Command     python benchmarks/analysis_speed.py --data ../shared/data
Hardware    2 cores of a shared virtual machine (Intel Xeon with AVX-512), no GPU; the JSON says which.
Seed        0 (weights; speed does not depend on them).
Expected    bare / analyze >= 0.8 for both networks and batches, batch 8 <= 1.05 x batch 1 per frame (medians;
            the spread of a ratio over repetitions is about +-0.1 on a machine that is shared with others).

Bare pass and analysis alternate in one process, so that a slow minute of the machine hits both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_file import write_result

from dlc_core.allocator import keep_memory
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.network import Network, Training
from dlc_core.model.build import build_model
from dlc_core.model.pose_model import PoseModel
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.skeleton import Skeleton
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter

VIDEO = Path("openfield-Pranav-2018-10-30/videos/m3v1mp4.mp4")
SKELETON = Skeleton(("snout", "leftear", "rightear", "tailbase"))
BATCHES = (1, 8)
RESULT = Path(__file__).parent / "results" / "analysis_speed.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--backbones", nargs="+", default=["efficientnet_lite0", "resnet50"])
    parser.add_argument("--frames", type=int, default=48, help="frames per measurement, a multiple of 8")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--result", type=Path, default=RESULT)
    arguments = parser.parse_args()
    keep_memory()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        clip = first_frames(arguments.data / VIDEO, Path(folder) / "clip.mp4", arguments.frames)
        networks = {name: measure(name, clip, arguments) for name in arguments.backbones}
    budgets = {key: value for key, value in vars(arguments).items() if key not in ("data", "result")}
    write_result(arguments.result, ("torch", "timm", "av", "zarr"), config=budgets, seed=0, networks=networks)
    print(f"Written to {arguments.result}")


def measure(backbone: str, clip: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds a frame and ratios, each as median and range over the repetitions."""
    torch.manual_seed(0)
    config = compose("train", [f"backbone={backbone}", "preprocessing.global_scale=1"]).plain()
    model = build_model(config, SKELETON, pretrained=False).eval()
    frames = torch.from_numpy(in_memory(clip)).movedim(-1, 1)
    for batch in BATCHES:
        bare(model, frames[:batch], batch)  # the first pass of a shape chooses its kernels
    rows: dict[str, list[float]] = {}
    for _ in range(arguments.repetitions):
        for batch in BATCHES:
            alone = bare(model, frames, batch)
            whole = analysed(model, clip, batch)
            for key, value in ((f"bare_ms_{batch}", alone), (f"analyze_ms_{batch}", whole)):
                rows.setdefault(key, []).append(1000 * value)
            rows.setdefault(f"bare_over_analyze_{batch}", []).append(alone / whole)
        rows.setdefault("batch8_over_batch1", []).append(rows["analyze_ms_8"][-1] / rows["analyze_ms_1"][-1])
    summary = {
        key: {"median": round(statistics.median(values), 3), "range": [round(min(values), 3), round(max(values), 3)]}
        for key, values in rows.items()
    }
    print(backbone, *(f"{key} {value['median']} {value['range']}" for key, value in summary.items()), sep="\n  ")
    return summary


def bare(model: PoseModel, frames: torch.Tensor, batch: int) -> float:
    """Return seconds a frame of the network alone, on uint8 tensors in memory."""
    with torch.inference_mode():
        started = time.perf_counter()
        for part in frames.split(batch):
            model(part)
        return (time.perf_counter() - started) / len(frames)


def analysed(model: PoseModel, clip: Path, batch: int) -> float:
    """Return seconds a frame of analysing the clip, start-up excluded."""
    folder = Path(tempfile.mkdtemp(dir=clip.parent))
    network = Network(
        model=model,
        skeleton=SKELETON,
        scorer="DLC_benchmark",
        about={"run": "", "run_folder": "", "snapshot": "", "step": 0, "sha256": "", "backbone": ""},
        training=Training("", "", 1, 0, 0.0, ""),
        versions={},
    )
    result = analyze_video(clip, network, AnalysisOptions(torch.device("cpu"), batch_size=batch), destfolder=folder)
    shutil.rmtree(folder)
    return result.seconds / result.new_frames


def first_frames(video: Path, clip: Path, count: int) -> Path:
    """Write the first frames of a video as a video of its own."""
    with VideoReader(video) as reader, VideoWriter(clip, reader.fps, reader.height, reader.width) as writer:
        for _, frame in reader.frames(range(count)):
            writer.write(frame)
    return clip


def in_memory(clip: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return all frames, (n, H, W, 3) uint8."""
    with VideoReader(clip) as reader:
        return np.stack([frame for _, frame in reader.frames(range(reader.frame_count))])


if __name__ == "__main__":
    main()
