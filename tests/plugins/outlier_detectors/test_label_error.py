"""Labels ranked by how much likelier their disagreement with networks is if they are wrong."""

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.label_error import LabelError

from dlc_core.errors import ConfigError, DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.skeleton import Skeleton

NAMES = ("snout", "leftear", "rightear", "leftpaw", "rightpaw", "tail")
SKELETON = Skeleton(NAMES, symmetric=(("leftear", "rightear"), ("leftpaw", "rightpaw")))
SNOUT, LEFT_EAR, RIGHT_EAR, LEFT_PAW, RIGHT_PAW, TAIL = range(6)
BODY = np.array([[60, 0], [45, -12], [45, 12], [10, -25], [10, 25], [-60, 0]], float)  # pixels from its centre
FRAMES = 80


@pytest.fixture
def truth():
    """Return (frames, keypoints, 2) pixels of an animal that turns and walks."""
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, FRAMES)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.einsum("ijn,kj->nki", turn, BODY) + generator.uniform(100, 400, (FRAMES, 1, 2))


@pytest.fixture
def predictions(truth):
    """Return what a good network finds: 2 px of error in each direction."""
    return truth + np.random.default_rng(1).normal(0, 2, truth.shape)


@pytest.fixture
def labels(truth):
    """Return what a careful person marks."""
    return truth + np.random.default_rng(2).normal(0, 1, truth.shape)


def judge(labels, predictions, likelihood=None, skeleton=SKELETON, counted=None, threshold=1.0):
    shape = (len(labels), len(skeleton.individuals), len(skeleton.keypoints))
    likely = np.full(shape, 0.95) if likelihood is None else likelihood.reshape(shape)
    poses = PoseFile.from_arrays(predictions.reshape(*shape, 2), likely, skeleton)
    every = np.ones(shape[-1], bool) if counted is None else counted
    marks = labels.reshape(*shape, 2).astype(np.float32)
    return LabelError(threshold, skeleton).score(DetectorInput(poses, every, labels=marks, out_of_fold=poses))


def places(scores):
    return [(suspect.frame, suspect.keypoint) for suspect in scores.suspects]


def reasons(scores):
    return {(suspect.frame, suspect.keypoint): suspect.reason for suspect in scores.suspects}


def test_good_labels_are_not_suspected(labels, predictions):
    scores = judge(labels, predictions)
    assert scores.suspects == () and len(scores.outliers()) == 0
    assert scores.score.shape == (FRAMES,) and scores.score.dtype == np.float32 and scores.higher_is_worse


def test_a_misplaced_label_is_the_first_suspect(labels, predictions):
    labels[17, TAIL] += (0, 45)
    scores = judge(labels, predictions)
    assert places(scores) == [(17, TAIL)]
    assert reasons(scores)[17, TAIL].startswith("misplaced, 4")
    assert scores.outliers().tolist() == [17]
    assert scores.score[17] == np.float32(scores.suspects[0].score) == scores.score.max()


@pytest.mark.parametrize("pair", [(SNOUT, TAIL), (LEFT_EAR, RIGHT_EAR), (SNOUT, LEFT_PAW)])
def test_swapped_labels_are_told_from_misplaced_ones_and_share_a_score(labels, predictions, pair):
    one, other = pair
    labels[30, [one, other]] = labels[30, [other, one]]
    scores = judge(labels, predictions)
    assert reasons(scores) == {
        (30, one): f"swapped with {NAMES[other]}",
        (30, other): f"swapped with {NAMES[one]}",
    }
    assert len({suspect.score for suspect in scores.suspects}) == 1


def test_left_and_right_exchanged_as_a_whole_are_one_inversion(labels, predictions):
    labels[5] = labels[5][SKELETON.mirrored_order()]
    scores = judge(labels, predictions)
    assert reasons(scores) == {
        (5, LEFT_EAR): "left-right inversion: swapped with rightear",
        (5, RIGHT_EAR): "left-right inversion: swapped with leftear",
        (5, LEFT_PAW): "left-right inversion: swapped with rightpaw",
        (5, RIGHT_PAW): "left-right inversion: swapped with leftpaw",
    }


def test_labels_that_are_one_body_part_off_are_at_the_place_of_the_next(labels, predictions):
    labels[8, 1:] = labels[8, :-1].copy()  # one was skipped, the rest went to the wrong names
    labels[8, 0] = np.nan
    found = reasons(judge(labels, predictions))
    assert found == {(8, k): f"at the place of {NAMES[k - 1]}" for k in range(1, 6)}


def test_a_label_beside_another_one_is_misplaced_not_at_its_place(labels, predictions):
    """Two body parts may be near each other; that a label is near a right one is no reason."""
    labels[8, TAIL] = labels[8, SNOUT] + 3
    assert reasons(judge(labels, predictions))[8, TAIL].startswith("misplaced")


def test_wrong_labels_come_before_the_failures_of_a_network_that_says_it_is_unsure(labels, predictions):
    generator = np.random.default_rng(3)
    likelihood = generator.uniform(0.9, 1, (FRAMES, 6))
    lost = generator.random((FRAMES, 6)) < 0.1
    predictions[lost] += generator.normal(0, 60, (lost.sum(), 2))
    likelihood[lost] = generator.uniform(0.1, 0.6, lost.sum())
    wrong = [(frame, int(generator.integers(6))) for frame in range(3, 70, 7)]
    wrong = [place for place in wrong if not lost[place]]
    for place in wrong:
        labels[place] += (-40, 30)
    scores = judge(labels, predictions, likelihood)
    assert set(places(scores)[: len(wrong)]) == set(wrong)
    distance = np.linalg.norm(labels - predictions, axis=-1)
    assert set(np.argsort(-distance, axis=None)[: len(wrong)]) != {6 * a + b for a, b in wrong}, "distance does not do"


def test_swaps_that_the_network_makes_often_accuse_less_than_one_that_it_never_makes(labels, predictions):
    for frame in range(0, 40, 4):
        predictions[frame, [LEFT_EAR, RIGHT_EAR]] = predictions[frame, [RIGHT_EAR, LEFT_EAR]]
    labels[61, [SNOUT, TAIL]] = labels[61, [TAIL, SNOUT]]
    scores = judge(labels, predictions)
    assert places(scores)[:2] == [(61, SNOUT), (61, TAIL)]
    rare, often = scores.suspects[0].score, scores.suspects[2].score
    assert rare == pytest.approx(np.log(FRAMES + 1), abs=0.01), "-log of the share of frames, as the docstring says"
    assert often == pytest.approx(np.log((FRAMES + 1) / 10), abs=0.01)


def test_a_body_part_that_is_hard_to_place_is_measured_by_its_own_scale(labels, predictions):
    generator = np.random.default_rng(4)
    predictions[:, TAIL] += generator.normal(0, 12, (FRAMES, 2))
    labels[20, TAIL] += (20, 0)
    labels[40, SNOUT] += (20, 0)
    scores = judge(labels, predictions)
    assert places(scores)[0] == (40, SNOUT)
    assert (20, TAIL) not in places(scores), "the network is often as far off there"


def test_what_cannot_be_compared_says_nothing(labels, predictions):
    labels[3], labels[4, SNOUT] = np.nan, np.nan
    predictions[5], predictions[6, TAIL] = np.nan, np.nan
    labels[6, TAIL] += 100
    scores = judge(labels, predictions)
    assert np.isnan(scores.score[[3, 5]]).all() and np.isfinite(np.delete(scores.score, [3, 5])).all()
    assert scores.suspects == ()
    assert np.isnan(judge(np.full_like(labels, np.nan), predictions).score).all()


def test_only_body_parts_that_count_are_judged(labels, predictions):
    labels[17, TAIL] += (0, 45)
    labels[18, SNOUT] += (0, 45)
    counted = np.arange(6) != TAIL
    assert places(judge(labels, predictions, counted=counted)) == [(18, SNOUT)]


def test_animals_can_be_mistaken_for_each_other():
    skeleton = Skeleton(("snout", "tail"), individuals=("cat", "dog"))
    generator = np.random.default_rng(5)
    truth = generator.uniform(0, 400, (60, 2, 2, 2))
    labels = truth + generator.normal(0, 1, truth.shape)
    labels[12, :, 0] = labels[12, ::-1, 0].copy()
    scores = judge(labels, truth + generator.normal(0, 2, truth.shape), skeleton=skeleton)
    found = {(one.frame, one.individual, one.keypoint): one.reason for one in scores.suspects}
    assert found == {(12, 0, 0): "swapped with snout of dog", (12, 1, 0): "swapped with snout of cat"}


def test_one_body_part_is_enough(truth):
    skeleton = Skeleton(("nose",))
    points = truth[:, :1]
    labels = points + np.random.default_rng(2).normal(0, 1, points.shape)
    labels[9] += 60
    predictions = points + np.random.default_rng(1).normal(0, 1, points.shape)
    assert places(judge(labels, predictions, skeleton=skeleton)) == [(9, 0)]


def test_suspects_and_outliers_follow_the_threshold(labels, predictions):
    labels[17, TAIL] += (0, 45)
    strict = judge(labels, predictions, threshold=50.0)
    assert strict.suspects == () and len(strict.outliers()) == 0
    assert len(judge(labels, predictions, threshold=0.0).suspects) >= 1
    with pytest.raises(ConfigError, match="threshold is -1"):
        LabelError(-1, SKELETON)


def test_what_is_missing_is_said(predictions):
    poses = PoseFile.from_arrays(predictions[:, None], np.ones((FRAMES, 1, 6)), SKELETON)
    with pytest.raises(DataError, match="both must be given"):
        LabelError(1.0, SKELETON).score(DetectorInput(poses, np.ones(6, bool)))
