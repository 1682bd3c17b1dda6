"""The options of ``dlc train`` and their defaults.

The defaults are our recipe: AdamW from a rate of 1e-3 with a short warm-up and a cosine down to a floor, batches of 4,
images at about half size. ``experiment=deeplabcut2018`` is the protocol's.

Where our numbers come from: rate, batch and image size were chosen on openfield for what two CPU cores learn in a few
minutes (batches of 4 halved images: 5-6 px there after 840 steps). Warm-up, floor, weight decay and the intervals of
log and snapshots are customary values that were not tuned. ``benchmarks/openfield_accuracy.py`` measures the whole
recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class BudgetSettings:
    """How long to train, on how much at once, and what to write meanwhile (``training.*``).

    Parameters
    ----------
    steps : int or None
        Optimiser steps. None, together with ``minutes`` None: 20,000 on a GPU, 30 minutes on a CPU.
    minutes : float or None
        Wall-clock budget. It is translated into steps by timing the warm-up, printed, and stored as ``training.steps``.
    batch_size : int
        Samples in one forward pass; several devices share them.
    accumulate : int
        Forward passes per step, which is then that of a batch of ``batch_size * accumulate``. Exactly so if the
        network has no batch normalisation that learns (``backbone.freeze_batchnorm=true``); otherwise that normalises
        each forward pass by its own ``batch_size`` samples, and a line says so.
    save_iters : int
        Steps between two snapshots; there is always one at the end.
    max_snapshots_to_keep : int
        Of the regular snapshots, the last so many stay.
    display_iters : int
        Steps between two rows of log.csv.
    best_on_test : bool
        Keep the snapshot that is best on the test images as well, marked ``selected_on_test`` and never used by
        default. Costs one pass over the test images per snapshot.
    workers : int or None
        Processes that prepare samples; None: none on a CPU, up to 8 with a GPU.
    pose_cfg : str or None
        Another ``pose_cfg.yaml`` instead of the shuffle's own.
    """

    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 4
    accumulate: int = 1
    save_iters: int = 500
    max_snapshots_to_keep: int = 5
    display_iters: int = 50
    best_on_test: bool = True
    workers: int | None = None
    pose_cfg: str | None = None


@dataclass
class FoldSettings:
    """Cross-validation (``split.*``) over ALL labelled frames, instead of the split of the training set.

    Parameters
    ----------
    fold : int or None
        Which fold is the test part, from 0; None trains on the split of the training set.
    folds : int
        Into how many folds the labelled frames are divided.
    """

    fold: int | None = None
    folds: int = 5


@dataclass
class OptimizerSettings:
    """The optimiser (``optimizer.*``).

    Parameters
    ----------
    name : {"adamw", "adam", "sgd"}
        Which optimiser.
    lr : float
        Learning rate that the schedule starts from; ``schedule.name=multi_step`` brings its own rates.
    weight_decay : float
        As the optimiser defines it; biases and normalisation layers are exempt.
    momentum : float
        Of ``sgd``.
    clip_norm : float or None
        Largest norm of the gradient; None does not clip.
    """

    name: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9
    clip_norm: float | None = None


@dataclass
class ScheduleSettings:
    """How the learning rate changes (``schedule.*``).

    Parameters
    ----------
    name : {"cosine", "multi_step"}
        ``cosine``: warm-up, then half a cosine down to ``floor * optimizer.lr``. ``multi_step``: the rates of
        `multi_step`.
    warmup_steps : int
        Steps that do not depend on the length of the training; a budget in minutes is timed on them.
    floor : float
        Of the cosine, as a share of ``optimizer.lr``.
    multi_step : list of [rate, until]
        Each rate is used until that step; the steps are scaled down in proportion when the training is shorter than
        the last of them.
    """

    name: str = "cosine"
    warmup_steps: int = 20
    floor: float = 0.01
    multi_step: list[Any] = field(
        default_factory=lambda: [[0.005, 10_000], [0.02, 430_000], [0.002, 730_000], [0.001, 1_030_000]]
    )


@dataclass
class PreprocessingSettings:
    """The warp of every image of the run (``preprocessing.*``).

    Parameters
    ----------
    global_scale : float or None
        Factor by which images are scaled; None takes clip(320 / median longer side, 0.5, 1), so that small images keep
        their detail and large ones are affordable on a CPU. It is less than 0.5 if the median image would exceed
        `max_input_size`.
    max_input_size, min_input_size : int
        Images whose scaled area is outside the squares of these two, in pixels, are not trained on. How many is
        printed.
    """

    global_scale: float | None = None
    max_input_size: int = 1500
    min_input_size: int = 64


@dataclass
class TrainerSettings:
    """What goes through to `pytorch_lightning.Trainer` (``trainer.*``); None leaves Lightning's default.

    Its other arguments are written with a plus: ``+trainer.log_every_n_steps=10``. Those that have an option of ours
    (``training.steps`` for ``max_steps``) are refused, naming it.

    Parameters
    ----------
    accelerator, devices, strategy, num_nodes
        Where to train, as for Lightning: ``trainer.accelerator=gpu trainer.devices=2 trainer.strategy=ddp``.
    precision : int or str
        ``32`` or ``bf16-mixed``, which is about 2.4 times faster on CPUs with AVX512_BF16 or AMX and on recent GPUs.
    sync_batchnorm, deterministic, benchmark, detect_anomaly, profiler, plugins
        As Lightning documents this argument of its Trainer.
    """

    accelerator: str = "auto"
    devices: Any = "auto"
    strategy: str = "auto"
    num_nodes: int = 1
    precision: Any = "32"
    sync_batchnorm: bool = False
    deterministic: Any = None
    benchmark: bool | None = None
    detect_anomaly: bool = False
    profiler: str | None = None
    plugins: Any = None


@dataclass
class TrainSettings:
    """Options of ``dlc train`` besides those of backbone, head and augmenter.

    Parameters
    ----------
    shuffle : int
        Number of the training set's shuffle, from 1.
    trainingsetindex : int
        Index into TrainingFraction of config.yaml.
    iteration : int or None
        None for the current iteration of config.yaml.
    run : str or None
        Name of the run's folder; None: ``<backbone>-<time>``, and with ``resume=true`` the latest run.
    sweep : str or None
        Name of the sweep this run belongs to; set by ``-m``.
    resume : bool
        Go on from the run's last snapshot.
    init_weights : str or None
        A snapshot of ours to start from.
    seed : int
        Of the weights' initialisation, the order of the samples and the augmentation.
    logger : component
        An argument of the logger's class, as Lightning documents it.
    """

    shuffle: int = 1
    trainingsetindex: int = 0
    iteration: int | None = None
    run: str | None = None
    sweep: str | None = None
    resume: bool = False
    init_weights: str | None = None
    seed: int = 42
    training: BudgetSettings = field(default_factory=BudgetSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    preprocessing: PreprocessingSettings = field(default_factory=PreprocessingSettings)
    split: FoldSettings = field(default_factory=FoldSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    backbone: Any = None
    head: Any = None
    augmenter: Any = None
    logger: Any = None
