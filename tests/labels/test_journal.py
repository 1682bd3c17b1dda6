"""The journal: a line is on the disk when it is acknowledged, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from dlc_core.errors import DataError, DiskError
from dlc_core.labels.journal import Edit, Entry, append, cut, folder_lock, keep_lines, read_journal

IMAGE = "labeled-data/mouse/img01.png"


def entry(x: float = 1.0, **options: Any) -> Entry:
    return Entry(edit=Edit(image=IMAGE, set={"snout": (x, 2.0)}, by="Ada", **options), was={"snout": None})


def test_what_is_appended_is_read_again_in_order(tmp_path: Path) -> None:
    file = tmp_path / "table.journal"
    entries = [
        entry(1.0, unset=("tail",)),
        Entry(
            edit=Edit(image=IMAGE, drop=True, by="Zoë"), was={"snout": (1.5, None), "tail": (3.0, 4.0, 0.5)}, aside=True
        ),
        Entry(edit=Edit(image=IMAGE, row=True), was=None, bodyparts=("snout", 'left "ear"')),
        Entry(edit=Edit(image=IMAGE, done=0.6), was={}),
        Entry(edit=Edit(image=IMAGE, done=None), was={}),
        Entry(edit=Edit(image=""), bodyparts=("paw",)),
        entry(float("inf")),
    ]
    for one in entries:
        append(file, one)
    journal = read_journal(file)
    assert journal.entries == tuple(entries)
    assert journal.size == file.stat().st_size and not journal.damaged


def test_a_line_says_in_plain_json_who_did_what_when_to_which_frame(tmp_path: Path) -> None:
    append(tmp_path / "j", entry(12.5))
    line = json.loads((tmp_path / "j").read_text(encoding="utf-8"))
    assert (line["by"], line["image"], line["set"], line["was"]) == (
        "Ada",
        IMAGE,
        {"snout": [12.5, 2.0]},
        {"snout": None},
    )
    assert line["t"].endswith("+00:00") and len(line["id"]) == 12


def test_a_line_is_on_the_disk_before_append_returns_and_a_new_file_has_its_name_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not say which file a descriptor means")
    monkeypatch.setattr(os, "fsync", watched)
    file = tmp_path / "j"
    append(file, entry())
    assert synced == [str(file), str(tmp_path)]
    append(file, entry())
    assert synced[2:] == [str(file)]


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_line_without_its_end_is_never_read_even_when_others_follow(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "j"
    append(file, entry(1.0))
    append(file, entry(2.0))
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:kept])
    assert [one.edit.set["snout"][0] for one in read_journal(file).entries] == [1.0]
    append(file, entry(3.0))
    journal = read_journal(file)
    assert [one.edit.set["snout"][0] for one in journal.entries] == [1.0, 3.0] and not journal.damaged


def test_a_whole_line_that_cannot_be_read_is_named_and_the_others_count(tmp_path: Path) -> None:
    file = tmp_path / "j"
    append(file, entry(1.0))
    with file.open("ab") as opened:
        opened.write(b'{"id": "x"}\n\x00\x00\n[]\n')
    append(file, entry(2.0))
    journal = read_journal(file)
    assert len(journal.entries) == 2 and len(journal.damaged) == 3


@pytest.mark.parametrize("failing", ["write", "fsync"])
@pytest.mark.parametrize("before", [0, 2])
def test_a_full_disk_leaves_the_journal_as_it_was_and_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, before: int
) -> None:
    file = tmp_path / "j"
    for number in range(before):
        append(file, entry(float(number)))
    content = file.read_bytes() if before else b""
    write = os.write

    def full(descriptor: int, data: bytes = b"") -> int:
        if failing == "write":
            write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, full)
        with pytest.raises(DiskError, match=r"cannot write .*/j: the disk is full\. Free some space\.$"):
            append(file, entry(9.0))
    assert file.read_bytes() == content if before else not file.exists()
    append(file, entry(9.0))
    assert len(read_journal(file).entries) == before + 1


def test_cutting_leaves_what_came_later_and_no_file_when_nothing_did(tmp_path: Path) -> None:
    file = tmp_path / "j"
    append(file, entry(1.0))
    size = read_journal(file).size
    append(file, entry(2.0))
    cut(file, size)
    assert [one.edit.set["snout"][0] for one in read_journal(file).entries] == [2.0]
    cut(file, file.stat().st_size)
    assert not file.exists() and read_journal(file).entries == ()


def test_kept_lines_are_appended(tmp_path: Path) -> None:
    keep_lines(tmp_path / "kept", [b"a", b"b"])
    keep_lines(tmp_path / "kept", [b"c"])
    assert (tmp_path / "kept").read_bytes() == b"a\nb\nc\n"


def test_a_journal_that_cannot_be_read_is_no_journal_without_entries(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(DataError, match="holds label edits"):
        read_journal(tmp_path / "j")


def test_the_lock_of_a_folder_that_is_gone_does_not_make_it_again(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is gone"), folder_lock(tmp_path / "mouse"):
        pass
    assert not (tmp_path / "mouse").exists()


def test_who_holds_a_folder_is_named_when_waiting_was_in_vain(tmp_path: Path) -> None:
    held = folder_lock(tmp_path)
    with held, pytest.raises(DataError, match=rf"written by process {os.getpid()} "), folder_lock(tmp_path, 0.05):
        pass
    with folder_lock(tmp_path, wait_s=0):
        pass
