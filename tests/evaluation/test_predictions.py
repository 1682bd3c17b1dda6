import numpy as np
import pytest

from dlc_core.data.create import TrainingSet
from dlc_core.evaluation.predictions import predict_images
from dlc_core.inference.predictor import Predictor
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import find_run
from dlc_core.training.checkpoint import load_model


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
