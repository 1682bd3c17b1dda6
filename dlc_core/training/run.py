"""``dlc train``: one training, from options to a run's folder.

Several processes (``trainer.devices=2 trainer.strategy=ddp``) each run this function; the first one names the folder,
tells the others by the environment, and is the only one that writes and speaks.

A training stopped by Ctrl-C or SIGTERM has saved a snapshot; the exit code is 130 or 143
(`dlc_core.training.interrupt`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric.utilities.rank_zero import rank_zero_only
from omegaconf import OmegaConf
from pytorch_lightning.loggers import Logger

from dlc_core.allocator import keep_memory
from dlc_core.console import Outcome, say, warn
from dlc_core.data.datamodule import PoseDataModule
from dlc_core.data.splits import fold_split
from dlc_core.data.training_set import TrainingSet, fraction_at
from dlc_core.errors import CheckpointError, ConfigError
from dlc_core.files import write_text
from dlc_core.geometry import Preprocessing
from dlc_core.model.build import build_model
from dlc_core.model.pose_model import PoseModel
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.processor import settle_half_precision
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import CONFIG, SOURCES, Run, find_run, new_run_folder, shuffle_folder
from dlc_core.training.budget import Budget, choose_budget
from dlc_core.training.checkpoint import Checkpoint, Provider, load_checkpoint, require_names
from dlc_core.training.fit import Fitted, Plan, fit, require_resumable
from dlc_core.training.interrupt import leave
from dlc_core.training.module import OptimizerChoice, PoseModule
from dlc_core.training.random_state import seed_all
from dlc_core.training.record import RECORD_FILE, data_hash, machine, run_key, software_versions
from dlc_core.training.resume import COMMAND_LINE, require_same_data, resumed_config
from dlc_core.training.schedule import make_schedule
from dlc_core.training.snapshots import regular_snapshots
from dlc_core.training.transfer import transfer_weights

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project

_FOLDER_FOR_PROCESSES = "DLC_RUN_FOLDER"
_COMPONENTS = ("backbone", "head", "augmenter")
_FULL_DETAIL_SIDE, _SMALLEST_AUTOMATIC_SCALE = 320, 0.5
_MOST_WORKERS = 8


@dataclass
class _Job:
    """What one training is made from: plain values, changed only while they are put together."""

    config: dict[str, Any]
    choices: Mapping[str, Any]
    sources: dict[str, str]
    training_set: TrainingSet
    folder: Path
    checkpoint: Checkpoint | None = None
    resumed: bool = False


def train(project: Project, composed: Composed, arguments: Sequence[str] = ()) -> Outcome:  # noqa: ARG001 - takes none
    """Train a network on a shuffle.

    Parameters
    ----------
    project : Project
    composed : Composed
        With the fields of `dlc_core.training.settings.TrainSettings` and the nodes of backbone, head and augmenter.
    arguments : sequence of str
        None are taken.

    Returns
    -------
    Outcome
        ``data`` holds run, folder, step, total_steps, snapshot, errors_px, seconds and objective (the validation error,
        None without a validation part).

    Raises
    ------
    DlcError
        What a user can act on, before anything is written if it can be known by then.
    """
    started = time.monotonic()
    keep_memory()
    config, run = _configuration(project, composed)
    if "16" in str(config["trainer"]["precision"]) and not _has_gpu(config):
        settle_half_precision()
    training_set = _training_set(project, config)
    _resolve(config, training_set)
    first = _rank() == 0
    checkpoint = _last_snapshot(run) if run is not None else None
    seed_all(int(config["seed"]))
    model = _model(config, project, checkpoint, first)
    data = _data(config, project, training_set, model)
    folder = _folder(project, config, composed, run)
    config.update(run=Run(folder).name, resume=False)
    job = _Job(config, composed.choices, dict(composed.sources), training_set, folder, checkpoint, run is not None)
    if checkpoint is not None:
        job.choices = checkpoint.choices
    budget = _budget(job)
    if first:
        _announce(project, job, data, budget)
        _write_run(project, job, data)
    if checkpoint is not None and budget.steps is not None and checkpoint.step >= budget.steps:
        return _finished_already(job, checkpoint)
    fitted = _fit(job, model, data, budget, started)
    return _outcome(job, fitted, time.monotonic() - started, first)


def _configuration(project: Project, composed: Composed) -> tuple[dict[str, Any], Run | None]:
    """Return the options, and the run to be resumed if one is."""
    asked = composed.plain()
    asked.pop("project", None)
    if asked["run"] is None and asked["sweep"] is not None:
        asked["run"] = f"{asked['sweep']}/{run_key(asked)}"
    if not asked["resume"]:
        return asked, None
    if asked["sweep"] is not None and not (_shuffle_folder(project, asked) / asked["run"]).is_dir():
        return asked, None  # a job that had not begun when the sweep ended
    if asked["run"] is None:
        say("resume=true without run=: the latest run goes on")
    address = RunAddress(asked["shuffle"], asked["trainingsetindex"], asked["iteration"], run=asked["run"] or "latest")
    run = find_run(project, address)
    chosen = _read_yaml(run.folder / RECORD_FILE).get("choices", {}) if (run.folder / RECORD_FILE).is_file() else {}
    return resumed_config(run.config(), chosen, composed), run


def _rank() -> int:
    """Return the number of this process among those that train together, by what started them."""
    return int(getattr(rank_zero_only, "rank", None) or 0)


def _shuffle_folder(project: Project, config: Mapping[str, Any]) -> Path:
    fraction = fraction_at(project.training_fractions, int(config["trainingsetindex"]))
    return shuffle_folder(project, fraction, int(config["shuffle"]), config["iteration"])


def _training_set(project: Project, config: Mapping[str, Any]) -> TrainingSet:
    found = TrainingSet.open(project, config["shuffle"], config["trainingsetindex"], config["iteration"])
    fold, folds = config["split"]["fold"], config["split"]["folds"]
    if fold is None:
        return found
    return found.with_split(fold_split(found.usable_images, int(fold), int(folds), int(config["seed"])))


def _resolve(config: dict[str, Any], training_set: TrainingSet) -> None:
    """Replace options that are left to the program by what it chooses here."""
    if config["preprocessing"]["global_scale"] is None:
        sides = [max(training_set.frames.size(name)) for name in training_set.split.train]
        scale = _FULL_DETAIL_SIDE / float(np.median(sides)) if sides else 1.0
        config["preprocessing"]["global_scale"] = round(min(1.0, max(_SMALLEST_AUTOMATIC_SCALE, scale)), 4)
    if config["training"]["workers"] is None:
        gpu_workers = min(_MOST_WORKERS, os.cpu_count() or 1)
        config["training"]["workers"] = gpu_workers if _has_gpu(config) else 0


def _has_gpu(config: Mapping[str, Any]) -> bool:
    wanted = str(config["trainer"]["accelerator"])
    there = torch.cuda.is_available() or torch.backends.mps.is_available()
    return there and wanted in ("auto", "gpu", "cuda", "mps")


def _last_snapshot(run: Run) -> Checkpoint | None:
    saved = regular_snapshots(run.folder)
    if not saved:
        say(f"The run {run.name} saved no snapshot before it ended; it begins again at step 0")
        return None
    checkpoint = load_checkpoint(saved[-1])
    require_resumable(checkpoint)
    return checkpoint


def _model(config: Mapping[str, Any], project: Project, checkpoint: Checkpoint | None, first: bool) -> PoseModel:
    skeleton = project.skeleton
    if checkpoint is not None:
        require_names(checkpoint, skeleton)
        return build_model(config, checkpoint.skeleton, pretrained=False)
    path = config["init_weights"]
    if not path:
        return build_model(config, skeleton)
    source = load_checkpoint(Path(path).expanduser())
    model = build_model(config, skeleton, pretrained=False)
    transfer = transfer_weights(source, model, skeleton)
    if not transfer.has_backbone:
        raise CheckpointError(
            f"init_weights={path} holds the backbone {source.choices.get('backbone')!r}, of which nothing fits "
            f"{config['backbone']['name']!r} as chosen here. Choose the snapshot's backbone, or leave init_weights out."
        )
    if first:
        say(f"Weights from {path}: {transfer}")
    return model


def _data(config: Mapping[str, Any], project: Project, training_set: TrainingSet, model: PoseModel) -> PoseDataModule:
    preprocessing = Preprocessing(**config["preprocessing"])
    augmenter = (
        load_plugins()
        .registry("augmenter")
        .build(config["augmenter"], skeleton=project.skeleton, preprocessing=preprocessing)
    )
    videos = set(project.videos())
    if len(model.head.window) > 1:
        folders = {Path(name).parent.name for name in training_set.split.images}
        videos |= {video for folder in folders if (video := project.video_of(folder)) is not None}
    training = config["training"]
    return PoseDataModule(
        training_set,
        project.skeleton,
        augmenter,
        preprocessing,
        root=project.root,
        batch_size=training["batch_size"],
        accumulate=training["accumulate"],
        seed=int(config["seed"]),
        workers=training["workers"],
        window=model.head.window,
        views=model.head.views,
        videos=sorted(videos),
    )


def _folder(project: Project, config: Mapping[str, Any], composed: Composed, run: Run | None) -> Path:
    """Return the run's folder, made and known to the other processes of this training."""
    if run is not None:
        folder = run.folder
    elif _FOLDER_FOR_PROCESSES in os.environ and _rank() > 0:
        return Path(os.environ[_FOLDER_FOR_PROCESSES])
    else:
        name = config["run"]
        if name is None and _rank() > 0:
            raise ConfigError("several processes train together and each would name its run; give run=NAME.")
        if name is None:
            name = f"{composed.choices['backbone']}-{datetime.now():%Y%m%d-%H%M%S}"
        others = _rank() > 0
        folder = new_run_folder(_shuffle_folder(project, config), str(name), resume=others)
    os.environ[_FOLDER_FOR_PROCESSES] = str(folder)
    return folder


def _budget(job: _Job) -> Budget:
    training = job.config["training"]
    if job.resumed:  # the run's own options hold one of the two
        return choose_budget(training["steps"], training["minutes"], _has_gpu(job.config), lambda name: name == "steps")

    def strength(option: str) -> int:
        source = job.sources.get(f"training.{option}", "default")
        order = ("default", "config.yaml", "pose_cfg.yaml", "experiment=", COMMAND_LINE)
        return max((rank for rank, prefix in enumerate(order) if source.startswith(prefix)), default=0)

    return choose_budget(training["steps"], training["minutes"], _has_gpu(job.config), strength)


def _announce(project: Project, job: _Job, data: PoseDataModule, budget: Budget) -> None:
    config, split = job.config, job.training_set.split
    parts = [f"{len(data.names['training'])} training"]
    parts += [f"{len(split.validation)} validation"] if split.validation else []
    parts += [f"{len(split.test)} test"]
    fold = config["split"]["fold"]
    how = f"fold {fold} of {config['split']['folds']}" if fold is not None else f"{split.method} split"
    say(f"Project {project.name} ({project.root}), shuffle {config['shuffle']}: {', '.join(parts)} images, {how}")
    chosen = job.choices
    say(
        f"Network: {chosen.get('backbone')} + {chosen.get('head')}, augmenter {chosen.get('augmenter')}, "
        f"images scaled by {config['preprocessing']['global_scale']:g}, batches of {data.batch_size * data.accumulate}"
    )
    say(f"Run: {job.folder}")
    where = "on a GPU" if _has_gpu(config) else "on a CPU"
    at = f", from step {job.checkpoint.step:,} on" if job.checkpoint is not None else ""
    say(f"Budget: {budget} {where}{at}; change it with training.minutes=M or training.steps=N")


def _write_run(project: Project, job: _Job, data: PoseDataModule) -> None:
    """Write options, their sources and the record of data, software and machine; check the data of a resumed run."""
    record_path = job.folder / RECORD_FILE
    found = data_hash(job.training_set)
    record: dict[str, Any] = {}
    if job.resumed and record_path.is_file():
        record = _read_yaml(record_path)
        require_same_data(str(record.get("data_hash")), found, Run(job.folder).name)
    session = {"started": datetime.now().astimezone().isoformat(timespec="seconds"), **software_versions()}
    device = torch.device("cuda" if _has_gpu(job.config) and torch.cuda.is_available() else "cpu")
    record = {
        "project": project.name,
        "shuffle": job.config["shuffle"],
        "trainingsetindex": job.config["trainingsetindex"],
        "data_hash": found,
        "training_set": job.training_set.path.name,
        "split": job.training_set.split.as_dict(),
        "trained_on": len(data.names["training"]),
        "choices": dict(job.choices),
        "components": {kind: asdict(part) for kind, part in _components(job.config).items()},
        "sessions": [*record.get("sessions", []), {**session, **machine(device)}],
    }
    _write_yaml(job.folder / CONFIG, job.config)
    if not job.resumed:
        _write_yaml(job.folder / SOURCES, job.sources)
    _write_yaml(record_path, record)


def _fit(job: _Job, model: PoseModel, data: PoseDataModule, budget: Budget, started: float) -> Fitted:
    config = job.config
    training = config["training"]
    schedule = make_schedule(lr=config["optimizer"]["lr"], **config["schedule"])
    module = PoseModule(
        model,
        OptimizerChoice(**config["optimizer"]),
        schedule,
        accumulate=training["accumulate"],
        seed=int(config["seed"]),
        batch_augmenter=data.batch_augmenter,
    )
    plan = Plan(
        budget=budget,
        save_iters=training["save_iters"],
        display_iters=training["display_iters"],
        max_snapshots_to_keep=training["max_snapshots_to_keep"],
        measured=("validation", "test") if training["best_on_test"] else ("validation",),
        started=started,
    )
    components, versions = _components(config), software_versions()
    skeleton = job.checkpoint.skeleton if job.checkpoint is not None else data.skeleton

    def describe(total_steps: int) -> Checkpoint:
        return Checkpoint(
            state_dict={},
            config=config,
            choices=dict(job.choices),
            components=components,
            skeleton=skeleton,
            cell_offset=float(model.head.cell_offset),
            step=0,
            total_steps=total_steps,
            versions=versions,
        )

    def fix_length(steps: int) -> None:
        training.update(steps=steps, minutes=None)
        _write_yaml(job.folder / CONFIG, config)

    return fit(
        module,
        data,
        plan,
        job.folder,
        describe,
        resume=job.checkpoint,
        on_length=fix_length,
        trainer_options=config["trainer"],
        logger=_logger(config["logger"], job.folder),
    )


def _components(config: Mapping[str, Any]) -> dict[str, Provider]:
    plugins = load_plugins()
    found = {}
    for kind in _COMPONENTS:
        name = str(config[kind]["name"])
        found[kind] = Provider(name, plugins.registry(kind)[name].provider)
    return found


def _logger(node: Any, folder: Path) -> Logger | None:
    """Return Lightning's logger of that config, writing into the run's folder; None for log.csv alone."""
    if not node or not node.get("_target_"):
        return None
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        made: Logger = instantiate(OmegaConf.create(dict(node)), save_dir=str(folder))
    except InstantiationException as exc:
        cause = exc.__cause__ or exc
        raise ConfigError(
            f"the logger {node['_target_']} cannot be made: {' '.join(str(cause).split())[:300]} "
            'Install it (pip install "dlc-core[logging]"), or use logger=csv.'
        ) from exc
    return made


def _finished_already(job: _Job, checkpoint: Checkpoint) -> Outcome:
    name = Run(job.folder).name
    warn(f"the run {name} has all its {checkpoint.step:,} steps; training.steps=N with a larger N goes on.")
    data = {"run": name, "folder": str(job.folder), "step": checkpoint.step, "total_steps": checkpoint.step}
    return Outcome({**data, "snapshot": str(checkpoint.path), "errors_px": dict(checkpoint.errors)}, _next(job))


def _outcome(job: _Job, fitted: Fitted, seconds: float, first: bool) -> Outcome:
    name = Run(job.folder).name
    if fitted.stopped_by is not None:
        if first:
            say(f"Stopped at step {fitted.step:,}; saved {fitted.snapshot}")
            say(f"Next: dlc train resume=true {_address(job)}run={name}")
        leave(fitted.stopped_by)
    if first:
        errors = ", ".join(f"{part} error {value:.2f} px" for part, value in fitted.errors.items())
        say(f"Trained to step {fitted.step:,} in {seconds / 60:.1f} minutes; {errors or f'loss {fitted.loss:.4g}'}")
    os.environ.pop(_FOLDER_FOR_PROCESSES, None)
    return Outcome(
        {
            "run": name,
            "folder": str(job.folder),
            "step": fitted.step,
            "total_steps": fitted.total_steps,
            "snapshot": str(fitted.snapshot),
            "errors_px": dict(fitted.errors),
            "loss": fitted.loss,
            "seconds": round(seconds, 1),
            "objective": fitted.errors.get("validation"),
        },
        _next(job) if first else "",
    )


def _next(job: _Job) -> str:
    return f"dlc evaluate {_address(job)}".strip()


def _address(job: _Job) -> str:
    """Return the options that lead other verbs to this shuffle, with a space after each."""
    defaults = {"shuffle": 1, "trainingsetindex": 0, "iteration": None}
    return "".join(f"{key}={job.config[key]} " for key, default in defaults.items() if job.config[key] != default)


def _write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    write_text(path, OmegaConf.to_yaml(OmegaConf.create(dict(values))))


def _read_yaml(path: Path) -> dict[str, Any]:
    loaded = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(loaded, dict)
    return {str(key): value for key, value in loaded.items()}
