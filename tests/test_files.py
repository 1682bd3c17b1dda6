"""A reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import os

import pytest

from dlc_core.errors import DiskError
from dlc_core.files import file_hash, replacing, write_text


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "labels.csv"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="killed"), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["labels.csv"]


def test_the_temporary_name_keeps_the_suffix_because_writers_choose_the_format_by_it(tmp_path):
    with replacing(tmp_path / "a.b.h5") as temporary:
        assert temporary.suffix == ".h5"
        temporary.write_bytes(b"x")
    assert (tmp_path / "a.b.h5").read_bytes() == b"x"


def test_a_name_over_255_bytes_is_one_clear_line(tmp_path):
    with pytest.raises(DiskError, match="300 bytes"), replacing(tmp_path / ("ä" * 150)):
        pass


def test_the_longest_legal_name_can_be_written(tmp_path):
    path = tmp_path / ("ü" * 120 + "x" * 11 + ".csv")
    write_text(path, "x")
    assert path.read_text() == "x"


def test_a_full_disk_is_one_clear_line(tmp_path):
    with pytest.raises(DiskError, match=r"labels.csv: the disk is full"), replacing(tmp_path / "labels.csv"):
        raise OSError(28, os.strerror(28))


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-2
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
