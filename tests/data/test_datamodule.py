"""The parts of a training set as data loaders."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule, Trainer

from dlc_core.data.batch import Batch, augment_batch
from dlc_core.data.datamodule import PoseDataModule, of_worker
from dlc_core.data.splits import Split
from dlc_core.errors import ConfigError, DataError, PluginError
from dlc_core.geometry import Preprocessing
from dlc_core.plugin_api.discovery import load_plugins


def module_of(filmed, name: str = "imgaug", preprocessing: Preprocessing | None = None, **options) -> PoseDataModule:
    preprocessing = preprocessing or Preprocessing(min_input_size=32)
    augmenter = (
        load_plugins()
        .registry("augmenter")
        .build({"name": name}, skeleton=filmed.skeleton, preprocessing=preprocessing)
    )
    return PoseDataModule(
        filmed.training_set,
        filmed.skeleton,
        augmenter,
        preprocessing,
        root=filmed.root,
        videos={filmed.video: None},
        **options,
    )


def same(first: Batch, second: Batch) -> bool:
    labels = torch.equal(first.labels.keypoints.nan_to_num(-1), second.labels.keypoints.nan_to_num(-1))
    return labels and torch.equal(first.images, second.images) and first.names == second.names


def steps(module: PoseDataModule, count: int) -> list[Batch]:
    return list(islice(module.train_dataloader(), count))


def test_a_step_holds_the_samples_of_all_micro_batches(filmed) -> None:
    batches = steps(module_of(filmed, batch_size=2, accumulate=3), 3)
    assert [batch.step for batch in batches] == [0, 1, 2]
    assert all(len(batch) == 6 for batch in batches)
    assert all(batch.images.shape == (6, 3, 96, 128) for batch in batches)
    assert set(batches[0].names) == set(filmed.training_set.split.train)


def test_neither_workers_nor_where_it_starts_change_a_batch(filmed) -> None:
    whole = steps(module_of(filmed, batch_size=3, seed=4), 7)
    for workers in (0, 2):
        resumed = steps(module_of(filmed, batch_size=3, seed=4, workers=workers, start_step=3), 4)
        assert all(same(*pair) for pair in zip(resumed, whole[3:], strict=True))
    assert not same(steps(module_of(filmed, batch_size=3, seed=5), 1)[0], whole[0])


def test_parts_come_in_order_once_and_plain(filmed) -> None:
    module = module_of(filmed, batch_size=2, preprocessing=Preprocessing(0.5, min_input_size=32))
    batches = list(module.plain_dataloader("training"))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert [name for batch in batches for name in batch.names] == list(filmed.training_set.split.train)
    means = filmed.training_set.frames.image(batches[0].names[0]).reshape(48, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(batches[0].images[0].permute(1, 2, 0).numpy() - means).max() <= 0.5 + 1e-6
    assert next(iter(module.test_dataloader())).names == filmed.training_set.split.test
    assert next(iter(module.val_dataloader())).names == filmed.training_set.split.validation


def test_without_a_validation_part_there_is_no_loader_for_it(filmed) -> None:
    split = filmed.training_set.split
    without = replace(filmed, training_set=filmed.training_set.with_split(Split(split.train, split.test)))
    assert module_of(without).val_dataloader() == []


def test_a_head_with_a_window_gets_views_and_frames(filmed) -> None:
    module = module_of(filmed, "none", batch_size=5, window=(-1, 0, 1))
    batch = steps(module, 1)[0]
    assert batch.images.shape == (5, 1, 3, 3, 96, 128)
    assert batch.labels.keypoints.shape[:2] == (5, 1)
    for index, name in enumerate(batch.names):
        frame = int(name[-6:-4])
        expected = filmed.pixels[np.clip([frame - 1, frame, frame + 1], 0, 23)]
        assert np.array_equal(batch.images[index, 0].permute(0, 2, 3, 1), expected)


def test_a_batch_augmenter_gets_plain_images_and_changes_all_frames_of_a_window(filmed) -> None:
    pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    module = module_of(filmed, "kornia", batch_size=2, window=(0, 1))
    assert module.batch_augmenter is module.augmenter
    plain = steps(module, 1)[0]
    assert np.array_equal(plain.images[0, 0, 0].permute(1, 2, 0), filmed.training_set.frames.image(plain.names[0]))
    changed = augment_batch(plain, module.batch_augmenter, seed=0)
    assert changed.images.shape == plain.images.shape
    assert not torch.equal(changed.images, plain.images)
    assert module_of(filmed).batch_augmenter is None


def test_a_missing_video_is_an_error_before_the_first_step(filmed, tmp_path) -> None:
    moved = replace(filmed, video=tmp_path / "other.mp4")
    shutil.copy(filmed.video, moved.video)
    with pytest.raises(DataError, match="no video of the project is named 'mouse'"):
        module_of(moved, window=(-1, 0))
    module_of(moved)  # one frame needs no video


def test_options_that_make_no_sense_are_refused(filmed) -> None:
    with pytest.raises(ConfigError, match=r"training.batch_size is 0"):
        module_of(filmed, batch_size=0)
    with pytest.raises(ConfigError, match="2 cameras"):
        module_of(filmed, views=2)
    with pytest.raises(DataError, match="5 of 5 training images are left out"):
        module_of(filmed, preprocessing=Preprocessing(0.1))


class Recorder(LightningModule):
    """Takes batches and remembers which."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, tuple[str, ...], str]] = []

    def training_step(self, batch: Batch) -> torch.Tensor:
        self.seen.append((batch.step, batch.names, str(batch.images.device)))
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_lightning_takes_one_batch_a_step_and_never_runs_out(filmed, tmp_path) -> None:
    split = filmed.training_set.split
    filmed = replace(filmed, training_set=filmed.training_set.with_split(Split(split.train, split.test)))
    module = module_of(filmed, batch_size=4, start_step=6)
    recorder = Recorder()
    trainer = Trainer(
        max_steps=5,
        max_epochs=-1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
        limit_val_batches=0,
    )
    trainer.fit(recorder, datamodule=module)
    expected = [(batch.step, batch.names, "cpu") for batch in steps(module_of(filmed, batch_size=4, start_step=6), 5)]
    assert recorder.seen == expected


class Failing:
    """An augmenter of a plugin with a bug."""

    stage = "sample"

    def __call__(self, *_: object) -> None:
        raise IndexError("list index out of range")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_augmenter_that_fails_is_named_in_one_line_whichever_process_it_ran_in(filmed, workers) -> None:
    module = module_of(filmed, batch_size=2, workers=workers)
    module.augmenter = Failing()
    with pytest.raises(PluginError) as caught:
        steps(module, 1)
    line = str(of_worker(caught.value))
    assert line.startswith("the augmenter Failing fails on labeled-data/")
    assert "IndexError: list index out of range. Choose another, or tell its author" in line
    assert "\n" not in line
