"""One optimiser step, whatever it is spread over.

Lightning's automatic optimisation averages the losses of micro-batches and processes, which weighs a label by how many
others happen to share its micro-batch. Here the counts of all loss terms are known from the targets before the first
forward pass, summed over micro-batches and processes, and every partial loss is divided by them: the gradient is that
of the whole batch in one process. Batch normalisation that is not frozen is the exception: it normalises each
micro-batch by its own samples (`learns_batchnorm`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dlc_core.data.batch import Batch, augment_batch
from dlc_core.errors import ConfigError, suggest
from dlc_core.model.pose_model import PoseModel
from dlc_core.model.structures import LossTerm
from dlc_core.plugin_api.border import blaming
from dlc_core.plugin_api.protocols import BatchAugmenter
from dlc_core.training.schedule import Schedule

_OPTIMIZERS = ("adamw", "adam", "sgd")


@dataclass(frozen=True)
class OptimizerChoice:
    """Which optimiser; see `dlc_core.training.settings.OptimizerSettings`.

    Raises
    ------
    ConfigError
        There is no such optimiser, or a number is negative.
    """

    name: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.name not in _OPTIMIZERS:
            raise ConfigError(
                f"optimizer.name is {self.name!r}. {suggest(self.name, _OPTIMIZERS)}Known: {', '.join(_OPTIMIZERS)}."
            )
        for name, value, least in (("weight_decay", self.weight_decay, 0), ("momentum", self.momentum, 0)):
            if not value >= least:
                raise ConfigError(f"optimizer.{name} is {value}; {least} or more is needed.")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ConfigError(f"optimizer.clip_norm is {self.clip_norm}; a positive norm, or null, is needed.")


@dataclass
class Averages:
    """Sums over the steps since the last row of the log, on the device, so that no step waits for them."""

    terms: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0
    images: int = 0

    def add(self, terms: Mapping[str, Tensor], images: int) -> None:
        """Add one step's normalised terms."""
        for name, value in terms.items():
            self.terms[name] = self.terms[name] + value if name in self.terms else value
        self.steps += 1
        self.images += images


class PoseModule(LightningModule):
    """Trains a `PoseModel`.

    Parameters
    ----------
    model : PoseModel
    optimizer : OptimizerChoice
    schedule : Schedule
        Rate of every step.
    accumulate : int
        Into how many micro-batches a batch of the data module is cut.
    seed : int
        Of batch augmentation.
    batch_augmenter : BatchAugmenter or None
        Applied to the whole batch on the device.

    Attributes
    ----------
    step : int
        Optimiser steps done, those before a resume included.
    total_steps : int or None
        Length of the training; None while a budget in minutes is being timed.
    averages : Averages
        Of the loss terms of this process since they were last taken.
    """

    def __init__(
        self,
        model: PoseModel,
        optimizer: OptimizerChoice,
        schedule: Schedule,
        accumulate: int = 1,
        seed: int = 0,
        batch_augmenter: BatchAugmenter | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model = model
        self.choice, self.schedule = optimizer, schedule
        self.accumulate, self.seed, self.batch_augmenter = accumulate, seed, batch_augmenter
        self.step = 0
        self.total_steps: int | None = None
        self.averages = Averages()

    @property
    def rate(self) -> float:
        """Learning rate of the coming step."""
        return self.schedule.rate(self.step, self.total_steps)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser, for Lightning."""
        return make_optimizer(self.model, self.choice)

    def training_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 - the signature is Lightning's
        """Make one optimiser step from a batch of ``batch_size * accumulate`` samples."""
        if self.batch_augmenter is not None:
            name = type(self.batch_augmenter).__name__
            with blaming(f"the augmenter {name} fails at step {self.step}", (MemoryError, torch.OutOfMemoryError)):
                batch = augment_batch(batch, self.batch_augmenter, self.seed)
        optimizer = self.optimizers()
        assert isinstance(optimizer, LightningOptimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate
        optimizer.zero_grad()
        terms = self.backward_of(batch)
        optimizer.step()
        self.step += 1
        self.averages.add(terms, len(batch))

    def backward_of(self, batch: Batch) -> dict[str, Tensor]:
        """Add the gradient of the whole global batch and return this process's share of each normalised term."""
        head = self.model.head
        image_size = (int(batch.images.shape[-2]), int(batch.images.shape[-1]))
        parts = micro_batches(batch, self.accumulate)
        targets = [head.targets(part.labels, image_size) for part in parts]
        counts = self._global_counts([head.counts(target) for target in targets])
        sums: dict[str, Tensor] = {}
        for index, (part, target) in enumerate(zip(parts, targets, strict=True)):
            outputs = self.model(part.images)
            with torch.autocast(self.device.type, enabled=False):  # sums over a map need float32
                terms = normalised(head.loss(as_float32(outputs), target), counts)
                loss = sum(head.loss_weights[name] * value for name, value in terms.items())
            # Lightning's strategies average gradients over processes; the loss is a share of a sum.
            with self._without_exchange(index < len(parts) - 1):
                self.manual_backward(loss * self.trainer.world_size)
            for name, value in terms.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach()
        return sums

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:  # noqa: ARG002
        """Clip the gradient; at this point mixed precision has undone its scaling."""
        if self.choice.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.choice.clip_norm)

    def take_averages(self) -> tuple[dict[str, float], int]:
        """Return the mean of each term since the last call, and the number of images, over all processes."""
        averages, self.averages = self.averages, Averages()
        means: dict[str, float] = {}
        for name, value in averages.terms.items():
            summed = self.trainer.strategy.reduce(value, reduce_op="sum")
            means[name] = float(summed) / averages.steps
        return means, averages.images * self.trainer.world_size

    def _global_counts(self, counts: list[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        total = {name: torch.stack([part[name].detach().float() for part in counts]).sum() for name in counts[0]}
        return {name: self.trainer.strategy.reduce(value, reduce_op="sum") for name, value in total.items()}

    def _without_exchange(self, blocked: bool) -> Any:
        """Return a context in which processes do not exchange gradients; only the last micro-batch's backward does."""
        block = getattr(self.trainer.strategy, "block_backward_sync", None)
        return block() if blocked and block is not None else nullcontext()


def learns_batchnorm(model: nn.Module) -> bool:
    """Tell whether a network that is being trained has batch normalisation that uses the statistics of its batch."""
    return any(isinstance(module, _BatchNorm) and module.training for module in model.modules())


def micro_batches(batch: Batch, accumulate: int) -> list[Batch]:
    """Return `batch` cut into `accumulate` parts as equal as possible, fewer if it has fewer samples."""
    size = -(-len(batch) // accumulate)
    return [batch.part(start, min(start + size, len(batch))) for start in range(0, len(batch), size)]


def normalised(terms: Mapping[str, LossTerm], counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return each term's total over the count of the whole global batch; 0 for a term that nothing counts towards."""
    return {name: term.total / torch.where(counts[name] > 0, counts[name], 1.0) for name, term in terms.items()}


def as_float32(outputs: Any) -> Any:
    """Return a head's outputs, a dataclass of tensors, with every floating tensor in float32."""
    if not dataclasses.is_dataclass(outputs) or isinstance(outputs, type):
        return outputs
    converted = {
        f.name: value.float()
        for f in dataclasses.fields(outputs)
        if isinstance(value := getattr(outputs, f.name), Tensor) and value.is_floating_point()
    }
    return dataclasses.replace(outputs, **converted)


def make_optimizer(model: nn.Module, choice: OptimizerChoice) -> torch.optim.Optimizer:
    """Return the optimiser of the parameters that train; biases and normalisation layers do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": choice.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if choice.name == "adamw":
        return torch.optim.AdamW(groups, lr=choice.lr)
    if choice.name == "adam":
        return torch.optim.Adam(groups, lr=choice.lr)
    return torch.optim.SGD(groups, lr=choice.lr, momentum=choice.momentum)
