"""Values and list items are added to YAML that people wrote; everything else stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlc_core.project.yaml_text import with_items, with_value


def changed(tmp_path: Path, text: str, *items: str) -> str:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return with_items(file, "bodyparts", items)


def test_items_come_after_those_that_are_there_and_before_the_comments_below(tmp_path: Path) -> None:
    text = """# mine
Task: 'reach'  # the task
bodyparts:  # points
- snout
- "left ear"  # its tip

# from here on: videos
start: 0   # begin
unknown: {a: 1}
"""
    assert changed(tmp_path, text, "tail", "paw: left") == text.replace(
        "# its tip\n", "# its tip\n- tail\n- 'paw: left'\n"
    )


@pytest.mark.parametrize("below", ["", "start: 0\n", "\n# the end\n"])
def test_a_list_may_be_the_last_thing_in_the_file_or_not(tmp_path: Path, below: str) -> None:
    assert changed(tmp_path, f"bodyparts:\n- a\n- b\n{below}", "c") == f"bodyparts:\n- a\n- b\n- c\n{below}"


def test_a_list_in_brackets_stays_in_brackets(tmp_path: Path) -> None:
    text = "bodyparts: [a, b]  # two\n# below\nstart: 0\n"
    assert changed(tmp_path, text, "c") == text.replace("b]  #", "b, c] #")


def test_an_empty_or_missing_list_is_made(tmp_path: Path) -> None:
    assert changed(tmp_path, "Task: t\n", "c") == "Task: t\nbodyparts:\n- c\n"
    assert changed(tmp_path, "bodyparts:\nTask: t\n", "c") == "bodyparts:\n- c\nTask: t\n"


def test_a_number_is_replaced_and_its_comment_stays(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    text = "a: 1\n# rounds\niteration: 0   # so far\n\n# more\nb: 'x'\n"
    file.write_text(text)
    assert with_value(file, ["iteration"], 1) == text.replace("iteration: 0 ", "iteration: 1 ")
