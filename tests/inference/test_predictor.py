"""From images to poses in the pixels of these images."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dlc_core.errors import ConfigError, DataError
from dlc_core.geometry import Preprocessing
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.batch_size import choose_batch_size
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.inference.predictor import Predictor
from dlc_core.model.pose_model import PoseModel
from dlc_core.model.structures import Features, Poses
from dlc_core.skeleton import Skeleton


@dataclass(frozen=True)
class Maps:
    values: Tensor


class Pixels(nn.Module):
    """A backbone that hands the image on, so that the test knows the truth without a trained network."""

    channels, strides, size_multiple = (3,), (1,), 1
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def forward(self, images):
        return Features((images,), (1,))


class Brightest(nn.Module):
    """Finds the centre of mass of the light; with a window, that of its first frame."""

    loss_weights, cell_offset, views = {}, 0.0, 1

    def __init__(self, window=(0,), views=1):
        super().__init__()
        self.window, self.views = window, views

    def forward(self, features):
        maps = features.maps[0]
        return Maps((maps[:, 0, 0] if maps.ndim == 6 else maps).mean(1))

    def decode(self, outputs, _):
        mass = outputs.values
        height, width = mass.shape[-2:]
        total = mass.sum((1, 2)).clamp(min=1e-9)
        x = (mass.sum(1) * torch.arange(width)).sum(1) / total
        y = (mass.sum(2) * torch.arange(height)).sum(1) / total
        return Poses(torch.stack([x, y], -1)[:, None, None], torch.ones(len(x), 1, 1))


def predictor(scale=1.0, window=(0,), **options):
    return Predictor(PoseModel(Pixels(), Brightest(window), Preprocessing(global_scale=scale)), **options)


def blob(x, y, height=64, width=96):
    """Return an image with a smooth bright spot whose centre of mass is at (x, y)."""
    rows, columns = np.mgrid[:height, :width]
    values = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))
    return np.repeat(values.round().astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.8, 2.0])
def test_poses_come_back_in_the_pixels_of_the_image(scale):
    images = np.stack([blob(20, 30), blob(70, 16)])
    found = predictor(scale)(images)
    np.testing.assert_allclose(found.keypoints[:, 0, 0], [[20, 30], [70, 16]], atol=0.03)
    assert found.keypoints.dtype == found.likelihood.dtype == np.float32


def test_a_crop_is_added_back():
    model = predictor(0.5)
    image = blob(20, 30)
    poses = model.launch(model.prepare(image[10:, 8:])[None])
    found = model.fetch(poses, np.array([8.0, 10.0]))
    np.testing.assert_allclose(found.keypoints[0, 0, 0], [20, 30], atol=0.03)


def test_a_window_reaches_the_head_in_its_order():
    images = np.stack([blob(20, 30), blob(40, 30), blob(60, 30)])[None]
    found = predictor(0.5, window=(-1, 0, 1))(images)
    np.testing.assert_allclose(found.keypoints[0, 0, 0], [20, 30], atol=0.03)


def test_lower_precision_runs_and_stays_close(network):
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 96, 3), dtype=np.uint8)
    full = Predictor(network.model)(images)
    half = Predictor(network.model, precision="float16")(images)
    assert half.keypoints.dtype == np.float32
    np.testing.assert_allclose(half.likelihood, full.likelihood, atol=0.05)


def test_an_unknown_precision_and_several_views_are_refused():
    with pytest.raises(ConfigError, match="float16"):
        predictor(precision="float17")
    with pytest.raises(DataError, match="3 cameras"):
        Predictor(PoseModel(Pixels(), Brightest((0,), 3), Preprocessing()))


def test_a_cpu_takes_small_batches_below_the_limit():
    model = predictor()
    assert choose_batch_size(model, (480, 640)) == 4
    assert choose_batch_size(model, (480, 640), limit=2) == 2
    assert choose_batch_size(model, (480, 640), limit=64) == 4
    assert choose_batch_size(model, (2000, 3000)) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_tries_batches_up_to_the_limit(network):
    model = Predictor(network.model, "cuda")
    assert choose_batch_size(model, (64, 96), limit=8) in (4, 8)
    assert choose_batch_size(model, (64, 96), limit=2) == 2


def test_a_network_with_a_window_gets_the_neighbours_across_the_whole_video(video, network, tmp_path):
    """Its head gives the pose of the frame before; resuming in the middle changes nothing."""

    def analyzed(window, name):
        model = PoseModel(Pixels(), Brightest(window), Preprocessing())
        one = replace(network, model=model, skeleton=Skeleton(("light",)))
        options = AnalysisOptions(torch.device("cpu"), batch_size=4, chunk=8)
        return one, options, analyze_video(video, one, options, destfolder=tmp_path / name).store

    _, _, plain = analyzed((0,), "plain")
    one, options, store = analyzed((-1, 0, 1), "window")
    alone, before = PoseFile.open(plain).load().keypoints, PoseFile.open(store).load().keypoints
    np.testing.assert_allclose(before[1:], alone[:-1], atol=1e-4)
    np.testing.assert_allclose(before[0], alone[0], atol=1e-4)
    PoseStore.open(store).update(frames_done=24)
    assert analyze_video(video, one, options, destfolder=store.parent).new_frames == 26
    np.testing.assert_array_equal(PoseFile.open(store).load().keypoints, before)
