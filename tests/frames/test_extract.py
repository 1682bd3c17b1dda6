"""Extraction: which frames, which pixels, and what is already there."""

from __future__ import annotations

import errno
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from dlc_plugins.frame_selectors.kmeans import Kmeans
from dlc_plugins.frame_selectors.uniform import Uniform

from dlc_core.errors import ConfigError, DataError, PluginError
from dlc_core.files import disk_error
from dlc_core.frames import frame_files
from dlc_core.frames.extract import candidate_frames, chosen_videos, extract_frames, extract_from_video
from dlc_core.frames.frame_files import read_crops
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

from .conftest import HEIGHT, WIDTH, cut_video, picture


def number_of(path: Path) -> int:
    return int(path.stem.removeprefix("img"))


def images(project: Project, video: str) -> list[Path]:
    return sorted((project.labeled_data / video).glob("img*.png"))


@pytest.mark.parametrize("selector", [Uniform(), Kmeans()])
def test_each_video_gets_n_frames_that_show_what_their_names_say(project, selector):
    results = extract_frames(project, selector, n=6)
    assert [(result.folder.name, len(result.indices)) for result in results] == [("first", 6), ("second", 6)]
    assert [len(path.stem) for path in images(project, "first")] == [len("img000")] * 6
    assert [len(path.stem) for path in images(project, "second")] == [len("img00")] * 6
    for path in images(project, "first") + images(project, "second"):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        # frames differ by 2 grey levels; half of that keeps them apart
        assert abs(image.astype(float).mean() - picture(number_of(path)).mean()) < 1


def test_frames_that_exist_are_kept_and_n_counts_new_ones(project):
    (first, _) = extract_frames(project, Uniform(), n=10)
    marked = first.folder / f"img{first.indices[0]:03}.png"
    marked.write_bytes(b"labelled by hand")
    (again, second) = extract_frames(project, Uniform(), n=10)
    assert marked.read_bytes() == b"labelled by hand"
    assert again.existing == first.indices
    assert len(again.indices) == 10
    assert not set(again.indices) & set(first.indices)
    assert len(images(project, "first")) == 20
    (third,) = extract_frames(project, Uniform(), n=20, videos=["second"])
    assert len(third.indices) == 30 - 20
    assert third.problem.startswith(str(third.video))
    assert "only 10 new frames" in third.problem
    assert not third.failed
    assert second.indices


def test_the_same_seed_chooses_the_same_frames_whichever_videos_are_listed(tmp_path, two_videos, project):
    from dlc_core.project.create import create_project

    other = create_project("frames", "tester", two_videos, working_directory=tmp_path / "other")
    both = {result.folder.name: result.indices for result in extract_frames(project, Uniform(), n=5, seed=3)}
    (alone,) = extract_frames(other, Uniform(), n=5, seed=3, videos=["second.mp4"])
    assert alone.indices == both["second"]
    (different,) = extract_frames(other, Uniform(), n=5, seed=4, videos=[str(two_videos[0])])
    assert different.indices != both["first"]


def test_start_and_stop_are_shares_of_the_video(project):
    (result,) = extract_frames(project, Uniform(), n=200, start=0.25, stop=0.5, videos=["first"])
    # as DeepLabCut: floor(101 * 0.25) = 25 and ceil(101 * 0.5) = 51, which is not part of it
    assert result.indices == tuple(range(25, 51))


def test_candidates_leave_out_what_exists():
    np.testing.assert_array_equal(candidate_frames(10, 0.0, 1.0, {2, 3, 99}), [0, 1, 4, 5, 6, 7, 8, 9])
    assert candidate_frames(3, 0.9, 1.0, {2}).dtype == np.int64


def test_a_crop_is_cut_out_and_its_place_is_remembered(project):
    (result,) = extract_frames(project, Uniform(), n=3, crop="10,42,5,25", videos=["first"])
    whole_project_image = picture(0)
    for path in images(project, "first"):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(float)
        assert image.shape == (20, 32, 3)
        ramp = image[..., 0].mean(axis=0) - image[..., 1].mean(axis=0)
        expected = (whole_project_image[0, :, 0].astype(float) - whole_project_image[0, :, 1])[10:42]
        assert np.abs(ramp - expected).max() < 3  # chroma is stored at half resolution
    assert set(read_crops(result.folder).values()) == {Crop(10, 42, 5, 25)}


def test_the_crop_of_config_yaml_is_the_default_and_can_be_switched_off(project):
    config = project.root / "config.yaml"
    text = config.read_text()
    whole = f"0, {WIDTH}, 0, {HEIGHT}"
    assert text.count(whole) == 2
    config.write_text(text.replace(whole, "8, 40, 0, 30", 1))
    changed = Project.open(project.root)
    (result,) = extract_frames(changed, Uniform(), n=2, videos=["first"])
    assert {cv2.imread(str(path)).shape for path in images(project, "first")} == {(30, 32, 3)}
    assert len(read_crops(result.folder)) == 2
    extract_frames(changed, Uniform(), n=2, crop="none", videos=["first"])
    shapes = [cv2.imread(str(path)).shape for path in images(project, "first")]
    assert sorted(shapes) == [(30, 32, 3)] * 2 + [(HEIGHT, WIDTH, 3)] * 2
    assert len(read_crops(result.folder)) == 2


def test_a_video_that_cannot_be_read_does_not_stop_the_others(project):
    (broken, _) = project.videos()
    broken.unlink()
    broken.write_bytes(b"no video any more" * 100)
    failed, good = extract_frames(project, Uniform(), n=4)
    assert failed.failed
    assert str(broken) in failed.problem
    assert failed.indices == ()
    assert len(good.indices) == 4
    assert not good.failed


def test_a_video_that_was_cut_off_is_used_and_named(tmp_path, capsys):
    cut = cut_video(tmp_path / "cut.avi")
    extract_from_video(cut, tmp_path / "frames", Uniform(), 3, 0.0, 1.0, None, np.random.default_rng(0))
    readable = VideoReader(cut).frame_count
    assert f"cut.avi: the header says 60 frames, but {readable} can be read" in capsys.readouterr().err
    assert readable < 30


def test_a_crop_outside_one_video_fails_for_it_alone(project):
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace(f"0, {WIDTH}, 0, {HEIGHT}", "500, 640, 0, 30", 1))
    failed, good = extract_frames(Project.open(project.root), Uniform(), n=4)
    assert failed.failed
    assert "500,640,0,30" in failed.problem
    assert not good.failed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n": 0}, "n is 0"),
        ({"start": -0.1}, "start is -0.1"),
        ({"start": 0.5, "stop": 0.5}, "stop is 0.5"),
        ({"stop": 60.0}, "stop is 60"),
        ({"crop": "all"}, "'all'"),
        ({"crop": "5,5,0,10"}, "holds no pixel"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_options_are_named_before_anything_is_written(project, options, named):
    with pytest.raises(ConfigError, match=named):
        extract_frames(project, Uniform(), **options)
    assert not images(project, "first")


def test_a_video_that_the_project_does_not_list_is_named_with_those_it_does(project):
    with pytest.raises(DataError, match=r"Did you mean 'first\.mp4'.*first\.mp4, second\.mp4.*add-videos"):
        chosen_videos(project, ["frst.mp4"])


def test_videos_are_found_by_path_name_and_stem(project, two_videos):
    for name in ("second", "second.mp4", str(two_videos[1])):
        assert [video.name for video in chosen_videos(project, [name])] == ["second.mp4"]


def test_missing_videos_are_said_and_the_rest_is_used(project, capsys):
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace("second.mp4", "gone.mp4"))
    for path in (project.root / "videos").glob("second.mp4"):
        path.unlink()
    assert [video.name for video in chosen_videos(Project.open(project.root))] == ["first.mp4"]
    assert "gone.mp4" in capsys.readouterr().err
    for name in ("gone", "gone.mp4"):
        with pytest.raises(DataError, match=r"the video \S+gone\.mp4 of \S+config\.yaml is not there\. Put it back"):
            chosen_videos(Project.open(project.root), [name])


def test_a_project_without_any_video_says_what_to_do(project):
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace("second.mp4", "gone.mp4").replace("first.mp4", "lost.mp4"))
    with pytest.raises(DataError, match="dlc add-videos"):
        chosen_videos(Project.open(project.root))


class Greedy:
    """A selector that ignores what it was asked for."""

    def __init__(self, answer: list[int]) -> None:
        self.answer = answer

    def select(self, *_):
        return np.array(self.answer)


class Broken:
    """A selector with a bug."""

    def select(self, *_):
        raise ZeroDivisionError("division by zero")


def test_a_selector_that_fails_is_named_and_does_not_stop_the_other_videos(project):
    results = extract_frames(project, Broken(), n=2)
    assert [result.failed for result in results] == [True, True]
    assert all("the frame selector Broken cannot choose" in result.problem for result in results)
    assert all("ZeroDivisionError: division by zero" in result.problem for result in results)


@pytest.mark.parametrize("answer", [[1, 1], [1], [1, 2, 3], [1, 500]])
def test_a_selector_that_breaks_its_contract_writes_nothing(two_videos, tmp_path, answer):
    with pytest.raises(PluginError, match="Greedy"):
        extract_from_video(two_videos[0], tmp_path, Greedy(answer), 2, 0.0, 1.0, None, np.random.default_rng(0))
    assert not list(tmp_path.iterdir())


def test_files_without_a_frame_are_one_line_each_and_do_not_stop_the_others(project):
    sound, nothing, good = (project.root / "videos" / name for name in ("sound.mp4", "nothing.avi", "first.mp4"))
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(nothing), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    (project.root / "config.yaml").write_text(
        "Task: frames\nscorer: tester\ndate: Jan31\nbodyparts: [nose]\nvideo_sets:\n"
        + "".join(f"  {path}:\n    crop: 0, 64, 0, 48\n" for path in (sound, nothing, good)),
        encoding="utf-8",
    )
    results = extract_frames(Project.open(project.root), Uniform(), n=2)
    assert [(result.failed, len(result.indices)) for result in results] == [(True, 0), (True, 0), (False, 2)]
    assert "sound.mp4 has no video stream" in results[0].problem
    assert "nothing.avi" in results[1].problem
    assert not any("\n" in result.problem for result in results)


def test_a_disk_that_fills_up_is_reported_with_what_was_written_before(project, monkeypatch):
    extract_frames(project, Uniform(), n=3, videos=["first"])
    written = []

    def fills_up(path: Path, data: bytes) -> None:
        if len(written) == 2:
            raise disk_error(path, OSError(errno.ENOSPC, "No space left on device"))
        written.append(path.write_bytes(data))

    monkeypatch.setattr(frame_files, "write_bytes", fills_up)
    (result,) = extract_frames(project, Uniform(), n=5, videos=["first"])
    assert (result.failed, len(result.indices), len(result.existing)) == (True, 2, 3)
    assert "the disk is full" in result.problem
    assert len(images(project, "first")) == 5
