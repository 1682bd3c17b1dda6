"""The training itself: Lightning makes the steps; here is what happens between them.

After every step, in this order: is the length of the training known now (a budget in minutes), is a row of the log
due, is a snapshot due, is it the end. One callback does it, because the order matters.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger

from dlc_core.console import progress, say, warn
from dlc_core.data.datamodule import PoseDataModule, of_worker
from dlc_core.errors import ConfigError, DlcError
from dlc_core.model.device import is_out_of_memory
from dlc_core.training.budget import Budget, StepTimer
from dlc_core.training.checkpoint import Checkpoint, fill
from dlc_core.training.interrupt import StopSignals
from dlc_core.training.log import LOG_FILE, LOSS, RATE, SECONDS, SPEED, STEP, TEST, VALIDATION, TrainingLog, columns_of
from dlc_core.training.measure import mean_error_px
from dlc_core.training.module import PoseModule
from dlc_core.training.random_state import random_state, restore_random_state, seed_all
from dlc_core.training.snapshots import SnapshotFolder
from dlc_core.training.trainer import make_trainer, quiet_lightning

_DISK_BYTES_PER_S = 200e6  # a careful guess, only to set time aside
_FORWARD_SHARE = 1 / 3  # of a training step
_ERROR_COLUMNS = {"validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, and what is written when.

    Parameters
    ----------
    budget : Budget
    save_iters, display_iters, max_snapshots_to_keep : int
        As in `dlc_core.training.settings.BudgetSettings`.
    measured : tuple of str
        Parts whose error is measured at every snapshot, of ``validation`` and ``test``; the best of each is kept.
    started : float
        `time.monotonic` when the command started; setting up counts in a budget of minutes.
    """

    budget: Budget
    save_iters: int = 500
    display_iters: int = 50
    max_snapshots_to_keep: int = 5
    measured: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        for name in ("save_iters", "display_iters", "max_snapshots_to_keep"):
            if getattr(self, name) < 1:
                raise ConfigError(f"training.{name} is {getattr(self, name)}; at least 1 is needed.")


@dataclass(frozen=True)
class Fitted:
    """How a training ended.

    Parameters
    ----------
    step, total_steps : int
        Steps done, and the length of the training.
    snapshot : Path
        The last one.
    errors : mapping of str to float
        Measured with it, in pixels of the original images, by part.
    loss : float
        Of the last row of the log.
    stopped_by : int or None
        Number of the signal that stopped it early.
    """

    step: int
    total_steps: int | None
    snapshot: Path
    errors: Mapping[str, float]
    loss: float
    stopped_by: int | None


def fit(
    module: PoseModule,
    data: PoseDataModule,
    plan: Plan,
    folder: Path,
    describe: Callable[[int], Checkpoint],
    *,
    resume: Checkpoint | None = None,
    on_length: Callable[[int], None] = lambda _: None,
    trainer_options: Mapping[str, Any] | None = None,
    logger: Logger | None = None,
) -> Fitted:
    """Train, and write log.csv and snapshots into `folder`.

    Parameters
    ----------
    module : PoseModule
        With the weights to start from; those of `resume` are loaded here.
    data : PoseDataModule
        Its `start_step` is set here.
    plan : Plan
    folder : Path
        Of the run.
    describe : callable
        Given the length of the training, returns a `Checkpoint` of this run whose weights, step, errors and trainer
        state are still to be filled in.
    resume : Checkpoint or None
        Where to go on.
    on_length : callable
        Called once, with the length of the training in steps, when it is known.
    trainer_options : mapping
        Keyword arguments of `pytorch_lightning.Trainer`; None values are left out.
    logger : Logger or None
        One of Lightning's, besides log.csv.

    Raises
    ------
    ConfigError
        Lightning refuses an option, the device is out of memory, or the loss is no longer a number.
    CheckpointError
        The weights of `resume` do not fit.
    """
    between = _BetweenSteps(plan, data, folder, describe, resume, on_length)
    if resume is not None:
        fill(module.model, resume)
        module.model.train()  # what of it stays frozen may be part of what was loaded
        module.step = data.start_step = resume.step
    trainer = make_trainer(trainer_options or {}, folder, [between], logger)
    try:
        with quiet_lightning():
            trainer.fit(module, datamodule=data)
    except DlcError as exc:
        told = of_worker(exc)
        if told is exc:
            raise
        raise told from exc
    except (MemoryError, RuntimeError) as exc:
        if not is_out_of_memory(exc):
            raise
        raise ConfigError(
            f"the device ran out of memory at step {module.step}. Lower training.batch_size and raise "
            "training.accumulate by the same factor, or lower preprocessing.global_scale."
        ) from exc
    finally:
        between.close()
    return between.result(module)


class _BetweenSteps(Callback):
    def __init__(
        self,
        plan: Plan,
        data: PoseDataModule,
        folder: Path,
        describe: Callable[[int], Checkpoint],
        resume: Checkpoint | None,
        on_length: Callable[[int], None],
    ) -> None:
        self.plan, self.data, self.describe, self.resume, self.on_length = plan, data, describe, resume, on_length
        self.folder = folder
        self.snapshots = SnapshotFolder(folder, plan.max_snapshots_to_keep)
        self.signals = StopSignals()
        self.stack = ExitStack()
        self.timer: StepTimer | None = None
        self.advance: Callable[[int], None] = lambda _: None
        self.saved: tuple[Path, Mapping[str, float]] | None = None
        self.loss = math.nan
        self.restore = resume is not None

    def on_train_start(self, trainer: Trainer, pl_module: PoseModule) -> None:  # type: ignore[override]
        """Restore the optimiser, prepare log and clock."""
        self.log = TrainingLog(self.folder / LOG_FILE, columns_of(list(pl_module.model.head.loss_weights)))
        self.seconds_before = 0.0
        if self.resume is not None and self.resume.trainer is not None:
            trainer.optimizers[0].load_state_dict(dict(self.resume.trainer["optimizer"]))
            trainer.precision_plugin.load_state_dict(dict(self.resume.trainer["precision"]))
        if trainer.is_global_zero:
            self.seconds_before = self.log.cut_after(pl_module.step)
        self.signals.catch()
        self.began = self.row_at = time.monotonic()
        if self.plan.budget.steps is not None:
            self._set_length(pl_module, self.plan.budget.steps)
        else:
            assert self.plan.budget.minutes is not None
            self.timer = StepTimer(
                self.plan.budget.minutes, pl_module.schedule.warmup_steps, self.plan.started, pl_module.step
            )
            self.timer.begin()

    def on_train_batch_start(self, trainer: Trainer, pl_module: PoseModule, *_: Any) -> None:  # type: ignore[override]
        """Restore the random state, after data loaders have drawn from it."""
        if self.restore:
            self.restore = False
            assert self.resume is not None
            state = (self.resume.trainer or {}).get("random")
            if state is not None and trainer.is_global_zero:
                restore_random_state(state)
            else:
                seed_all(pl_module.seed, pl_module.step, trainer.global_rank)

    def on_train_batch_end(self, trainer: Trainer, pl_module: PoseModule, *_: Any) -> None:  # type: ignore[override]
        """Do what is due after a step."""
        self.advance(1)
        if self.timer is not None and self.timer.step_done():
            self._decide_length(trainer, pl_module)
        step, total = pl_module.step, pl_module.total_steps
        stopping = self._is_stopping(trainer)
        at_end = stopping or (total is not None and step >= total)
        saving = at_end or step % self.plan.save_iters == 0
        errors = self._measure(trainer, pl_module) if saving and trainer.is_global_zero else {}
        if saving or step % self.plan.display_iters == 0:
            self._write_row(trainer, pl_module, errors)
        if saving:
            self._save(trainer, pl_module, errors)
            trainer.strategy.barrier()
        if at_end:
            trainer.should_stop = True

    def on_exception(self, trainer: Trainer, pl_module: PoseModule, exception: BaseException) -> None:  # type: ignore[override]  # noqa: ARG002
        """Give the signals back."""
        self.close()

    def close(self) -> None:
        """Give the signals back and end the progress line."""
        self.signals.release()
        self.stack.close()

    def result(self, module: PoseModule) -> Fitted:
        """Return how the training ended."""
        path, errors = self.saved or (self.folder / f"snapshot_{module.step:07d}.ckpt", {})
        total = module.total_steps
        early = self.signals.received if total is None or module.step < total else None
        return Fitted(module.step, total, path, errors, self.loss, early)

    def _is_stopping(self, trainer: Trainer) -> bool:
        received = self.signals.received is not None
        if trainer.world_size == 1:
            return received
        return bool(trainer.strategy.reduce_boolean_decision(received, all=False))

    def _decide_length(self, trainer: Trainer, module: PoseModule) -> None:
        assert self.timer is not None
        save_s = self._save_s(trainer, module)
        steps = self.timer.total_steps(save_s, self.plan.save_iters)
        timer, self.timer = self.timer, None
        steps = int(trainer.strategy.broadcast(steps))
        if trainer.is_global_zero:
            say(timer.account(steps, save_s))
            if (over_s := timer.overrun_s(steps, save_s)) > 1:
                warn(
                    f"training.minutes={timer.minutes:g} is too little for setting up and a training that anneals: it "
                    f"takes about {over_s:.0f} s longer."
                )
        self._set_length(module, steps)

    def _set_length(self, module: PoseModule, steps: int) -> None:
        module.total_steps = steps
        if module.global_rank == 0:
            self.on_length(steps)
            self.advance = self.stack.enter_context(progress("Training", steps, "steps", done=module.step))

    def _save_s(self, trainer: Trainer, module: PoseModule) -> float:
        """Return a guess of how long a snapshot takes: weights and optimiser to disk, images measured."""
        assert self.timer is not None
        tensors = [*module.model.state_dict().values()]
        moments = [value for state in trainer.optimizers[0].state.values() for value in state.values()]
        size = sum(value.nbytes for value in [*tensors, *moments] if isinstance(value, torch.Tensor))
        images = sum(len(self.data.names[part]) for part in self.plan.measured)
        forward_s = _FORWARD_SHARE * self.timer.step_s() / (self.data.batch_size * self.data.accumulate)
        return size / _DISK_BYTES_PER_S + images * forward_s

    def _measure(self, trainer: Trainer, module: PoseModule) -> dict[str, float]:
        context = trainer.precision_plugin.forward_context
        with torch.random.fork_rng(devices=[]):  # data loaders draw a number, but measuring must change nothing
            return {
                part: mean_error_px(module.model, self.data.plain_dataloader(part), module.device, context())
                for part in self.plan.measured
                if self.data.names[part]
            }

    def _write_row(self, trainer: Trainer, module: PoseModule, errors: Mapping[str, float]) -> None:
        means, images = module.take_averages()
        weights = module.model.head.loss_weights
        self.loss = sum(weights[name] * value for name, value in means.items())
        if not math.isfinite(self.loss):
            raise ConfigError(
                f"the loss is {self.loss} at step {module.step}, so the network can no longer learn. Lower "
                "optimizer.lr or schedule.multi_step, set optimizer.clip_norm=1, or use "
                "trainer.precision=32; then start a new run."
            )
        if not trainer.is_global_zero:
            return
        now = time.monotonic()
        row: dict[str, float | int | None] = {
            STEP: module.step,
            **{f"loss_{name}": value for name, value in means.items()},
            LOSS: self.loss,
            RATE: module.schedule.rate(module.step - 1, module.total_steps),
            SECONDS: self.seconds_before + now - self.began,
            SPEED: images / max(now - self.row_at, 1e-9),
            **{_ERROR_COLUMNS[part]: value for part, value in errors.items()},
        }
        self.log.append(row)
        if trainer.logger is not None:
            trainer.logger.log_metrics(
                {name: float(value) for name, value in row.items() if name != STEP and value is not None}, module.step
            )
        self.row_at = time.monotonic()

    def _save(self, trainer: Trainer, module: PoseModule, errors: Mapping[str, float]) -> None:
        if not trainer.is_global_zero:
            return
        described = self.describe(module.total_steps or 0)
        checkpoint = _filled(described, trainer, module, errors)
        self.saved = (self.snapshots.save(checkpoint), errors)


def _filled(described: Checkpoint, trainer: Trainer, module: PoseModule, errors: Mapping[str, float]) -> Checkpoint:
    return replace(
        described,
        state_dict=module.model.state_dict(),
        step=module.step,
        errors={part: value for part, value in errors.items() if math.isfinite(value)},
        trainer={
            "optimizer": trainer.optimizers[0].state_dict(),
            "precision": trainer.precision_plugin.state_dict(),
            "random": random_state(),
        },
    )
