"""The parts of a training set as Lightning data loaders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from dlc_core.data.batch import Batch, collate
from dlc_core.data.dataset import PoseDataset, select_keypoints, within_limits
from dlc_core.data.neighbours import Neighbours, frame_corners
from dlc_core.data.sampler import StepBatchSampler
from dlc_core.errors import ConfigError, DataError, DlcError
from dlc_core.geometry import Preprocessing
from dlc_core.plugin_api.protocols import Augmenter, BatchAugmenter, SampleAugmenter
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

if TYPE_CHECKING:
    from dlc_core.data.create import TrainingSet


class PoseDataModule(LightningDataModule):
    """Global batches of a training set; what is wrong with it shows in the constructor, before step 1.

    Lightning must leave the sampler alone: ``Trainer(use_distributed_sampler=False)``. A batch holds the samples of
    a whole step of this process, ``batch_size * accumulate`` over all processes; `Batch.part` cuts it into
    micro-batches. A batch augmenter is not applied here but where the batch lies on the device, by
    `dlc_core.data.batch.augment_batch`.

    Parameters
    ----------
    training_set : TrainingSet
        Labels, split and packed frames.
    skeleton : Skeleton
        Keypoints, in the order of the network's outputs.
    augmenter : Augmenter
        Of the training part.
    preprocessing : Preprocessing
        Images outside its limits are not trained on.
    root : Path
        The project's folder.
    batch_size, accumulate : int
        Samples of a micro-batch, and micro-batches a step.
    seed : int
        Of the run.
    workers : int
        Processes that load and augment; 0 does it in the training process.
    window : sequence of int
        Frame offsets the head looks at.
    views : int
        Cameras the head looks at together.
    videos : mapping of Path to Crop or None
        The project's videos, each with its crop in ``video_sets``, for heads with a window.
    start_step : int
        First step; set it before `train_dataloader` is called to resume.

    Raises
    ------
    ConfigError
        An option makes no sense, or the head wants several views.
    DataError
        No image is left to train on, a video that a window needs is missing, labels and project differ.
    """

    def __init__(
        self,
        training_set: TrainingSet,
        skeleton: Skeleton,
        augmenter: Augmenter,
        preprocessing: Preprocessing,
        *,
        root: Path,
        batch_size: int = 4,
        accumulate: int = 1,
        seed: int = 0,
        workers: int = 0,
        window: Sequence[int] = (0,),
        views: int = 1,
        videos: Mapping[Path, Crop | None] | None = None,
        start_step: int = 0,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("accumulate", accumulate, 1),
            ("workers", workers, 0),
        ):
            if value < least:
                raise ConfigError(f"training.{name} is {value}; a whole number of at least {least} is needed.")
        if views != 1:
            raise ConfigError(f"the head looks at {views} cameras together; this project's videos show one each.")
        select_keypoints(training_set.labels, (), skeleton)  # refuses other body parts
        self.training_set, self.skeleton, self.preprocessing = training_set, skeleton, preprocessing
        self.augmenter = augmenter
        self.batch_size, self.accumulate, self.seed, self.workers = batch_size, accumulate, seed, workers
        self.start_step = start_step
        split, frames = training_set.split, training_set.frames
        self.names = {
            "training": within_limits(split.train, frames, preprocessing, "training"),
            "validation": list(split.validation),
            "test": list(split.test),
        }
        if not self.names["training"]:
            raise DataError(
                f"{training_set.path} has no image to train on. "
                "Make the training set again: dlc create-dataset overwrite=true"
            )
        every = [name for names in self.names.values() for name in names]
        self.corners = frame_corners(root, every)
        self.neighbours: Neighbours | None = None
        if tuple(window) != (0,):
            self.neighbours = Neighbours(window, videos or {}, self.corners)
            self.neighbours.check({name: frames.size(name) for name in every})
            self.corners = self.neighbours.corners

    @property
    def batch_augmenter(self) -> BatchAugmenter | None:
        """The augmenter, if it is one for whole batches."""
        return cast(BatchAugmenter, self.augmenter) if self.augmenter.stage == "batch" else None

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return endless augmented batches from `start_step` on, one a step."""
        is_sample = self.augmenter.stage == "sample"
        dataset = self._dataset("training", cast(SampleAugmenter, self.augmenter) if is_sample else None)
        sampler = StepBatchSampler(
            len(dataset),
            self.batch_size * self.accumulate,
            self.seed,
            self.start_step,
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )
        return self._loader(dataset, sampler)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Return plain batches of the validation part, or no loader if there is none."""
        return self.plain_dataloader("validation") if self.names["validation"] else []

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return plain batches of the test part."""
        return self.plain_dataloader("test")

    def plain_dataloader(self, part: str) -> DataLoader[Batch]:
        """Return batches of a part, each image once, in order, preprocessed and not augmented.

        Parameters
        ----------
        part : str
            ``training``, ``validation`` or ``test``.
        """
        dataset = self._dataset(part, None)
        places = [(0, index) for index in range(len(dataset))]
        batches = [places[start : start + self.batch_size] for start in range(0, len(places), self.batch_size)]
        return self._loader(dataset, batches)

    def _dataset(self, part: str, augmenter: SampleAugmenter | None) -> PoseDataset:
        names = self.names[part]
        return PoseDataset(
            names,
            select_keypoints(self.training_set.labels, names, self.skeleton),
            self.training_set.frames,
            self.preprocessing,
            augmenter,
            self.seed,
            self.neighbours,
            self.corners,
        )

    def _loader(self, dataset: PoseDataset, batches: Iterable[list[tuple[int, int]]]) -> DataLoader[Batch]:
        return DataLoader(
            dataset,  # type: ignore[arg-type]  # its samples become batches in collate
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=self.workers,
            worker_init_fn=_use_one_thread,
            pin_memory=torch.cuda.is_available(),
        )


def _use_one_thread(_worker: int) -> None:
    cv2.setNumThreads(0)  # not 1: that waits for the threads of the process that was forked, which are not here
    torch.set_num_threads(1)


def of_worker(error: DlcError) -> DlcError:
    """Return an error without the traceback that PyTorch puts into the message when a worker raised it."""
    _, is_from_worker, message = str(error).rpartition(f"{type(error).__module__}.{type(error).__qualname__}: ")
    return type(error)(message.strip()) if is_from_worker else error
