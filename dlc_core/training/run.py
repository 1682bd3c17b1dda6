"""``dlc train``: one training, from options to a run's folder.

Several processes (``trainer.devices=2 trainer.strategy=ddp``) each run this function; the first one names the folder,
tells the others by the environment, and is the only one that writes and speaks.

A training stopped by Ctrl-C or SIGTERM has saved a snapshot; the exit code is 130 or 143
(`dlc_core.training.interrupt`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric.utilities.rank_zero import rank_zero_only
from omegaconf import OmegaConf
from pytorch_lightning.loggers import Logger

from dlc_core.allocator import keep_memory
from dlc_core.console import Outcome, say, warn
from dlc_core.data.datamodule import PoseDataModule
from dlc_core.data.sampler import check_shared
from dlc_core.data.training_set import TrainingSet
from dlc_core.errors import ConfigError
from dlc_core.files import write_text
from dlc_core.model.pose_model import PoseModel
from dlc_core.processor import settle_half_precision
from dlc_core.project.address import RunAddress
from dlc_core.project.run_names import check_run_name
from dlc_core.project.runs import CONFIG, SOURCES, Run, find_run
from dlc_core.seeds import check_seed
from dlc_core.training.assemble import (
    components_of,
    has_gpu,
    last_snapshot,
    make_data,
    make_model,
    open_training_set,
    resolve,
)
from dlc_core.training.budget import Budget, choose_budget
from dlc_core.training.checkpoint import Checkpoint
from dlc_core.training.fit import Fitted, Plan, fit
from dlc_core.training.folder import claim, forget, hold_again, resumable, shuffle_folder_of
from dlc_core.training.interrupt import leave
from dlc_core.training.module import OptimizerChoice, PoseModule, learns_batchnorm
from dlc_core.training.random_state import seed_all
from dlc_core.training.record import RECORD_FILE, data_hash, machine, run_key, software_versions
from dlc_core.training.resume import COMMAND_LINE, is_done, require_same_data, resumed_config
from dlc_core.training.schedule import make_schedule
from dlc_core.training.trainer import make_trainer

if TYPE_CHECKING:
    from dlc_core.plugin_api.hydra_bridge import Composed
    from dlc_core.project.project import Project


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
    with ExitStack() as holds:
        config, run = _configuration(project, composed, holds)
        return _train(project, composed, config, run, holds, started)


def _train(
    project: Project, composed: Composed, config: dict[str, Any], run: Run | None, holds: ExitStack, started: float
) -> Outcome:
    """Train with the options `config`, which go on with `run` if it is one; `holds` keeps the folder."""
    seed, first = check_seed(int(config["seed"])), _rank() == 0
    budget = _budget(config, composed.sources, resumed=run is not None)
    checkpoint = last_snapshot(run) if run is not None else None
    if run is not None and checkpoint is not None and is_done(run, checkpoint, budget.steps):
        return _finished_already(run, config, checkpoint)
    if "16" in str(config["trainer"]["precision"]) and not has_gpu(config):
        settle_half_precision()
    training_set = open_training_set(project, config)
    resolve(config, training_set)
    seed_all(seed)
    model = make_model(config, project, checkpoint, first)
    skeleton = project.skeleton if checkpoint is None else checkpoint.skeleton
    data = make_data(config, project, skeleton, training_set, model)
    module, plan = _module(config, model, data), _plan(config, budget, started)
    trainer = make_trainer(config["trainer"], project.root, [])  # refuse before a folder or a process is made
    check_shared(data.batch_size * data.accumulate, trainer.num_devices * trainer.num_nodes)
    folder = run.folder if run is not None else _new_folder(project, config, composed, holds)
    config.update(run=Run(folder).name, resume=False)
    choices = composed.choices if checkpoint is None else checkpoint.choices
    job = _Job(config, choices, dict(composed.sources), training_set, folder, checkpoint, run is not None)
    if first:
        _announce(project, job, data, budget)
        if data.accumulate > 1 and learns_batchnorm(model.train()):
            warn(
                f"batch normalisation learns from {data.batch_size} samples at a time, not from all "
                f"{data.batch_size * data.accumulate} of a step. backbone.freeze_batchnorm=true makes them equal."
            )
        _write_run(project, job, data)
    with resumable(_going_on(job)):
        fitted = _fit(job, module, data, plan)
    return _outcome(job, fitted, time.monotonic() - started, first)


def _configuration(project: Project, composed: Composed, holds: ExitStack) -> tuple[dict[str, Any], Run | None]:
    """Return the options, and the run to be resumed if one is; from now on it is held."""
    asked = composed.plain()
    asked.pop("project", None)
    if asked["run"] is None and asked["sweep"] is not None:
        asked["run"] = f"{asked['sweep']}/{run_key(asked)}"
    elif not asked["resume"] and asked["run"] is not None:
        check_run_name(str(asked["run"]), levels=2 if asked["sweep"] else 1)
    if not asked["resume"]:
        return asked, None
    if asked["sweep"] is not None and not (shuffle_folder_of(project, asked) / asked["run"]).is_dir():
        return asked, None  # a job that had not begun when the sweep ended
    if asked["run"] is None:
        say("resume=true without run=: the latest run goes on")
    address = RunAddress(asked["shuffle"], asked["trainingsetindex"], asked["iteration"], run=asked["run"] or "latest")
    run = find_run(project, address)
    hold_again(run, _rank(), holds)
    chosen = _read_yaml(run.folder / RECORD_FILE).get("choices", {}) if (run.folder / RECORD_FILE).is_file() else {}
    return resumed_config(run.config(), chosen, composed), run


def _rank() -> int:
    """Return the number of this process among those that train together, by what started them."""
    return int(getattr(rank_zero_only, "rank", None) or 0)


def _new_folder(project: Project, config: Mapping[str, Any], composed: Composed, holds: ExitStack) -> Path:
    name = None if config["run"] is None else str(config["run"])
    return claim(shuffle_folder_of(project, config), name, str(composed.choices["backbone"]), _rank(), holds)


def _budget(config: Mapping[str, Any], sources: Mapping[str, str], resumed: bool) -> Budget:
    training = config["training"]
    if resumed:  # the run's own options hold one of the two
        return choose_budget(training["steps"], training["minutes"], has_gpu(config), lambda name: name == "steps")

    def strength(option: str) -> int:
        source = sources.get(f"training.{option}", "default")
        order = ("default", "config.yaml", "pose_cfg.yaml", "experiment=", COMMAND_LINE)
        return max((rank for rank, prefix in enumerate(order) if source.startswith(prefix)), default=0)

    return choose_budget(training["steps"], training["minutes"], has_gpu(config), strength)


def _module(config: Mapping[str, Any], model: PoseModel, data: PoseDataModule) -> PoseModule:
    return PoseModule(
        model,
        OptimizerChoice(**config["optimizer"]),
        make_schedule(lr=config["optimizer"]["lr"], **config["schedule"]),
        accumulate=config["training"]["accumulate"],
        seed=int(config["seed"]),
        batch_augmenter=data.batch_augmenter,
    )


def _plan(config: Mapping[str, Any], budget: Budget, started: float) -> Plan:
    training = config["training"]
    return Plan(
        budget=budget,
        save_iters=training["save_iters"],
        display_iters=training["display_iters"],
        max_snapshots_to_keep=training["max_snapshots_to_keep"],
        measured=("validation", "test") if training["best_on_test"] else ("validation",),
        started=started,
    )


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
    where = "on a GPU" if has_gpu(config) else "on a CPU"
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
    device = torch.device("cuda" if has_gpu(job.config) and torch.cuda.is_available() else "cpu")
    record = {
        "project": project.name,
        "shuffle": job.config["shuffle"],
        "trainingsetindex": job.config["trainingsetindex"],
        "iteration": project.iteration if job.config["iteration"] is None else job.config["iteration"],
        "data_hash": found,
        "training_set": job.training_set.path.name,
        "split": job.training_set.split.as_dict(),
        "trained_on": len(data.names["training"]),
        "choices": dict(job.choices),
        "components": {kind: asdict(part) for kind, part in components_of(job.config).items()},
        "sessions": [*record.get("sessions", []), {**session, **machine(device)}],
    }
    _write_yaml(job.folder / CONFIG, job.config)
    if not job.resumed:
        _write_yaml(job.folder / SOURCES, job.sources)
    _write_yaml(record_path, record)


def _fit(job: _Job, module: PoseModule, data: PoseDataModule, plan: Plan) -> Fitted:
    config = job.config
    components, versions = components_of(config), software_versions()

    def describe(total_steps: int) -> Checkpoint:
        return Checkpoint(
            state_dict={},
            config=config,
            choices=dict(job.choices),
            components=components,
            skeleton=data.skeleton,
            cell_offset=float(module.model.head.cell_offset),
            step=0,
            total_steps=total_steps,
            versions=versions,
        )

    def fix_length(steps: int) -> None:
        config["training"].update(steps=steps, minutes=None)
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


def _finished_already(run: Run, config: Mapping[str, Any], checkpoint: Checkpoint) -> Outcome:
    forget()
    warn(f"the run {run.name} has all its {checkpoint.step:,} steps; training.steps=N with a larger N goes on.")
    data = {"run": run.name, "folder": str(run.folder), "step": checkpoint.step, "total_steps": checkpoint.step}
    return Outcome({**data, "snapshot": str(checkpoint.path), "errors_px": dict(checkpoint.errors)}, _next(config))


def _outcome(job: _Job, fitted: Fitted, seconds: float, first: bool) -> Outcome:
    name = Run(job.folder).name
    if fitted.stopped_by is not None:
        if first:
            say(f"Stopped at step {fitted.step:,}; saved {fitted.snapshot}")
            say(f"Next: {_going_on(job)}")
        leave(fitted.stopped_by)
    if first:
        errors = ", ".join(f"{part} error {value:.2f} px" for part, value in fitted.errors.items())
        say(f"Trained to step {fitted.step:,} in {seconds / 60:.1f} minutes; {errors or f'loss {fitted.loss:.4g}'}")
    forget()
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
        _next(job.config) if first else "",
    )


def _going_on(job: _Job) -> str:
    return f"dlc train resume=true {_address(job.config)}run={Run(job.folder).name}"


def _next(config: Mapping[str, Any]) -> str:
    return f"dlc evaluate {_address(config)}".strip()


def _address(config: Mapping[str, Any]) -> str:
    """Return the options that lead other verbs to this shuffle, with a space after each."""
    defaults = {"shuffle": 1, "trainingsetindex": 0, "iteration": None}
    return "".join(f"{key}={config[key]} " for key, default in defaults.items() if config[key] != default)


def _write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    write_text(path, OmegaConf.to_yaml(OmegaConf.create(dict(values))))


def _read_yaml(path: Path) -> dict[str, Any]:
    loaded = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(loaded, dict)
    return {str(key): value for key, value in loaded.items()}
