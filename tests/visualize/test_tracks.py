import numpy as np
import pytest

from dlc_core.colors import keypoint_colors
from dlc_core.errors import ConfigError
from dlc_core.skeleton import Skeleton
from dlc_core.visualize.tracks import choose_tracks

SKELETON = Skeleton(("snout", "leftear", "tailbase"), edges=(("snout", "leftear"), ("leftear", "tailbase")))


def test_all_body_parts_are_drawn_by_default_with_their_edges():
    tracks = choose_tracks(SKELETON)
    assert tracks.names == SKELETON.keypoints
    assert tracks.edges == ((0, 1), (1, 2))


def test_a_choice_keeps_the_colours_and_only_the_edges_between_chosen_parts():
    tracks = choose_tracks(SKELETON, ["tailbase", "leftear"])
    assert tracks.names == ("leftear", "tailbase")
    np.testing.assert_array_equal(tracks.colors, keypoint_colors(3)[1:])
    assert tracks.edges == ((0, 1),)
    assert choose_tracks(SKELETON, "snout").names == ("snout",)


def test_a_misspelt_body_part_is_answered_with_the_near_name():
    with pytest.raises(ConfigError, match="'leftear'"):
        choose_tracks(SKELETON, ["snout", "lefteer"])
    with pytest.raises(ConfigError, match="empty"):
        choose_tracks(SKELETON, [])


def test_points_that_do_not_exist_for_an_individual_are_left_out():
    exists = np.array([[True, True, False], [False, True, True]])
    skeleton = Skeleton(SKELETON.keypoints, SKELETON.edges, (), ("ann", "bob"), exists)
    tracks = choose_tracks(skeleton)
    assert tracks.names == ("ann snout", "ann leftear", "bob leftear", "bob tailbase")
    assert tracks.edges == ((0, 1), (2, 3))
    values = np.arange(2 * 2 * 3 * 2).reshape(2, 2, 3, 2)
    np.testing.assert_array_equal(tracks.of(values)[1], values[1, [0, 0, 1, 1], [0, 1, 1, 2]])
