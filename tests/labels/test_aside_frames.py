"""Frames that are taken out of a folder: nothing is deleted or overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlc_core.errors import DiskError
from dlc_core.labels.aside_frames import finish_removals, move_image, note_removal
from dlc_core.labels.journal import Edit, Entry

IMAGE = "labeled-data/m/img1.png"


def removal(image: str = IMAGE) -> Entry:
    return Entry(edit=Edit(image=image, drop=True, by="Eve"), was={"snout": (1.0, 2.0)}, aside=True)


def test_an_image_is_moved_and_one_of_the_same_name_gets_a_number(tmp_path: Path) -> None:
    for content in (b"one", b"two", b"three"):
        (tmp_path / "img1.png").write_bytes(content)
        move_image(tmp_path, "img1.png")
    there = {path.name: path.read_bytes() for path in (tmp_path / "removed").iterdir()}
    assert there == {"img1.png": b"one", "img1-2.png": b"two", "img1-3.png": b"three"}
    assert move_image(tmp_path, "img1.png") is None


def test_the_note_holds_points_who_when_and_the_crop(tmp_path: Path) -> None:
    (tmp_path / "crop.json").write_text('{"img1.png": "1,2,3,4"}')
    note_removal(tmp_path, "CollectedData_ada", removal())
    note_removal(tmp_path, "CollectedData_ada", removal("labeled-data/m/img2.png"))
    first, second = [json.loads(line) for line in (tmp_path / "removed/removed.jsonl").read_text().splitlines()]
    assert (first["image"], first["points"], first["by"], first["crop"]) == (
        IMAGE,
        {"snout": [1.0, 2.0]},
        "Eve",
        "1,2,3,4",
    )
    assert first["table"] == "CollectedData_ada" and "crop" not in second


def test_a_removal_that_was_interrupted_is_finished_unless_the_frame_was_edited_since(tmp_path: Path) -> None:
    for name in ("img1.png", "img2.png"):
        (tmp_path / name).write_bytes(b"")
    again = Entry(edit=Edit(image="labeled-data/m/img2.png", row=True))
    finish_removals(tmp_path, [removal(), removal("labeled-data/m/img2.png"), again])
    assert not (tmp_path / "img1.png").exists() and (tmp_path / "img2.png").exists()


def test_a_frame_that_was_moved_and_put_back_is_not_moved_again(tmp_path: Path) -> None:
    (tmp_path / "img1.png").write_bytes(b"")
    finish_removals(tmp_path, [removal()])
    (tmp_path / "img1.png").write_bytes(b"back again")
    finish_removals(tmp_path, [removal()])
    assert (tmp_path / "img1.png").read_bytes() == b"back again"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "img1.png").write_bytes(b"")
    (tmp_path / "removed").write_text("a file")
    with pytest.raises(DiskError, match="removed"):
        move_image(tmp_path, "img1.png")
    assert (tmp_path / "img1.png").exists()
