"""Labelled frames by (step, sample index)."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from dlc_core.data.dataset import PoseDataset, select_keypoints, within_limits
from dlc_core.data.packed import PackedFrames
from dlc_core.errors import ConfigError, DataError
from dlc_core.geometry import Preprocessing, transform_points
from dlc_core.labels.table import LabelTable
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

SKELETON = Skeleton(("nose", "tail"))
SIZES = [(80, 120), (80, 120), (64, 96), (200, 150)]
NAMES = [f"labeled-data/mouse/img{index:03}.png" for index in range(4)]


@pytest.fixture
def frames(tmp_path) -> PackedFrames:
    generator = np.random.default_rng(0)
    for name, (height, width) in zip(NAMES, SIZES, strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(tmp_path / name), generator.integers(0, 256, (height, width, 3), dtype=np.uint8))
    return PackedFrames.create(tmp_path / "frames.zarr", NAMES, tmp_path)


@pytest.fixture
def labels() -> LabelTable:
    keypoints = np.random.default_rng(1).uniform(5, 60, (4, 1, 2, 2))
    keypoints[1, 0, 0] = np.nan
    return LabelTable("Me", tuple(NAMES), ("tail", "nose"), keypoints)


def augmenter(name: str, scale: float = 1.0):
    registry = load_plugins().registry("augmenter")
    return registry.build({"name": name}, skeleton=SKELETON, preprocessing=Preprocessing(scale))


def test_labels_are_matched_by_name_not_by_position(labels) -> None:
    wanted = [NAMES[3], NAMES[1]]
    chosen = select_keypoints(labels, wanted, SKELETON)
    assert chosen.shape == (2, 1, 2, 2)
    assert chosen.dtype == np.float32
    assert np.allclose(chosen[0, 0], labels.keypoints[3, 0, ::-1], atol=1e-5)  # nose, tail
    assert np.isnan(chosen[1, 0, 1]).all()


def test_labels_of_other_body_parts_or_of_no_such_image_are_refused(labels) -> None:
    with pytest.raises(DataError, match=r"body parts tail, nose; the project has nose, ear"):
        select_keypoints(labels, NAMES, Skeleton(("nose", "ear")))
    with pytest.raises(DataError, match=r"img999.png"):
        select_keypoints(labels, ["labeled-data/mouse/img999.png"], SKELETON)


def test_images_outside_the_size_limits_are_left_out_counted_and_named(frames, capsys) -> None:
    limits = Preprocessing(0.5, max_input_size=70, min_input_size=45)  # areas 2400, 2400, 1536, 7500 after scaling
    kept = within_limits(NAMES, frames, limits, "training")
    assert kept == NAMES[:2]
    said = capsys.readouterr().err
    assert "2 of 4 training images are left out" in said
    assert NAMES[2] in said
    assert NAMES[3] in said
    with pytest.raises(DataError, match=r"4 of 4 training images.* and 1 more") as caught:
        within_limits(NAMES, frames, Preprocessing(0.1), "training")
    assert NAMES[2] in str(caught.value) and NAMES[3] not in str(caught.value)


def test_limits_that_exclude_every_image_are_refused_as_such() -> None:
    with pytest.raises(
        ConfigError, match=r"min_input_size is 9999, which is more than preprocessing\.max_input_size, 1500"
    ):
        Preprocessing(min_input_size=9999)
    with pytest.raises(ConfigError, match=r"max_input_size is -5; a side in pixels, 1 or more"):
        Preprocessing(global_scale=-0.05, max_input_size=-5, min_input_size=-9)


def test_a_sample_depends_on_seed_step_and_index_alone(frames, labels) -> None:
    keypoints = select_keypoints(labels, NAMES, SKELETON)

    def sample(seed: int, step: int, index: int):
        return PoseDataset(NAMES, keypoints, frames, Preprocessing(), augmenter("imgaug"), seed)[step, index]

    first, again = sample(1, 5, 2), sample(1, 5, 2)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.keypoints, again.keypoints, equal_nan=True)
    for other in (sample(2, 5, 2), sample(1, 6, 2), sample(1, 5, 2 + len(NAMES))):
        assert other.name == NAMES[2]
        assert not np.array_equal(other.transform, first.transform)


def test_it_travels_to_worker_processes(frames, labels) -> None:
    dataset = PoseDataset(
        NAMES, select_keypoints(labels, NAMES, SKELETON), frames, Preprocessing(), augmenter("tensorpack"), 3
    )
    assert np.array_equal(pickle.loads(pickle.dumps(dataset))[4, 1].images, dataset[4, 1].images)


def test_the_transform_maps_the_full_frame_of_the_video_to_the_sample(frames, labels) -> None:
    keypoints = select_keypoints(labels, NAMES, SKELETON)
    dataset = PoseDataset(
        NAMES, keypoints, frames, Preprocessing(0.5), augmenter("none", 0.5), corners={NAMES[0]: (40, 12)}
    )
    sample = dataset[0, 0]
    full_frame = keypoints[0] + np.array([40, 12], np.float32)
    assert np.allclose(transform_points(sample.transform, full_frame), sample.keypoints, atol=1e-4)
    assert np.allclose(sample.keypoints, (keypoints[0] + 0.5) * 0.5 - 0.5, atol=1e-4)


def test_without_an_augmenter_a_sample_is_the_plain_preprocessing(frames, labels) -> None:
    keypoints = select_keypoints(labels, NAMES, SKELETON)
    plain = PoseDataset(NAMES, keypoints, frames, Preprocessing(0.8))
    none = PoseDataset(NAMES, keypoints, frames, Preprocessing(0.8), augmenter("none", 0.8))
    for index in range(len(NAMES)):
        assert np.array_equal(plain[0, index].images, none[9, index].images)
        assert plain[0, index].images.shape[1:3] == Preprocessing(0.8).output_size(*SIZES[index])
