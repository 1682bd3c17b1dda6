import numpy as np
import pytest
from sklearn.metrics import mean_squared_error, roc_auc_score

from dlc_core.errors import DataError
from dlc_core.evaluation.metrics import auroc, distances, mean_error, pck, root_mean_square, score_poses

NAN = np.nan


def test_a_shift_of_three_and_four_pixels_is_five_pixels_off_everywhere():
    labels = np.random.default_rng(0).uniform(0, 500, (7, 1, 3, 2))
    apart = distances(labels + np.array([3, 4]), labels)
    np.testing.assert_allclose(apart, 5)
    assert mean_error(apart) == pytest.approx(5)
    assert root_mean_square(apart) == pytest.approx(5)


def test_mean_and_rmse_differ_as_they_must_for_distances_of_zero_and_ten():
    apart = np.array([0.0, 10.0])
    assert mean_error(apart) == 5
    assert root_mean_square(apart) == pytest.approx(np.sqrt(50))


def test_rmse_is_the_root_of_scikit_learns_squared_error_summed_over_x_and_y():
    rng = np.random.default_rng(1)
    labels, poses = rng.normal(size=(2, 40, 1, 5, 2)) * 20
    expected = np.sqrt(2 * mean_squared_error(labels.reshape(-1, 2), poses.reshape(-1, 2)))
    assert root_mean_square(distances(poses, labels)) == pytest.approx(expected)


def test_mean_error_follows_the_rayleigh_distribution_for_gaussian_noise():
    rng = np.random.default_rng(2)
    apart = distances(rng.normal(0, 2.0, (200_000, 2)), np.zeros((200_000, 2)))
    # mean sigma * sqrt(pi / 2), root mean square sigma * sqrt(2), P(d <= t) = 1 - exp(-t^2 / 2 sigma^2);
    # the tolerance is five standard errors of 200,000 draws
    assert mean_error(apart) == pytest.approx(2 * np.sqrt(np.pi / 2), abs=0.015)
    assert root_mean_square(apart) == pytest.approx(2 * np.sqrt(2), abs=0.015)
    thresholds = np.array([0.5, 1, 2, 4, 8])
    np.testing.assert_allclose(pck(apart, thresholds), 1 - np.exp(-(thresholds**2) / 8), atol=0.006)


def test_unlabelled_points_count_nowhere_and_points_not_found_are_misses():
    labels = np.array([[0.0, 0], [NAN, NAN], [0, 0], [5.0, NAN]])
    poses = np.array([[0.0, 1], [3, 3], [NAN, NAN], [5, 5]])
    apart = distances(poses, labels)
    np.testing.assert_array_equal(apart, [1, NAN, np.inf, NAN])
    assert mean_error(apart) == 1
    np.testing.assert_allclose(pck(apart, [0.5, 1, 1000]), [0, 0.5, 0.5])


def test_pck_counts_a_point_exactly_at_the_threshold():
    np.testing.assert_allclose(pck(np.array([1.0, 2.0, 3.0, 4.0]), [0, 1, 2.5, 4]), [0, 0.25, 0.5, 1])


def test_measures_of_nothing_are_nan():
    nothing = np.array([NAN, NAN])
    assert np.isnan(mean_error(nothing))
    assert np.isnan(root_mean_square(nothing))
    assert np.isnan(pck(nothing, [5])).all()
    assert np.isnan(auroc(np.array([0.1, 0.9]), np.array([True, True])))


def test_auroc_equals_scikit_learns_with_and_without_ties():
    rng = np.random.default_rng(3)
    for digits in (12, 1):  # one digit: many ties
        visible = rng.random((30, 1, 6)) < 0.7
        score = np.round(rng.random(visible.shape) * 0.6 + 0.4 * visible, digits)
        assert auroc(score, visible) == pytest.approx(roc_auc_score(visible.ravel(), score.ravel()))


def test_auroc_of_perfect_reversed_and_constant_scores():
    visible = np.array([True, True, False, False])
    assert auroc(np.array([0.9, 0.8, 0.2, 0.1]), visible) == 1
    assert auroc(np.array([0.1, 0.2, 0.8, 0.9]), visible) == 0
    assert auroc(np.full(4, 0.5), visible) == 0.5


def test_scores_of_a_table_worked_out_by_hand():
    labels = np.zeros((2, 1, 2, 2))
    labels[1, 0, 1] = NAN
    poses = np.zeros((2, 1, 2, 2))
    poses[0, 0, 0], poses[0, 0, 1], poses[1, 0, 0], poses[1, 0, 1] = (3, 4), (0, 1), (0, 9), (50, 50)
    likelihood = np.array([[[0.9, 0.6]], [[0.3, 0.2]]])
    scores = score_poses(poses, likelihood, labels, names=["nose", "tail"], pcutoff=0.6, thresholds=[1, 5])
    assert (scores.points, scores.points_pcutoff) == (3, 2)
    assert scores.mean_px == pytest.approx((5 + 1 + 9) / 3)
    assert scores.rmse_px == pytest.approx(np.sqrt((25 + 1 + 81) / 3))
    assert scores.mean_px_pcutoff == pytest.approx(3)
    assert scores.rmse_px_pcutoff == pytest.approx(np.sqrt(13))
    assert scores.pck == {1.0: pytest.approx(1 / 3), 5.0: pytest.approx(2 / 3)}
    assert scores.auroc == 1
    nose, tail = scores.per_bodypart["nose"], scores.per_bodypart["tail"]
    assert (nose.points, nose.mean_px, nose.mean_px_pcutoff) == (2, pytest.approx(7), pytest.approx(5))
    assert (tail.points, tail.mean_px, tail.auroc) == (1, pytest.approx(1), 1)
    assert np.isnan(nose.auroc)


def test_pairs_that_do_not_exist_are_not_unlabelled_points():
    labels = np.zeros((4, 2, 2, 2))
    labels[:, 1, 1] = NAN
    likelihood = np.full((4, 2, 2), 0.9)
    exists = np.array([[True, True], [True, False]])
    options = {"names": ["a", "b"], "pcutoff": 0.5, "thresholds": [5.0]}
    assert score_poses(labels * 0, likelihood, labels, **options).auroc == 0.5
    assert np.isnan(score_poses(labels * 0, likelihood, labels, exists=exists, **options).auroc)


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(DataError, match=r"\(3, 2\)"):
        distances(np.zeros((3, 2)), np.zeros((4, 2)))
