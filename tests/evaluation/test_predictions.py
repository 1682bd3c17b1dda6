import numpy as np
import pytest

from dlc_core.data.create import TrainingSet
from dlc_core.data.packed import PackedFrames
from dlc_core.demo.generate import generate_video
from dlc_core.evaluation.predictions import predict_images, window_neighbours
from dlc_core.inference.predictor import Predictor
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import find_run
from dlc_core.training.checkpoint import load_model
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader


@pytest.fixture(scope="module")
def network(evaluated_project):
    return load_model(find_run(evaluated_project, RunAddress()).select(-1)[0].path)[0]


def test_images_of_mixed_sizes_get_the_poses_that_each_gets_alone_in_the_order_asked_for(evaluated_project, network):
    frames = TrainingSet.open(evaluated_project).frames
    names = sorted(frames.images, key=lambda name: name[::-1])  # the two sizes alternate
    done = []
    together = predict_images(network, names, frames, batch_size=3, advance=done.append)
    assert together.names == tuple(names)
    assert sum(done) == len(names)
    alone = Predictor(network)
    for row, name in enumerate(names):
        expected = alone(frames.image(name)[None])
        # batches of another size may round differently in the last bits of float32
        np.testing.assert_allclose(together.keypoints[row], expected.keypoints[0], atol=1e-2)
        np.testing.assert_allclose(together.likelihood[row], expected.likelihood[0], atol=1e-4)


def test_rows_are_found_by_name(evaluated_project, network):
    frames = TrainingSet.open(evaluated_project).frames
    names = list(frames.images)[:3]
    poses = predict_images(network, names, frames)
    assert poses.rows([names[2], names[0]]) == [2, 0]


def test_the_window_around_a_cropped_image_is_cropped_at_the_same_place(network, tmp_path, monkeypatch):
    import cv2

    video = tmp_path / "videos" / "mouse.mp4"
    video.parent.mkdir()
    generate_video(video, frames=12, height=64, width=96, seed=3)
    folder = tmp_path / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    crop = Crop(x1=20, x2=70, y1=8, y2=56)
    with VideoReader(video) as reader:
        full = {index: frame.copy() for index, frame in reader.frames([4, 5, 6])}
    assert cv2.imwrite(str(folder / "img05.png"), crop.apply(full[5])[..., ::-1])
    (folder / "crop.json").write_text('{"img05.png": "20,70,8,56"}')
    name = "labeled-data/mouse/img05.png"
    frames = PackedFrames.create(tmp_path / "frames.zarr", [name], tmp_path)
    monkeypatch.setattr(network.head, "window", (-1, 0, 1))
    neighbours = window_neighbours(network, [name], frames, tmp_path, {video: None})
    window = neighbours.around(name, frames.image(name))
    for shown, index in zip(window, (4, 5, 6), strict=True):
        np.testing.assert_array_equal(shown, crop.apply(full[index]))
