"""Lightning's trainer as we use it: it makes the steps, and leaves length, log, snapshots and words to us."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger

from dlc_core.errors import ConfigError, suggest
from dlc_core.training.settings import TrainerSettings

_TRUE_PRECISIONS = ("64", "64-true", "16-true", "bf16-true")
_LENGTH = "training.steps=N or training.minutes=M"
_OURS = {
    **dict.fromkeys(("max_epochs", "max_steps", "min_epochs", "min_steps", "fast_dev_run"), _LENGTH),
    "max_time": "training.minutes=M",
    "accumulate_grad_batches": "training.accumulate=N",
    **dict.fromkeys(("gradient_clip_val", "gradient_clip_algorithm"), "optimizer.clip_norm=X"),
    "logger": "logger=NAME",
    **dict.fromkeys(("callbacks", "enable_checkpointing", "barebones"), "training.save_iters=N for the snapshots"),
    "default_root_dir": "run=NAME",
    **dict.fromkeys(("limit_val_batches", "num_sanity_val_steps"), "training.best_on_test=false to measure less"),
    **dict.fromkeys(("enable_progress_bar", "enable_model_summary"), "training.display_iters=N"),
    "use_distributed_sampler": "trainer.devices=N",
}
"""Arguments of Lightning's Trainer that have an option of ours, and which."""


def make_trainer(
    options: Mapping[str, Any], folder: Path, callbacks: list[Callback], logger: Logger | None = None
) -> Trainer:
    """Return a Lightning trainer that leaves snapshots, log, progress and length to us.

    Raises
    ------
    ConfigError
        An option is none of Lightning's, is set by an option of ours, or cannot be used on this machine.
    """
    given = {name: value for name, value in options.items() if value is not None}
    _check_names(given)
    _check_gpu(str(given.get("accelerator")))
    if str(given.get("precision")) in _TRUE_PRECISIONS:
        raise ConfigError(
            f"trainer.precision={given['precision']} would change images and targets, too; choose 32, 16-mixed or "
            "bf16-mixed."
        )
    try:
        with quiet_lightning():
            return Trainer(
                **given,
                default_root_dir=folder,
                callbacks=callbacks,
                logger=logger or False,
                max_steps=-1,
                max_epochs=-1,
                limit_val_batches=0,
                num_sanity_val_steps=0,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
            )
    except (MisconfigurationException, ValueError, RuntimeError, TypeError) as exc:
        text = " ".join(str(exc).split())
        raise ConfigError(f"Lightning refuses {_shown(given)}: {text}") from exc


def _shown(given: Mapping[str, Any]) -> str:
    """Return the options that differ from our defaults, as they are typed; all of them if none does."""
    defaults = {field.name: field.default for field in fields(TrainerSettings)}
    changed = {name: value for name, value in given.items() if defaults.get(name) != value}
    return ", ".join(f"trainer.{name}={value}" for name, value in (changed or given).items())


def _check_gpu(accelerator: str) -> None:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there["gpu"] = any(there.values())
    if not there.get(accelerator, True):
        raise ConfigError(
            f"trainer.accelerator={accelerator}, but this machine has no such GPU that PyTorch can use; use "
            "trainer.accelerator=cpu. `dlc doctor` says what it found."
        )


def _check_names(given: Iterable[str]) -> None:
    known = inspect.signature(Trainer).parameters
    for name in given:
        if name in _OURS:
            raise ConfigError(f"trainer.{name} has an option of its own here: write {_OURS[name]}.")
        if name not in known:
            near = suggest(name, known)
            raise ConfigError(f"trainer.{name}: Lightning's Trainer takes no {name!r}. {near}See its documentation.")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice to authors of Lightning programs from the user."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(pytorch_)?lightning.*")
            warnings.filterwarnings("ignore", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
