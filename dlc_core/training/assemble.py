"""Put together what a training needs from plain options: training set, network, data."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlc_core.console import say
from dlc_core.data.datamodule import PoseDataModule
from dlc_core.data.neighbours import videos_of
from dlc_core.data.splits import fold_split
from dlc_core.data.training_set import TrainingSet
from dlc_core.errors import CheckpointError, ConfigError
from dlc_core.geometry import Preprocessing
from dlc_core.model.build import build_model
from dlc_core.model.pose_model import PoseModel
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.project.runs import Run
from dlc_core.skeleton import Skeleton
from dlc_core.training.checkpoint import Checkpoint, Provider, build_from, load_checkpoint, require_names
from dlc_core.training.resume import require_resumable
from dlc_core.training.snapshots import regular_snapshots
from dlc_core.training.transfer import transfer_weights

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_COMPONENTS = ("backbone", "head", "augmenter")
# Half size is what reached 5-6 px on openfield (640 x 480) within five minutes of two CPU cores when the recipe was
# chosen; 320 px is the longer side that leaves these images, and the others are given as much. Not tuned further:
# benchmarks/openfield_accuracy.py measures the result.
_FULL_DETAIL_SIDE, _SMALLEST_AUTOMATIC_SCALE = 320, 0.5
_MOST_WORKERS = 8


def open_training_set(project: Project, config: Mapping[str, Any]) -> TrainingSet:
    """Return the training set of the shuffle; with ``split.fold`` all its labelled frames, divided by that fold.

    Raises
    ------
    ConfigError, DataError
        There is no such training set, or no such fold.
    """
    found = TrainingSet.open(project, config["shuffle"], config["trainingsetindex"], config["iteration"])
    fold, folds = config["split"]["fold"], config["split"]["folds"]
    if fold is None:
        return found
    return found.with_split(fold_split(found.usable_images, int(fold), int(folds), int(config["seed"])))


def resolve(config: dict[str, Any], training_set: TrainingSet) -> None:
    """Replace options that are left to the program by what it chooses here."""
    if config["preprocessing"]["global_scale"] is None:
        sizes = [training_set.frames.size(name) for name in training_set.split.train]
        config["preprocessing"]["global_scale"] = automatic_scale(sizes, config["preprocessing"]["max_input_size"])
    if config["training"]["workers"] is None:
        gpu_workers = min(_MOST_WORKERS, os.cpu_count() or 1)
        config["training"]["workers"] = gpu_workers if has_gpu(config) else 0


def automatic_scale(sizes: Sequence[tuple[int, int]], max_input_size: int) -> float:
    """Return the factor that images are scaled by when nobody chose one.

    Parameters
    ----------
    sizes : sequence of (height, width)
        Of the training images.
    max_input_size : int
        The image of median area is scaled to no more than the square of it, so that it can be trained on.
    """
    if not sizes:
        return 1.0
    scale = _FULL_DETAIL_SIDE / float(np.median([max(size) for size in sizes]))
    largest = max_input_size / math.sqrt(float(np.median([height * width for height, width in sizes])))
    chosen = min(max(_SMALLEST_AUTOMATIC_SCALE, scale), 1.0)
    return round(chosen, 4) if chosen <= largest else math.floor(largest * 10_000) / 10_000


def has_gpu(config: Mapping[str, Any]) -> bool:
    """Tell whether this training would use a GPU of this machine."""
    wanted = str(config["trainer"]["accelerator"])
    there = torch.cuda.is_available() or torch.backends.mps.is_available()
    return there and wanted in ("auto", "gpu", "cuda", "mps")


def last_snapshot(run: Run) -> Checkpoint | None:
    """Return where a run goes on, or None if it ended before its first snapshot."""
    saved = regular_snapshots(run.folder)
    if not saved:
        say(f"The run {run.name} saved no snapshot before it ended; it begins again at step 0")
        return None
    checkpoint = load_checkpoint(saved[-1])
    require_resumable(checkpoint)
    return checkpoint


def make_model(config: Mapping[str, Any], project: Project, checkpoint: Checkpoint | None, first: bool) -> PoseModel:
    """Return the network, with the weights it starts from; those of `checkpoint` are loaded later, by the training.

    Parameters
    ----------
    config : mapping
        ``backbone``, ``head``, ``preprocessing`` and ``init_weights``.
    project : Project
        For its skeleton.
    checkpoint : Checkpoint or None
        Of a training that is resumed.
    first : bool
        Whether this process speaks for all that train together.

    Raises
    ------
    CheckpointError
        A snapshot cannot be read, has other body parts (resume), or another backbone (init_weights).
    ConfigError
        A part or an option makes no sense, or two places are named that the weights come from.
    """
    skeleton = project.skeleton
    if checkpoint is not None:
        require_names(checkpoint, skeleton)
        return build_from(replace(checkpoint, config=config))
    path = config["init_weights"]
    if not path:
        return build_model(config, skeleton)
    if config["backbone"].get("weights_file"):
        raise ConfigError(
            f"init_weights={path} and backbone.weights_file={config['backbone']['weights_file']} do not go together; "
            "leave one out."
        )
    if not Path(path).expanduser().exists():
        raise CheckpointError(
            f"init_weights={path}: there is no such file. Give the path of a snapshot, like "
            "dlc-models-core/iteration-N/<shuffle>/<run>/snapshot_<step>.ckpt."
        )
    source = load_checkpoint(Path(path).expanduser())
    model = build_model(config, skeleton, pretrained=False)
    transfer = transfer_weights(source, model, skeleton)
    if not transfer.has_backbone:
        raise CheckpointError(
            f"init_weights={path} holds the backbone {_network_of(source.config['backbone'])}, of which nothing fits "
            f"the {_network_of(config['backbone'])} chosen here. Choose the snapshot's backbone, or leave init_weights "
            "out."
        )
    if first:
        say(f"Weights from {path}: {transfer}")
    return model


def _network_of(backbone: Mapping[str, Any]) -> str:
    """Return the name of a network for people: that of the model where a component offers several."""
    return repr(backbone.get("model") or backbone["name"])


def make_data(
    config: Mapping[str, Any], project: Project, skeleton: Skeleton, training_set: TrainingSet, model: PoseModel
) -> PoseDataModule:
    """Return the data of the training, augmenter included, as `model` needs them.

    Parameters
    ----------
    config : mapping
        ``augmenter``, ``preprocessing``, ``training`` and ``seed``.
    project : Project
        For its folder and videos.
    skeleton : Skeleton
        Keypoints in the order of the network's outputs.
    training_set : TrainingSet
    model : PoseModel
        For the frames its head looks at.
    """
    preprocessing = Preprocessing(**config["preprocessing"])
    augmenter = (
        load_plugins().registry("augmenter").build(config["augmenter"], skeleton=skeleton, preprocessing=preprocessing)
    )
    training = config["training"]
    return PoseDataModule(
        training_set,
        skeleton,
        augmenter,
        preprocessing,
        root=project.root,
        batch_size=training["batch_size"],
        accumulate=training["accumulate"],
        seed=int(config["seed"]),
        workers=training["workers"],
        window=model.head.window,
        views=model.head.views,
        videos=videos_of(project, training_set.split.images) if len(model.head.window) > 1 else None,
    )


def components_of(config: Mapping[str, Any]) -> dict[str, Provider]:
    """Return which components the options name and who provides them, by kind."""
    plugins = load_plugins()
    found = {}
    for kind in _COMPONENTS:
        name = str(config[kind]["name"])
        found[kind] = Provider(name, plugins.registry(kind)[name].provider)
    return found
