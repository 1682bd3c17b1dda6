"""The names that all arrays share."""

import json

import numpy as np
import pytest

from dlc_core.errors import ConfigError
from dlc_core.skeleton import Skeleton

JOINED = Skeleton(("nose", "left", "right"), edges=(("nose", "left"),), symmetric=(("left", "right"),))
PARTLY = Skeleton(("a", "b"), individuals=("m1", "single"), exists=np.array([[True, False], [False, True]]))


@pytest.mark.parametrize("skeleton", [JOINED, PARTLY])
def test_a_skeleton_survives_json(skeleton):
    again = Skeleton.from_dict(json.loads(json.dumps(skeleton.to_dict())))
    assert again == skeleton
    np.testing.assert_array_equal(again.exists, skeleton.exists)


@pytest.mark.parametrize(
    ("pairs", "found"),
    [((("a", "b"), ("b", "c")), r"'b' stands twice.*\['a', 'b'\] and \['b', 'c'\]"), ((("a", "a"),), "'a' stands")],
)
def test_a_body_part_in_two_symmetric_pairs_is_refused(pairs, found):
    with pytest.raises(ConfigError, match=found):
        Skeleton(("a", "b", "c"), symmetric=pairs)


def test_mirroring_swaps_the_symmetric_pairs_only():
    np.testing.assert_array_equal(JOINED.mirrored_order(), [0, 2, 1])
