"""Whether DeepLabCut 3 trains on our split, and draws our predictions.

This script runs in DeepLabCut's environment, not in ours; it imports nothing of dlc-core. On a copy of a project::

    dlc create-dataset -p PROJECT                                      # our environment
    python benchmarks/deeplabcut_interop.py train PROJECT              # DeepLabCut's: two iterations on our split
    dlc train -p PROJECT && dlc analyze VIDEO -p PROJECT 'exporter=[h5,deeplabcut]'
    python benchmarks/deeplabcut_interop.py pictures PROJECT VIDEO     # DeepLabCut's: plots, filter, labelled video

`train` compares, frame by frame and point by point, what DeepLabCut's loader reads with what our training set holds,
lets DeepLabCut make its own network for the split, and trains it for two iterations from random weights: its trainer
asks the model hub for pretrained weights unless it is given a snapshot, so it is given one, made from its own
configuration. DeepLabCut writes into the project (``project_path`` of config.yaml, ``dlc-models-pytorch``), so use a
copy.

Expected: every check true; the two losses differ from run to run. The last line is the result as JSON.
Checked with DeepLabCut 3.0.2, on a CPU.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("DLClight", "True")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("train", "pictures"))
    parser.add_argument("project", type=Path, help="folder of the project")
    parser.add_argument("video", type=Path, nargs="?", help="an analysed video, for `pictures`")
    parser.add_argument("--shuffle", type=int, default=1)
    parser.add_argument("--trainingsetindex", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=1)
    options = parser.parse_args()
    if options.step == "pictures" and options.video is None:
        parser.error("pictures needs the path of a video")
    options.project = options.project.resolve()  # DeepLabCut writes it into config.yaml
    step = train if options.step == "train" else pictures
    found = step(options)
    print(json.dumps(found))
    return 0 if all(value for value in found.values() if isinstance(value, bool)) else 1


def train(options: argparse.Namespace) -> dict[str, Any]:
    import deeplabcut
    import torch
    from deeplabcut.pose_estimation_pytorch.config import read_config_as_dict
    from deeplabcut.pose_estimation_pytorch.models import PoseModel

    ours = our_training_set(options)
    found: dict[str, Any] = {"deeplabcut": deeplabcut.__version__, "torch": torch.__version__}
    found.update({f"before: {key}": value for key, value in compare(options, ours).items()})
    config = str(options.project / "config.yaml")
    deeplabcut.create_training_dataset_from_existing_split(
        config,
        from_shuffle=options.shuffle,
        from_trainsetindex=options.trainingsetindex,
        shuffles=[options.shuffle],
        userfeedback=False,
    )
    found.update({f"after: {key}": value for key, value in compare(options, ours).items()})
    folder = model_folder(options)
    model = PoseModel.build(read_config_as_dict(folder / "pytorch_config.yaml")["model"], pretrained_backbone=False)
    start = folder.parent / "random-start.pt"
    torch.save({"model": model.state_dict(), "metadata": {"epoch": 0, "metrics": {}, "losses": {}}}, start)
    losses = train_two_iterations(config, options, start)
    found["iterations"] = len(losses)
    found["losses"] = losses
    found["trained"] = len(losses) == 2 and all(map(math.isfinite, losses)) and bool(snapshots(folder))
    return found


def train_two_iterations(config: str, options: argparse.Namespace, start: Path) -> list[float]:
    """Train one epoch of two batches with DeepLabCut's own function; return the loss of each."""
    import deeplabcut
    from deeplabcut.pose_estimation_pytorch.data.dataset import PoseDataset
    from deeplabcut.pose_estimation_pytorch.runners.train import PoseTrainingRunner

    all_frames, step, losses = PoseDataset.__len__, PoseTrainingRunner.step, []

    def few_frames(dataset: Any) -> int:
        return min(all_frames(dataset), 2 * options.batch_size)

    def noted(runner: Any, batch: Any, mode: str = "train") -> Any:
        result = step(runner, batch, mode)
        if mode == "train":
            losses.append(float(result["total_loss"]))
        return result

    PoseDataset.__len__, PoseTrainingRunner.step = few_frames, noted
    try:
        deeplabcut.train_network(
            config,
            shuffle=options.shuffle,
            trainingsetindex=options.trainingsetindex,
            snapshot_path=str(start),
            epochs=1,
            save_epochs=1,
            batch_size=options.batch_size,
            device="cpu",
        )
    finally:
        PoseDataset.__len__, PoseTrainingRunner.step = all_frames, step
    return losses


def compare(options: argparse.Namespace, ours: dict[str, Any]) -> dict[str, bool]:
    """Return whether DeepLabCut's loader reads the same frames into the same parts, with the same points."""
    import numpy as np
    from deeplabcut.core.config import ProjectConfig
    from deeplabcut.pose_estimation_pytorch.data.dlcloader import DLCLoader

    config = ProjectConfig.from_any(options.project / "config.yaml", repair_path=True)
    split = DLCLoader.load_split(config, options.trainingsetindex, options.shuffle)
    table = (
        DLCLoader(
            config=options.project / "config.yaml", trainset_index=options.trainingsetindex, shuffle=options.shuffle
        ).df
        if (model_folder(options) / "pytorch_config.yaml").is_file()
        else merged_table(options)
    )
    names = ["/".join(row) for row in table.index]
    points = table.to_numpy().reshape(len(names), -1, 2)
    expected = np.array([ours["labels"]["points"][name] for name in names], float)
    parts = ours["split"]
    return {
        "same training frames": {names[row] for row in split["train"]} == set(parts["train"]),
        "same test frames": {names[row] for row in split["test"]} == set(parts["test"]),
        "same points": bool(np.array_equal(points, expected, equal_nan=True)),
    }


def merged_table(options: argparse.Namespace) -> Any:
    """Return the merged label table as DeepLabCut's pandas reads it."""
    import pandas as pd

    return pd.read_hdf(next(dataset_folder(options).glob("CollectedData_*.h5")))


def our_training_set(options: argparse.Namespace) -> dict[str, Any]:
    """Return the training set that `dlc create-dataset` made."""
    pattern = f"shuffle-trainset*shuffle{options.shuffle}.json"
    files = sorted((dataset_folder(options) / "dlc-core").glob(pattern))
    if not files:
        sys.exit(f"no {pattern} in {dataset_folder(options)}; run `dlc create-dataset` first")
    return json.loads(files[options.trainingsetindex].read_text(encoding="utf-8"))


def dataset_folder(options: argparse.Namespace) -> Path:
    return next((options.project / "training-datasets").glob(f"iteration-{iteration(options)}/UnaugmentedDataSet_*"))


def model_folder(options: argparse.Namespace) -> Path:
    """Return where DeepLabCut keeps its network of the shuffle."""
    place = options.project / "dlc-models-pytorch"
    folders = sorted(place.glob(f"iteration-{iteration(options)}/*shuffle{options.shuffle}/train"))
    return folders[0] if folders else place


def iteration(options: argparse.Namespace) -> int:
    from deeplabcut.utils.auxiliaryfunctions import read_config

    return int(read_config(str(options.project / "config.yaml"))["iteration"])


def snapshots(folder: Path) -> list[Path]:
    return sorted(folder.glob("snapshot-*.pt"))


def pictures(options: argparse.Namespace) -> dict[str, Any]:
    import deeplabcut

    config, videos = str(options.project / "config.yaml"), [str(options.video)]
    which = {"shuffle": options.shuffle, "trainingsetindex": options.trainingsetindex}
    before = set(options.video.parent.rglob("*"))
    deeplabcut.filterpredictions(config, videos, filtertype="median", **which)
    deeplabcut.plot_trajectories(config, videos, **which)
    deeplabcut.create_labeled_video(config, videos, **which)
    made = {path.name for path in set(options.video.parent.rglob("*")) - before if path.is_file()}
    return {
        "deeplabcut": deeplabcut.__version__,
        "filterpredictions": any(name.endswith("_filtered.h5") for name in made),
        "plot_trajectories": {"hist.png", "plot.png", "plot-likelihood.png", "trajectory.png"} <= made,
        "create_labeled_video": any(name.endswith("_labeled.mp4") for name in made),
        "files": sorted(made),
    }


if __name__ == "__main__":
    raise SystemExit(main())
