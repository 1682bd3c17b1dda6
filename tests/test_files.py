"""A reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import errno
import os
import shutil

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


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EIO, "reports an error.*cable"),
        (errno.EFBIG, "larger than.*ulimit -f"),
        (errno.ESTALE, "network drive.*connection"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EPIPE, "Broken pipe.*Check the disk"),
    ],
)
def test_whatever_the_file_system_says_is_one_line_with_what_to_do(tmp_path, code, words):
    path, refusal = tmp_path / "labels.csv", OSError(code, os.strerror(code))
    with pytest.raises(DiskError, match=rf"cannot write .*labels\.csv: .*{words}") as caught, replacing(path):
        raise refusal
    assert "destfolder" not in str(caught.value)
    with pytest.raises(DiskError, match=r", or look at a=b\.$"), replacing(path, "look at a=b"):
        raise refusal


def test_what_is_written_aside_is_named_as_what_it_is_for(tmp_path):
    message = r"^cannot write \S*/poses\.h5: the disk is full\."
    with pytest.raises(DiskError, match=message), replacing(tmp_path / "poses.h5") as aside, replacing(aside) as again:
        raise OSError(errno.ENOSPC, "No space left on device", str(again))


def test_a_file_where_a_folder_is_needed_is_named(tmp_path):
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path / "notes.txt" / "a.csv", tmp_path / "notes.txt" / "deeper" / "a.csv"):
        with pytest.raises(DiskError, match=r"notes\.txt is a file, a folder is needed there\. Move the file away"):
            write_text(path, "x")


def test_a_folder_where_a_file_is_needed_is_one_clear_line(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DiskError, match=r"a\.csv: something else of that name is there\. Move it away"):
        write_text(tmp_path / "a.csv", "x")
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_a_source_that_is_gone_is_named_and_not_the_disk_blamed(tmp_path):
    (tmp_path / "there").mkdir()
    expected = r"cannot write .*b\.csv: .*a\.csv cannot be used \(No such file"
    with pytest.raises(DiskError, match=expected), replacing(tmp_path / "there" / "b.csv") as temporary:
        shutil.copy2(tmp_path / "a.csv", temporary)


def test_a_durable_file_and_its_name_reach_the_disk_itself(tmp_path, monkeypatch):
    reached = []
    fsync = os.fsync

    def noticed(descriptor):
        reached.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noticed)
    with replacing(tmp_path / "a.json", durable=True) as temporary:
        temporary.write_text("{}")
    folder = [tmp_path.stat().st_ino] if os.name == "posix" else []
    assert reached == [(tmp_path / "a.json").stat().st_ino, *folder]


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-2
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_full_disk_is_not_blamed_on_the_file_that_is_copied(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(DiskError) as caught, replacing(tmp_path / "there" / "b.mp4"):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "a.mp4"))  # as shutil.copy2 says it
    assert str(caught.value) == f"cannot write {tmp_path / 'there' / 'b.mp4'}: the disk is full. Free some space."
