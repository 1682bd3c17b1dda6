"""What a video holds against what its header says, and which files are videos."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dlc_core.errors import DataError
from dlc_core.video.probe import find_videos, fingerprint, lost_frames, probe
from dlc_core.video.reader import VideoReader

from .conftest import B_FRAMES, HEIGHT, WIDTH


def test_a_sound_video_has_no_problems(b_frame_video):
    report = probe(b_frame_video)
    assert (report.metadata_frames, report.readable, report.seekable) == (150, 150, True)
    assert (report.height, report.width, report.fps, report.duration_s) == (HEIGHT, WIDTH, 30.0, 5.0)
    assert (report.codec, report.pixel_format) == ("h264", "yuv420p")
    assert report.problems == ()


def test_a_damaged_video_says_how_many_frames_are_left(damaged_video):
    report = probe(damaged_video)
    assert report.metadata_frames == 150 > report.readable
    assert f"150 frames, but {report.readable} can be read" in report.problems[0]
    assert any("could not be decoded" in problem for problem in report.problems)


def test_a_long_video_with_one_key_frame_is_not_seekable(make_video):
    report = probe(make_video("long.mp4", n=320, options={**B_FRAMES, "g": "1000", "preset": "ultrafast"}))
    assert not report.seekable
    assert any("decoding from the start" in problem for problem in report.problems)


def test_what_is_no_video_is_an_error(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.mp4 is empty"):
        probe(tmp_path / "a.mp4")


@pytest.fixture
def folder(tmp_path, b_frame_video):
    for name in ("b.mp4", "a.AVI", "c.mkv", "b_labeled.mp4", ".~hidden.mp4"):
        shutil.copy(b_frame_video, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no video")
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path


def test_the_videos_of_a_folder_are_found_by_suffix_without_our_own_labelled_ones(folder):
    assert [path.name for path in find_videos([folder])] == ["a.AVI", "b.mp4", "c.mkv"]


@pytest.mark.parametrize(
    ("videotype", "names"), [("mp4", ["b.mp4"]), (".avi", ["a.AVI"]), ("mkv, avi", ["a.AVI", "c.mkv"])]
)
def test_videotype_chooses_by_suffix(folder, videotype, names):
    assert [path.name for path in find_videos([str(folder)], videotype)] == names


def test_a_file_is_taken_as_it_is_and_once(folder):
    named = folder / "b_labeled.mp4"
    assert find_videos([named, folder, folder / "b.mp4"], "mp4") == [named, folder / "b.mp4"]


def test_the_user_s_folder_is_written_with_a_tilde(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert find_videos(["~/b.mp4"]) == [folder / "b.mp4"]
    assert len(find_videos(["~"])) == 3
    with pytest.raises(DataError, match="no file or folder ~nobody-of-that-name"):
        find_videos(["~nobody-of-that-name/b.mp4"])


def test_frames_are_lost_only_where_the_header_says_so_or_packets_are_damaged(make_video, damaged_video):
    sound, unknown = make_video("b_frames.mp4"), make_video("unknown.mkv", n=20)
    with VideoReader(sound) as reader, VideoReader(unknown) as matroska, VideoReader(damaged_video) as damaged:
        assert probe(unknown).metadata_frames == 0
        assert (lost_frames(reader), lost_frames(matroska)) == ([], [])
        assert "150 frames, but" in lost_frames(damaged)[0]


def test_a_video_that_may_not_be_looked_at_is_one_line_and_stops_no_other(folder, monkeypatch):
    def refuse(path, *arguments, **options):
        if Path(path).name == "b.mp4":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    stat = os.stat
    monkeypatch.setattr(os, "stat", refuse)
    assert [path.name for path in find_videos([folder])] == ["a.AVI", "b.mp4", "c.mkv"]
    (forbidden,) = find_videos([folder / "b.mp4"])
    with pytest.raises(DataError, match=r"b\.mp4 may not be read"):
        probe(forbidden)


def test_a_missing_path_and_a_folder_without_videos_are_named(folder, tmp_path):
    with pytest.raises(DataError, match=r"no file or folder .*none\.mp4"):
        find_videos([tmp_path / "none.mp4"])
    with pytest.raises(DataError, match="holds no video"):
        find_videos([folder], "webm")


def test_a_fingerprint_tells_recordings_apart(tmp_path, make_video):
    video, other = make_video("one.mp4", 30), make_video("another.mp4", 31)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(video.read_bytes())
    assert fingerprint(copy) == fingerprint(video) != fingerprint(other)
