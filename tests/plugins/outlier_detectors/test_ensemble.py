"""Frames scored by how far several networks are apart."""

import math

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.ensemble import Ensemble, disagreement

from dlc_core.errors import DataError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.skeleton import Skeleton

TWO = Skeleton(("nose", "tail"))
BLOCK = 4096  # frames that the detector holds in memory


def network(keypoints, likelihood=None, skeleton=TWO, scorer="other"):
    likely = np.ones(keypoints.shape[:-1]) if likelihood is None else likelihood
    return PoseFile.from_arrays(np.asarray(keypoints, float), likely, skeleton, scorer=scorer)


def score(*networks, skeleton=TWO, counted=(True, True), p_bound=0.01):
    main, *others = networks
    return Ensemble(20.0, p_bound, skeleton).score(DetectorInput(main, np.array(counted), ensemble=tuple(others)))


def zeros(frames=3):
    return np.zeros((frames, 1, 2, 2))


def test_the_score_is_the_rms_distance_from_the_mean_of_the_keypoint_that_is_worst():
    first, second, third = zeros(), zeros(), zeros()
    first[1, 0, 0], second[1, 0, 0], third[1, 0, 0] = (-9, 0), (9, 0), (0, 0)
    first[2, 0, 0] = (3, 0)
    first[2, 0, 1] = (0, 60)
    found = score(*map(network, (first, second, third)))
    np.testing.assert_allclose(found.score, [0, math.sqrt((81 + 81) / 3), math.sqrt((40**2 + 2 * 20**2) / 3)])
    assert found.outliers().tolist() == [2] and found.higher_is_worse and found.score.dtype == np.float32


def test_of_two_networks_it_is_half_their_distance():
    there = zeros()
    there[1, 0, 1] = (30, 40)
    np.testing.assert_allclose(score(network(zeros()), network(there)).score, [0, 25, 0])


def test_the_disagreement_is_that_of_a_plain_standard_deviation():
    points = np.random.default_rng(0).normal(100, 5, (5, 7, 1, 2, 2)).astype(np.float32)
    np.testing.assert_allclose(disagreement(points), np.sqrt(points.astype(float).var(axis=0).sum(axis=-1)))


def test_what_no_network_finds_likely_does_not_count_but_what_one_finds_does():
    there = zeros()
    there[1:, 0, 0] = (80, 0)
    unlikely, likely = np.ones((3, 1, 2)), np.ones((3, 1, 2))
    unlikely[1:, 0, 0] = 0.001
    likely[1, 0, 0] = 0.002
    found = score(network(zeros(), unlikely), network(there, likely))
    np.testing.assert_allclose(found.score, [0, 0, 40])
    assert score(network(zeros(), unlikely), network(there, likely), p_bound=0.0).outliers().tolist() == [1, 2]


def test_keypoints_that_no_network_finds_likely_in_any_frame_are_named_with_the_option(capsys):
    likely = np.ones((3, 1, 2))
    likely[..., 1] = 0.3
    score(network(zeros(), likely), network(zeros(), likely), p_bound=0.3)
    assert capsys.readouterr().err == ""
    found = score(network(zeros(), likely), network(zeros(), likely), p_bound=0.4)
    assert np.isfinite(found.score).all()
    noted = capsys.readouterr().err
    assert noted == "Note: tail counts in no frame: no network finds a likelihood of detector.p_bound=0.4 or more.\n"
    score(network(zeros(), likely * 0), network(zeros(), likely * 0), counted=(True, False))
    assert "Note: nose counts in no frame" in capsys.readouterr().err


def test_a_point_without_a_likelihood_counts_as_certain():
    there, nothing_known = zeros(), np.full((3, 1, 2), np.nan)
    there[1, 0, 0] = (80, 0)
    found = score(network(zeros(), nothing_known), network(there, nothing_known))
    np.testing.assert_allclose(found.score, [0, 40, 0])


def test_a_point_that_fewer_than_two_networks_have_says_nothing():
    one, other = zeros(), zeros()
    one[0, 0, 0] = np.nan
    other[0, 0, 1] = (6, 8)
    one[1], other[2] = np.nan, np.nan
    found = score(network(one), network(other))
    np.testing.assert_allclose(found.score, [5, np.nan, np.nan])
    assert len(found.outliers()) == 0


def test_keypoints_are_matched_by_name_and_one_that_a_network_lacks_is_compared_among_the_others():
    main, turned = zeros(), zeros()
    main[:, 0, 0], main[:, 0, 1] = (10, 0), (50, 0)
    turned[:, 0, 0], turned[:, 0, 1] = (50, 0), (10, 0)
    other = network(turned, skeleton=Skeleton(("tail", "nose")))
    assert score(network(main), other).score.tolist() == [0, 0, 0]
    small = network(np.full((3, 1, 1, 2), (10.0, 4.0)), skeleton=Skeleton(("nose",)))
    np.testing.assert_allclose(score(network(main), small).score, 2)
    assert np.isnan(score(network(main), small, counted=(False, True)).score).all()


def test_only_keypoints_that_exist_and_count_are_looked_at():
    skeleton = Skeleton(("nose", "tail"), individuals=("a", "b"), exists=np.array([[True, True], [True, False]]))
    one, other = np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 2))
    other[0, 0, 1], other[0, 1, 0], other[0, 1, 1] = (100, 0), (10, 0), (1000, 0)
    files = network(one, skeleton=skeleton), network(other, skeleton=skeleton)
    assert score(*files, skeleton=skeleton).score.tolist() == [50]
    assert score(*files, skeleton=skeleton, counted=(True, False)).score.tolist() == [5]


def test_long_videos_are_read_in_blocks():
    there = np.zeros((BLOCK + 5, 1, 2, 2))
    there[[BLOCK - 1, BLOCK, BLOCK + 4], 0, 0] = (100, 0)
    found = score(network(np.zeros_like(there)), network(there))
    assert len(found.score) == BLOCK + 5
    assert found.outliers().tolist() == [BLOCK - 1, BLOCK, BLOCK + 4]


def test_networks_that_cannot_be_compared_are_refused():
    pair = Skeleton(TWO.keypoints, individuals=("a", "b"))
    with pytest.raises(DataError, match="poses of one"):
        score(network(zeros()))
    with pytest.raises(DataError, match="of B have 4 frames, those of A have 3"):
        score(network(zeros(), scorer="A"), network(zeros(4), scorer="B"))
    with pytest.raises(DataError, match="networks of the same animals"):
        score(network(zeros()), network(np.zeros((3, 2, 2, 2)), skeleton=pair))
    rat = network(zeros(), skeleton=Skeleton(TWO.keypoints, individuals=("rat",)))
    assert score(network(zeros()), rat).score.tolist() == [0, 0, 0], "a single animal has no name in tables"
