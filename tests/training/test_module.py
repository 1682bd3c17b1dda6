"""One step is the same, however it is cut into micro-batches; what has no label weighs nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from pytorch_lightning import Trainer

from dlc_core.data.batch import Batch
from dlc_core.errors import ConfigError, PluginError
from dlc_core.model.build import build_model
from dlc_core.model.structures import Labels
from dlc_core.skeleton import Skeleton
from dlc_core.training.module import OptimizerChoice, PoseModule, make_optimizer, micro_batches
from dlc_core.training.schedule import Cosine

SKELETON = Skeleton(("a", "b", "c"))
CONFIG = {
    "backbone": {"name": "timm", "model": "test_resnet.r160_in1k", "pretrained": False, "freeze_batchnorm": True},
    "head": {"name": "deconv", "locref_weight": 0.3},
    "preprocessing": {},
}


def make_batch(samples: int, seed: int = 0) -> Batch:
    """Return a batch in which the number of labels differs from sample to sample."""
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(samples, 1, 3, 2, generator=generator) * 60
    missing = torch.rand(samples, 1, 3, generator=generator) < torch.linspace(0, 0.9, samples)[:, None, None]
    keypoints[missing] = torch.nan
    ignore = torch.zeros(samples, 64, 64, dtype=torch.bool)
    ignore[1, 40:] = True
    return Batch(
        images=torch.randint(0, 256, (samples, 3, 64, 64), generator=generator, dtype=torch.uint8),
        labels=Labels(keypoints, torch.isfinite(keypoints).all(-1), ignore_mask=ignore),
        sizes=torch.full((samples, 2), 64),
        step=0,
        names=tuple(f"image{index}" for index in range(samples)),
        indices=tuple(range(samples)),
    )


def make_module(accumulate: int, **optimizer) -> PoseModule:
    torch.manual_seed(3)
    model = build_model(CONFIG, SKELETON)
    module = PoseModule(model, OptimizerChoice(**optimizer), Cosine(0.1, warmup_steps=1), accumulate=accumulate)
    module.total_steps = 10
    return module


def gradient(module: PoseModule, batches: list[Batch]) -> dict[str, torch.Tensor]:
    """Return the gradient that the module has computed of which its optimiser has made a step."""
    caught: dict[str, torch.Tensor] = {}

    def catch(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        caught.update({name: p.grad.clone() for name, p in module.model.named_parameters() if p.grad is not None})

    trainer = Trainer(
        accelerator="cpu", max_steps=len(batches), max_epochs=-1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    module.configure_optimizers = lambda: watched(module, catch)  # type: ignore[method-assign]
    trainer.fit(module, torch.utils.data.DataLoader(batches, batch_size=None))
    return caught


def watched(module: PoseModule, catch) -> torch.optim.Optimizer:
    optimizer = make_optimizer(module.model, module.choice)
    optimizer.register_step_post_hook(catch)
    return optimizer


def reference_gradient(batch: Batch) -> dict[str, torch.Tensor]:
    """Return the gradient of the whole batch at once: every total divided by its own count, without our trainer."""
    model = make_module(1).model
    head = model.head
    targets = head.targets(batch.labels, (64, 64))
    terms = head.loss(model(batch.images), targets)
    loss = terms["scoremap"].total / terms["scoremap"].count + 0.3 * terms["locref"].total / terms["locref"].count
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("accumulate", [1, 2, 3, 4, 8])
def test_the_gradient_of_micro_batches_is_that_of_the_whole_batch(accumulate):
    batch = make_batch(8)
    found = gradient(make_module(accumulate), [batch])
    expected = reference_gradient(batch)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # float32 sums in another order: 24 bits, a few thousand terms
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-6 + 1e-5 * float(value.abs().max()))


def test_averaging_the_micro_batches_losses_would_have_been_something_else():
    batch = make_batch(8)
    averaged: dict[str, torch.Tensor] = {}
    for part in micro_batches(batch, 4):
        for name, value in reference_gradient(part).items():
            averaged[name] = averaged.get(name, 0) + value / 4
    whole = reference_gradient(batch)["head.scoremap.weight"]
    assert (averaged["head.scoremap.weight"] - whole).norm() > 0.05 * whole.norm()


def test_a_sample_without_labels_changes_nothing():
    batch = make_batch(4)
    blank = make_batch(6, seed=5).part(0, 2)
    nothing = replace(
        blank.labels, keypoints=torch.full_like(blank.labels.keypoints, torch.nan),
        visible=torch.zeros_like(blank.labels.visible),
    )  # fmt: skip
    joined = replace(
        batch,
        images=torch.cat([batch.images, blank.images]),
        labels=Labels(
            torch.cat([batch.labels.keypoints, nothing.keypoints]),
            torch.cat([batch.labels.visible, nothing.visible]),
            torch.cat([batch.labels.ignore_mask, blank.labels.ignore_mask]),
        ),
        sizes=torch.cat([batch.sizes, blank.sizes]),
        names=(*batch.names, "blank0", "blank1"),
        indices=tuple(range(6)),
    )
    alone, with_blank = gradient(make_module(2), [batch]), gradient(make_module(3), [joined])
    for name, value in alone.items():
        torch.testing.assert_close(with_blank[name], value, rtol=1e-3, atol=1e-6 + 1e-5 * float(value.abs().max()))


def test_a_batch_without_any_label_makes_a_step_of_size_zero_and_no_nan():
    batch = make_batch(2)
    batch = replace(
        batch,
        labels=replace(
            batch.labels,
            keypoints=torch.full_like(batch.labels.keypoints, torch.nan),
            visible=torch.zeros_like(batch.labels.visible),
        ),
    )
    assert all(float(value.abs().max()) == 0 for value in gradient(make_module(1), [batch]).values())


def test_a_batch_that_cannot_be_cut_evenly_loses_no_sample():
    assert [len(part) for part in micro_batches(make_batch(7), 3)] == [3, 3, 1]
    assert [len(part) for part in micro_batches(make_batch(2), 4)] == [1, 1]


def test_the_rate_of_each_step_is_the_schedules():
    module = make_module(1, name="sgd")
    seen: list[float] = []
    trainer_batches = [make_batch(2, seed) for seed in range(4)]
    module.configure_optimizers = lambda: watched(  # type: ignore[method-assign]
        module, lambda optimizer, *_: seen.append(optimizer.param_groups[0]["lr"])
    )
    Trainer(
        accelerator="cpu", max_steps=4, max_epochs=-1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, torch.utils.data.DataLoader(trainer_batches, batch_size=None))  # fmt: skip
    assert seen == [module.schedule.rate(step, 10) for step in range(4)]


def test_the_gradient_is_clipped_to_the_norm_asked_for():
    found = gradient(make_module(2, clip_norm=1e-3), [make_batch(4)])
    norm = torch.stack([value.norm() for value in found.values()]).norm()
    assert float(norm) <= 1e-3 * 1.001


def test_biases_and_normalisation_do_not_decay():
    model = make_module(1).model
    optimizer = make_optimizer(model, OptimizerChoice(weight_decay=0.1))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert {p.ndim for p in model.parameters() if id(p) in decayed} == {4}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


def test_an_unknown_optimiser_names_the_near_one():
    with pytest.raises(ConfigError, match=r"optimizer.name is 'adamv'.*adamw"):
        OptimizerChoice(name="adamv")


class Clumsy:
    """A batch augmenter of somebody else's that fails."""

    stage = "batch"

    def __call__(self, images, keypoints, generators):  # noqa: ARG002 - the arguments are the protocol's
        raise IndexError("too many indices")


def test_a_batch_augmenter_that_fails_is_named():
    module = make_module(1)
    module.batch_augmenter = Clumsy()
    with pytest.raises(PluginError, match="the augmenter Clumsy fails at step 0: IndexError: too many indices"):
        gradient(module, [make_batch(2)])
