"""Frames that are taken out of a folder: nothing is deleted or overwritten."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from dlc_core.errors import DiskError
from dlc_core.labels.aside_frames import finish_removals, move_image, note_removal, take_out
from dlc_core.labels.journal import Edit, Entry, append, read_journal

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
    journals = tmp_path / "human.journal", tmp_path / "machine.journal"
    moved = take_out(tmp_path, IMAGE, {journal: {"snout": (1.0, 2.0)} for journal in journals}, "Eve")
    assert moved == tmp_path / "removed/img1.png"
    moved.rename(tmp_path / "img1.png")
    for journal in journals:
        finish_removals(tmp_path, read_journal(journal).entries)
    assert (tmp_path / "img1.png").is_file()


def test_an_interrupted_removal_is_finished_when_one_of_that_name_was_removed_before(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        (tmp_path / "img1.png").write_bytes(content)
        finish_removals(tmp_path, [removal()])
    there = {path.name: path.read_bytes() for path in (tmp_path / "removed").iterdir()}
    assert there == {"img1.png": b"one", "img1-2.png": b"two"}


def test_a_removal_that_the_disk_refuses_at_any_step_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "img1.png").write_bytes(b"")
    rows = {tmp_path / f"{name}.journal": {"snout": (1.0, 2.0)} for name in ("human", "machine")}
    append(next(iter(rows)), Entry(edit=Edit(image=IMAGE, row=True)))
    (tmp_path / "removed").mkdir()
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    fsync, refused = os.fsync, 0
    for step in range(20):
        left = [step]

        def full(descriptor: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(descriptor)

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            try:
                take_out(tmp_path, IMAGE, rows, "Eve")
            except DiskError:
                refused += 1
            else:
                break
        assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()} == before
    assert refused > 5
    (tmp_path / "removed/img1.png").rename(tmp_path / "img1.png")
    for journal in rows:
        finish_removals(tmp_path, read_journal(journal).entries)
    assert (tmp_path / "img1.png").is_file(), "what a person has put back stays"


def test_a_note_after_one_without_its_end_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "removed").mkdir()
    (tmp_path / "removed/removed.jsonl").write_bytes(b'{"image": "labeled-da')
    note_removal(tmp_path, "CollectedData_ada", removal())
    note_removal(tmp_path, "CollectedData_ada", removal())
    torn, *whole = (tmp_path / "removed/removed.jsonl").read_text().splitlines()
    assert torn == '{"image": "labeled-da' and [json.loads(line)["image"] for line in whole] == [IMAGE, IMAGE]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "img1.png").write_bytes(b"")
    (tmp_path / "removed").write_text("a file")
    with pytest.raises(DiskError, match="removed"):
        move_image(tmp_path, "img1.png")
    assert (tmp_path / "img1.png").exists()
