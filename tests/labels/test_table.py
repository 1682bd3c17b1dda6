"""Label tables are matched and merged by name."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.labels.table import LabelTable, concatenate, merge_labels

NAN = float("nan")


def table(images: str, bodyparts: str, points: object, scorer: str = "ada") -> LabelTable:
    names = tuple(f"labeled-data/v/{name}.png" for name in images.split())
    array = np.array(points, np.float64).reshape(len(names), 1, len(bodyparts.split()), 2)
    return LabelTable(scorer, names, tuple(bodyparts.split()), array)


def test_points_are_merged_by_frame_and_body_part_whatever_their_order() -> None:
    old = table("i1 i2", "a b", [[1, 1], [2, 2], [3, 3], [NAN, NAN]])
    new = table("i3 i2", "c b", [[7, 7], [8, 8], [NAN, NAN], [9, 9]])
    merged = merge_labels(old, new)
    assert [image[-6:-4] for image in merged.images] == ["i1", "i2", "i3"] and merged.bodyparts == ("a", "b", "c")
    expected = [
        [[1, 1], [2, 2], [NAN, NAN]],
        [[3, 3], [9, 9], [NAN, NAN]],
        [[NAN, NAN], [8, 8], [7, 7]],
    ]
    assert np.array_equal(merged.keypoints[:, 0], expected, equal_nan=True)


def test_a_merge_changes_labels_but_never_removes_one() -> None:
    old = table("i1", "a b", [[1, 1], [2, 2]])
    merged = merge_labels(old, table("i1", "a b", [[NAN, NAN], [5, 6]]))
    assert merged.keypoints[0, 0].tolist() == [[1, 1], [5, 6]]
    half = merge_labels(old, table("i1", "a", [[9, NAN]]))
    assert half.keypoints[0, 0].tolist() == [[1, 1], [2, 2]], "half a point replaces no whole one"


def test_labels_of_two_people_are_not_merged() -> None:
    with pytest.raises(DataError, match=r"'eve'.*'ada'"):
        merge_labels(table("i1", "a", [[1, 1]]), table("i1", "a", [[1, 1]], scorer="eve"))


def test_frames_are_selected_by_name_in_the_order_asked() -> None:
    whole = table("i1 i2 i3", "a", [[1, 1], [2, 2], [3, 3]])
    chosen = whole.select([whole.images[2], whole.images[0]])
    assert chosen.keypoints[:, 0, 0, 0].tolist() == [3, 1]
    with pytest.raises(DataError, match=r"Did you mean 'labeled-data/v/i3.png'"):
        whole.select(["labeled-data/v/i4.png"])


def test_body_parts_are_reordered_added_and_dropped_by_name() -> None:
    changed = table("i1", "a b", [[1, 1], [2, 2]]).with_bodyparts(["b", "c"])
    assert changed.bodyparts == ("b", "c")
    assert changed.keypoints[0, 0, 0].tolist() == [2, 2] and np.isnan(changed.keypoints[0, 0, 1]).all()


def test_tables_of_several_folders_become_one() -> None:
    both = concatenate([table("i1", "a b", [[1, 1], [2, 2]]), table("i2", "b", [[3, 3]])], ["b", "a"])
    assert both.keypoints[:, 0, 0, 0].tolist() == [2, 3] and both.folders() == ("v",)


def test_a_point_is_present_when_both_coordinates_are_numbers() -> None:
    values = table("i1", "a b c d", [[1, 1], [1, NAN], [np.inf, 1], [NAN, NAN]])
    assert values.present[0, 0].tolist() == [True, False, False, False]


def test_a_name_may_occur_once_and_shapes_must_fit() -> None:
    with pytest.raises(DataError, match=r"frame 'labeled-data/v/i1.png' twice"):
        table("i1 i1", "a", [[1, 1], [2, 2]])
    with pytest.raises(DataError, match="body part 'a' twice"):
        table("i1", "a a", [[1, 1], [2, 2]])
    with pytest.raises(DataError, match="is expected"):
        LabelTable("ada", ("i1",), ("a",), np.zeros((1, 2)))


def test_the_points_of_a_table_cannot_be_changed_by_accident() -> None:
    source = np.zeros((1, 1, 1, 2))
    labels = LabelTable("ada", ("labeled-data/v/i.png",), ("a",), source)
    source[:] = 5
    assert labels.keypoints.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        labels.keypoints[0] = 1
