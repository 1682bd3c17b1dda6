"""A table with the edits of its journal: what others changed meanwhile is neither lost nor overwritten."""

from __future__ import annotations

from dlc_core.labels.journal import Edit, Entry, Values
from dlc_core.labels.replay import Frames, Row, put, replay, same

A = "labeled-data/m/a.png"


def table(**rows: Row) -> Frames:
    return Frames(("snout", "tail"), {f"labeled-data/m/{name}.png": row for name, row in rows.items()})


def edit(
    was: dict[str, Values | None] | None, unset: tuple[str, ...] = (), drop: bool = False, **points: Values
) -> Entry:
    return Entry(edit=Edit(image=A, set=points, unset=unset, drop=drop), was=was)  # type: ignore[arg-type]


def rows_of(stored: Frames, *entries: Entry) -> tuple[dict[str, Row], int]:
    frames, conflicts = replay(stored, entries)
    return {image[15:16]: row for image, row in frames.rows.items()}, len(conflicts)


def test_edits_are_put_in_and_putting_them_in_again_changes_nothing() -> None:
    stored = table(a={"snout": (1.0, 1.0)}, b={"tail": (5.0, 5.0)})
    entries = [
        edit({"snout": (1.0, 1.0)}, snout=(2.0, 2.0)),
        edit({"snout": (2.0, 2.0), "tail": None}, unset=("snout",), tail=(3.0, 3.0)),
        edit({"tail": (3.0, 3.0)}, tail=(4.0, 4.0)),
    ]
    once, conflicts = replay(stored, entries)
    assert not conflicts and once.rows[A] == {"tail": (4.0, 4.0)} and once.rows["labeled-data/m/b.png"]
    for already in range(1, 4):  # the table was written after some of them, and the journal not yet cut
        between, _ = replay(stored, entries[:already])
        again, conflicts = replay(between, entries)
        assert again == once and not conflicts


def test_one_entry_put_into_the_state_it_was_made_on_equals_a_replay() -> None:
    for one in (
        edit(None, snout=(1.0, 2.0)),
        edit({"snout": (9.0, 9.0), "tail": None}, unset=("snout",), tail=(1.0, 1.0)),
        edit({"snout": (9.0, 9.0)}, drop=True),
        Entry(edit=Edit(image=A, row=True), was=None),
        Entry(edit=Edit(image=A, done=0.5), was={}, bodyparts=("paw", "ear")),
    ):
        stored = table() if one.was is None else table(a={"snout": (9.0, 9.0)})
        replayed, conflicts = replay(stored, [one])
        put(stored, one)
        assert stored == replayed and not conflicts


def test_a_point_that_another_program_moved_later_stays_and_the_edit_is_reported() -> None:
    stored = table(a={"snout": (7.0, 7.0), "tail": (3.0, 3.0)})
    frames, conflicts = replay(
        stored, [edit({"snout": (1.0, 1.0), "tail": (3.0, 3.0)}, snout=(2.0, 2.0), tail=(4.0, 4.0))]
    )
    assert frames.rows[A] == {"snout": (7.0, 7.0), "tail": (4.0, 4.0)}
    (conflict,) = conflicts
    assert (conflict.image, conflict.bodypart, conflict.kept, conflict.refused) == (A, "snout", (7.0, 7.0), (2.0, 2.0))


def test_an_edit_that_was_made_on_what_another_program_had_written_counts() -> None:
    late = edit({"snout": (1.0, 1.0)}, snout=(2.0, 2.0))
    seen = edit({"snout": (7.0, 7.0)}, snout=(8.0, 8.0))
    assert rows_of(table(a={"snout": (7.0, 7.0)}), late, seen) == ({"a": {"snout": (8.0, 8.0)}}, 0)


def test_a_point_that_another_program_removed_stays_away() -> None:
    assert rows_of(table(a={}), edit({"snout": (1.0, 1.0)}, snout=(2.0, 2.0))) == ({"a": {}}, 1)


def test_a_row_that_another_program_removed_does_not_come_back() -> None:
    assert rows_of(table(b={}), edit({"snout": (1.0, 1.0)}, snout=(2.0, 2.0))) == ({"b": {}}, 1)
    assert rows_of(table(), Entry(edit=Edit(image=A, row=True), was={})) == ({}, 0)


def test_a_removed_row_stays_if_another_program_has_put_a_point_into_it() -> None:
    drop = edit({"snout": (1.0, 1.0)}, drop=True)
    assert rows_of(table(a={"snout": (1.0, 1.0)}), drop) == ({}, 0)
    assert rows_of(table(a={"snout": (1.0, 1.0), "tail": (6.0, 6.0)}), drop) == ({"a": {"tail": (6.0, 6.0)}}, 0)
    assert rows_of(table(a={"snout": (6.0, 6.0)}), drop) == ({"a": {"snout": (6.0, 6.0)}}, 1)


def test_a_row_that_is_removed_and_made_again_is_there() -> None:
    drop, back = edit({"snout": (1.0, 1.0)}, drop=True), edit(None, snout=(2.0, 2.0))
    for stored in (table(a={"snout": (1.0, 1.0)}), table(), table(a={"snout": (2.0, 2.0)})):
        assert rows_of(stored, drop, back) == ({"a": {"snout": (2.0, 2.0)}}, 0)


def test_new_columns_come_in_the_order_of_the_entries() -> None:
    frames, _ = replay(
        Frames(), [Entry(edit=Edit(image=A, set={"tail": (1.0, 1.0)}), bodyparts=("snout", "tail", "ear"))]
    )
    assert frames.bodyparts == ("snout", "tail", "ear")


def test_marks_of_refined_frames_go_with_their_rows() -> None:
    done = Entry(edit=Edit(image=A, done=0.5), was={})
    frames, _ = replay(table(a={}), [done])
    assert frames.done == {A: 0.5}
    frames, _ = replay(frames, [Entry(edit=Edit(image=A, done=None), was={})])
    assert frames.done == {A: None}
    frames, _ = replay(frames, [edit({}, drop=True)])
    assert frames.done == {} and frames.rows == {}


def test_points_are_the_same_as_near_as_a_spreadsheet_saves_them() -> None:
    assert same((1.0, 2.0), (1.0005, 2.0)) and not same((1.0, 2.0), (1.002, 2.0))
    assert same(None, None) and not same(None, (1.0, 2.0)) and not same((1.0, 2.0), (1.0, 2.0, 0.5))
    assert same((1.0, None), (1.0, None)) and not same((1.0, None), (1.0, 2.0))
    assert same((float("inf"), 1.0), (float("inf"), 1.0))
