"""Batches of samples of mixed sizes, and the augmentation of whole batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dlc_core.data.batch import augment_batch, collate
from dlc_core.data.dataset import Sample
from dlc_core.geometry import Preprocessing
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "left", "right"), symmetric=(("left", "right"),))


def sample(height: int, width: int, index: int = 0, frames: int = 1, ignore: np.ndarray | None = None) -> Sample:
    generator = np.random.default_rng(index)
    images = generator.integers(1, 256, (frames, height, width, 3), dtype=np.uint8)
    keypoints = generator.uniform(2, 30, (1, 3, 2)).astype(np.float32)
    keypoints[0, 1] = np.nan
    return Sample(images, keypoints, np.eye(3), ignore, f"labeled-data/m/img{index}.png", 6, index)


class Turn:
    """A batch augmenter that turns images by half a turn, and remembers what its generators said."""

    stage = "batch"

    def __call__(self, images, keypoints, generators):
        self.drawn = [float(generator.random()) for generator in generators]
        height, width = images.shape[-2:]
        matrix = torch.tensor([[-1.0, 0, width - 1], [0, -1.0, height - 1], [0, 0, 1]]).repeat(len(images), 1, 1)
        return images.flip(-1, -2), torch.tensor([width - 1.0, height - 1.0]) - keypoints, matrix


def test_images_are_padded_right_and_below_and_the_padding_is_ignored() -> None:
    small, large = sample(40, 60), sample(50, 48, 1)
    batch = collate([small, large])
    assert batch.images.shape == (2, 3, 50, 60)
    assert batch.images.dtype == torch.uint8
    assert torch.equal(batch.images[0, :, :40].permute(1, 2, 0), torch.from_numpy(small.images[0]))
    assert torch.equal(batch.images[1, :, :, :48].permute(1, 2, 0), torch.from_numpy(large.images[0]))
    assert batch.images[0, :, 40:].eq(0).all()
    mask = batch.labels.ignore_mask
    assert mask is not None
    assert torch.equal(mask, batch.images.eq(0).all(1))  # pixels of the samples are 1 or more
    assert batch.sizes.tolist() == [[40, 60], [50, 48]]


def test_images_of_one_size_need_no_mask_and_lie_channels_last() -> None:
    batch = collate([sample(40, 60, index) for index in range(3)])
    assert batch.labels.ignore_mask is None
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.labels.visible.tolist() == [[[True, False, True]]] * 3
    assert torch.isnan(batch.labels.keypoints[:, 0, 1]).all()
    assert batch.labels.transform is not None
    assert batch.labels.transform.shape == (3, 1, 3, 3)
    assert (batch.step, batch.indices) == (6, (0, 1, 2))


def test_a_mask_of_a_sample_is_kept() -> None:
    ignore = np.zeros((40, 60), bool)
    ignore[3:9, 7:20] = True
    batch = collate([sample(40, 60, ignore=ignore), sample(40, 60, 1)])
    assert batch.labels.ignore_mask is not None
    assert np.array_equal(batch.labels.ignore_mask[0], ignore)
    assert not batch.labels.ignore_mask[1].any()


def test_windows_become_views_and_frames() -> None:
    samples = [sample(40, 60, index, frames=3) for index in range(2)]
    batch = collate(samples)
    assert batch.images.shape == (2, 1, 3, 3, 40, 60)
    for index, one in enumerate(samples):
        assert np.array_equal(batch.images[index, 0].permute(0, 2, 3, 1), one.images)


def test_a_part_and_a_device_keep_everything_together() -> None:
    batch = collate([sample(40 + index, 60, index) for index in range(4)])
    part = batch.part(1, 3).to("cpu")
    assert len(part) == 2
    assert part.names == batch.names[1:3]
    assert part.indices == (1, 2)
    assert part.sizes.tolist() == [[41, 60], [42, 60]]
    assert part.images.shape == (2, 3, 43, 60)
    assert torch.equal(part.labels.visible, batch.labels.visible[1:3])


def test_a_batch_augmenter_moves_images_labels_mask_and_transform_together() -> None:
    batch = collate([sample(40, 60), sample(50, 48, 1)])
    turned = augment_batch(batch, Turn(), seed=2)
    assert torch.equal(turned.images, batch.images.flip(-1, -2))
    assert batch.labels.ignore_mask is not None
    assert turned.labels.ignore_mask is not None
    assert torch.equal(turned.labels.ignore_mask, batch.labels.ignore_mask.flip(-1, -2))
    expected = torch.tensor([59.0, 49.0]) - batch.labels.keypoints
    assert torch.equal(turned.labels.keypoints.nan_to_num(-9), expected.nan_to_num(-9))
    assert turned.labels.transform is not None
    assert torch.equal(turned.labels.transform[0, 0], torch.tensor([[-1.0, 0, 59], [0, -1, 49], [0, 0, 1]]))
    assert torch.equal(turned.labels.visible, batch.labels.visible)


def test_all_frames_of_a_window_get_the_same_numbers_made_from_seed_step_and_index() -> None:
    batch = collate([sample(40, 60, index, frames=3) for index in (4, 9)])
    turn = Turn()
    turned = augment_batch(batch, turn, seed=2)
    expected = [float(np.random.default_rng(np.random.SeedSequence([2, 6, index])).random()) for index in (4, 9)]
    assert turn.drawn == [expected[0]] * 3 + [expected[1]] * 3
    assert torch.equal(turned.images, batch.images.flip(-1, -2))
    assert turned.labels.keypoints.shape == (2, 1, 3, 2)


def test_the_kornia_augmenter_marks_what_has_left_as_invisible() -> None:
    pytest.importorskip("kornia", reason="the optional package kornia is not installed")
    kornia = (
        load_plugins()
        .registry("augmenter")
        .build(
            {"name": "kornia", "scale_jitter_lo": 2.0, "scale_jitter_up": 2.0},
            skeleton=SKELETON,
            preprocessing=Preprocessing(),
        )
    )
    augmented = augment_batch(collate([sample(64, 96, index) for index in range(6)]), kornia, seed=0)
    finite = torch.isfinite(augmented.labels.keypoints).all(-1)
    assert torch.equal(augmented.labels.visible, finite)
    assert 6 <= int(finite.sum()) < 12  # the joint that the zoom is about stays, others leave


class NoDouble(TorchDispatchMode):
    """Fails where a device without float64, like Apple's, would."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        assert not (isinstance(result, torch.Tensor) and result.dtype == torch.float64), function
        return result


def test_a_batch_is_augmented_without_float64() -> None:
    batch = collate([sample(40, 60), sample(50, 48, 1)])
    assert batch.labels.ignore_mask is not None
    with NoDouble():
        augment_batch(batch, Turn(), seed=2)
