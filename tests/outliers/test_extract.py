"""Outliers become images with machine labels: the right frames, the right pixels, each once."""

from __future__ import annotations

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
from dlc_plugins.frame_selectors.uniform import Uniform
from dlc_plugins.outlier_detectors.uncertain import Uncertain

from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import generate_video
from dlc_core.errors import ConfigError, DataError, DiskError, PluginError
from dlc_core.files import disk_error
from dlc_core.frames import frame_files
from dlc_core.frames.extract import extract_frames
from dlc_core.inference.pose_file import PoseFile
from dlc_core.labels.machine import MachineLabels, machine_file, read_machine, write_machine
from dlc_core.outliers.extract import Choice, extract_outliers, find_outliers
from dlc_core.outliers.structures import FrameScores
from dlc_core.project.create import create_project
from dlc_core.project.project import Project
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

from .conftest import HEIGHT, WIDTH, poses_of, scorer_of, write_store

BAD = (4, 5, 6, 20, 21, 40, 41, 59)
UNCERTAIN = Uncertain(0.01, False, SKELETON)


class Constant:
    """A detector that returns what it is told to."""

    needs: frozenset[str] = frozenset()

    def __init__(self, score, threshold=0.5, higher_is_worse=True):
        self.scores = FrameScores(np.asarray(score, np.float32), threshold, higher_is_worse)

    def score(self, _):
        return self.scores


def find(project, video, choice=None, detector=UNCERTAIN, **more):
    poses = PoseFile.open(next(video.parent.glob(f"{video.stem}DLC*.zarr")))
    return find_outliers(project, video, poses, detector, choice or Choice(Uniform()), **more)


def extract(project: Project, video: Path, **choice):
    chosen = Choice(Uniform(), **choice)
    return extract_outliers(project, find(project, video, chosen), chosen)[1]


def machine(project: Project, name: str = "reach1") -> MachineLabels:
    return read_machine(machine_file(project.labeled_data / name, project.iteration))


def test_the_frames_that_meet_the_criterion_are_found_and_the_worst_is_named(project, video):
    write_store(video, bad=BAD)
    found = find(project, video)
    assert found.frames.tolist() == found.candidates.tolist() == list(BAD)
    assert found.worst in BAD
    assert not list((project.labeled_data / "reach1").iterdir()), "nothing is written"
    nothing = find(project, video, bodyparts=["tailtip"])
    assert nothing.frames.tolist() == [] and nothing.scores.score[nothing.worst] == np.float32(0.9)


def test_a_frame_without_a_score_is_no_outlier(project, video):
    write_store(video)
    score = np.full(60, np.nan)
    assert find(project, video, detector=Constant(score)).worst is None
    score[[3, 9]] = (0.7, 0.2)
    found = find(project, video, detector=Constant(score))
    assert found.frames.tolist() == [3] and found.worst == 3
    assert find(project, video, detector=Constant(score, higher_is_worse=False)).worst == 9


def test_outliers_become_images_and_machine_labels_by_the_network(project, video):
    write_store(video, bad=BAD)
    extracted = extract(project, video, n=3)
    assert len(extracted.indices) == 3 and set(extracted.indices) <= set(BAD)
    labels = machine(project)
    assert labels.scorer == scorer_of("first") and labels.bodyparts == SKELETON.keypoints
    assert labels.images == tuple(f"labeled-data/reach1/img{index:02}.png" for index in extracted.indices)
    assert all((project.root / image).is_file() for image in labels.images)
    keypoints, likelihood = poses_of(video, BAD)
    np.testing.assert_array_equal(labels.keypoints, keypoints[list(extracted.indices)])
    np.testing.assert_array_equal(labels.likelihood, likelihood[list(extracted.indices)])


@pytest.mark.parametrize("analysed", [None, Crop(5, 120, 3, 90)])
@pytest.mark.parametrize("crop", ["none", "17,111,9,88", "video_sets"])
def test_a_point_of_the_frame_is_the_same_point_of_the_image_whatever_was_cropped(project, video, crop, analysed):
    """Both crops are windows of the same frame: poses are in its pixels, machine labels in those of the image."""
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace(f"0, {WIDTH}, 0, {HEIGHT}", "24, 100, 12, 80", 1))
    project = Project.open(project.root)
    write_store(video, bad=BAD, crop=analysed)
    extract(project, video, n=8, crop=crop)
    x1, y1 = {"none": (0, 0), "17,111,9,88": (17, 9), "video_sets": (24, 12)}[crop]
    labels, truth = machine(project), poses_of(video)[0][list(BAD)]
    assert np.abs(labels.keypoints + np.array([x1, y1]) - truth).max() < 0.01
    with VideoReader(video) as reader:
        for image, frame in zip(labels.images, BAD, strict=True):
            pixels = cv2.cvtColor(cv2.imread(str(project.root / image)), cv2.COLOR_BGR2RGB)
            whole = reader.read(frame)
            np.testing.assert_array_equal(pixels, whole[y1 : y1 + pixels.shape[0], x1 : x1 + pixels.shape[1]])


def test_images_with_and_without_a_crop_in_one_folder_keep_their_own_offsets(project, video):
    write_store(video, bad=BAD)
    extract(project, video, n=4, crop="17,111,9,88")
    extract(project, video, n=4, crop="none")
    labels = machine(project)
    frames = [int(image[-6:-4]) for image in labels.images]
    assert sorted(frames) == list(BAD)
    offsets = poses_of(video)[0][frames] - labels.keypoints
    assert np.abs(offsets[:4] - (17, 9)).max() < 0.01 and np.abs(offsets[4:]).max() < 0.01


def test_no_frame_is_taken_twice_and_what_is_left_is_taken_last(project, video):
    write_store(video, bad=BAD)
    first, second = (extract(project, video, n=5) for _ in range(2))
    assert len(first.indices) == 5 and len(second.indices) == 3
    assert sorted(first.indices + second.indices) == list(BAD)
    assert len(machine(project).images) == 8
    again = find(project, video)
    assert len(again.frames) == 8 and len(again.candidates) == 0


def test_frames_that_were_extracted_to_be_labelled_or_removed_by_a_person_are_not_taken(project, video):
    write_store(video, bad=BAD)
    folder = project.labeled_data / "reach1"
    (folder / "removed").mkdir()
    (folder / "removed" / "img0004.png").write_bytes(b"a bad frame")
    (folder / "img20.png").write_bytes(b"labelled by hand")
    assert find(project, video).candidates.tolist() == [frame for frame in BAD if frame not in (4, 20)]
    extract(project, video, n=8)
    assert (folder / "img20.png").read_bytes() == b"labelled by hand"
    assert len(machine(project).images) == 6
    (frames, _) = extract_frames(project, Uniform(), n=60)
    assert 4 not in frames.indices, "a selector does not bring a removed frame back either"


def test_the_same_seed_gives_the_same_frames_and_another_one_others(project, video):
    write_store(video, bad=range(60))
    choices = [Choice(Uniform(), n=6, seed=seed) for seed in (0, 0, 1)]
    chosen = []
    for choice in choices:
        extracted = extract_outliers(project, find(project, video, choice), choice)[1]
        chosen.append(extracted.indices)
        for path in extracted.folder.iterdir():
            path.unlink()
    assert chosen[0] == chosen[1] != chosen[2]


def test_outliers_are_taken_between_the_shares_of_the_video(project, video):
    write_store(video, bad=BAD)
    found = find(project, video, Choice(Uniform(), start=0.1, stop=0.5))
    # as DeepLabCut: from floor(60 * 0.1) = 6, and ceil(60 * 0.5) = 30 is not part of it
    assert found.frames.tolist() == [6, 20, 21] and found.worst in (6, 20, 21)


def test_images_that_were_written_before_a_failure_have_their_machine_labels(project, video, monkeypatch):
    write_store(video, bad=BAD)
    write = frame_files.write_bytes
    calls = iter(range(100))

    def full(path, data):
        if next(calls) == 3:
            raise disk_error(path, OSError(errno.ENOSPC, "No space left on device"))
        write(path, data)

    monkeypatch.setattr(frame_files, "write_bytes", full)
    with pytest.raises(DiskError, match="disk is full"):
        extract(project, video, n=6)
    images = {path.name for path in (project.labeled_data / "reach1").glob("img*.png")}
    assert len(images) == 3
    assert {Path(image).name for image in machine(project).images} == images
    monkeypatch.undo()
    extract(project, video, n=20)
    assert len(machine(project).images) == 8


def test_a_video_that_is_new_is_added_to_the_project(project, tmp_path):
    new = tmp_path / "new reach=3.mp4"
    generate_video(new, 60, HEIGHT, WIDTH, 0)
    write_store(new, bad=BAD)
    choice = Choice(Uniform(), n=2)
    found = find(project, new, choice)
    assert len(Project.open(project.root).videos()) == 2, "looking changes nothing"
    changed, extracted = extract_outliers(project, found, choice)
    assert [video.name for video in changed.videos()][-1] == new.name
    assert (
        extracted.folder == project.labeled_data / "new reach=3"
        and len(machine(project, extracted.folder.name).images) == 2
    )


def test_a_video_is_known_wherever_it_is_named_from(project, video, generated):
    write_store(video, bad=BAD)
    poses = PoseFile.open(next(video.parent.glob("reach1DLC*.zarr")))
    choice = Choice(Uniform(), n=2)
    found = find_outliers(project, generated[0], poses, UNCERTAIN, choice)  # the file that the project links to
    changed, extracted = extract_outliers(project, found, choice)
    assert len(changed.videos()) == 2 and len(extracted.indices) == 2


def test_the_folder_is_that_of_the_name_in_the_project_when_the_file_has_another(project, video, generated, tmp_path):
    original = tmp_path / "raw 001.mp4"
    original.write_bytes(generated[0].read_bytes())
    video.unlink()
    video.symlink_to(original)
    write_store(original, bad=BAD)
    extracted = extract(project, original, n=2)
    assert extracted.folder == project.labeled_data / "reach1"
    assert machine(project).images[0].startswith("labeled-data/reach1/")


def test_the_original_of_a_video_that_the_project_copied_is_that_video(tmp_path, generated):
    project = create_project("copies", "ada", generated, tmp_path, copy_videos=True, bodyparts=SKELETON.keypoints)
    original = tmp_path / "camera" / "reach1.mp4"
    original.parent.mkdir()
    original.write_bytes(generated[0].read_bytes())
    write_store(original, bad=BAD)
    extracted = extract(project, original, n=2)
    assert extracted.folder == project.labeled_data / "reach1" and len(Project.open(project.root).videos()) == 2


def test_another_video_of_the_same_name_is_refused(project, video, tmp_path):
    other = tmp_path / "elsewhere" / "reach1.mp4"
    other.parent.mkdir()
    generate_video(other, 60, HEIGHT, WIDTH, 5)
    write_store(other, bad=BAD)
    with pytest.raises(DataError, match=r"would share the folder labeled-data/reach1 with .*Rename one"):
        find(project, other)


def test_a_listed_video_that_moved_is_still_that_video(project, video, tmp_path, generated, capsys):
    moved = tmp_path / "disk 2" / "reach1.mp4"
    moved.parent.mkdir()
    moved.write_bytes(generated[0].read_bytes())
    video.unlink()
    config = project.root / "config.yaml"
    config.write_text(config.read_text().replace(f"0, {WIDTH}, 0, {HEIGHT}", "24, 100, 12, 80", 1))
    project = Project.open(project.root)
    write_store(moved, bad=BAD)
    extracted = extract(project, moved, n=2)
    notes = capsys.readouterr().err
    assert "config.yaml is not there;" in notes and notes.count("disk 2/reach1.mp4 is taken for it") == 1
    assert extracted.folder == project.labeled_data / "reach1"
    assert cv2.imread(str(project.root / machine(project).images[0])).shape == (68, 76, 3), "its crop counts"


def test_machine_labels_of_another_network_are_named_before_anything_is_written(project, video):
    write_store(video, bad=BAD)
    folder = project.labeled_data / "reach1"
    image = ("labeled-data/reach1/img33.png",)
    write_machine(
        MachineLabels("DLC_Other", image, ("snout",), np.ones((1, 1, 1, 2)), np.ones((1, 1, 1))),
        machine_file(folder, project.iteration),
    )
    with pytest.raises(DataError, match=r"machinelabels-iter0\.h5 holds 1 frame labelled by DLC_Other"):
        find(project, video)
    assert not list(folder.glob("img*"))


def test_machine_labels_of_an_earlier_iteration_stay_beside_the_new_ones(project, video):
    write_store(video, bad=BAD)
    config = project.root / "config.yaml"
    extract(project, video, n=3)
    before = machine_file(project.labeled_data / "reach1", 0).read_bytes()
    config.write_text(config.read_text().replace("iteration: 0", "iteration: 1"))
    project = Project.open(project.root)
    extract(project, video, n=3)
    assert len(machine(project).images) == 3
    assert machine_file(project.labeled_data / "reach1", 0).read_bytes() == before


def test_poses_of_another_version_of_the_video_are_refused(project, video):
    keypoints, likelihood = poses_of(video)
    store = write_store(video, poses=(keypoints[:50], likelihood[:50]))
    with pytest.raises(DataError, match=r"reach1\.mp4 has 60 readable frames, the poses 50; .*overwrite=true"):
        find(project, video)
    store.rename(store.with_name("other.zarr"))
    write_store(video, frame_size=(HEIGHT, 2 * WIDTH))
    with pytest.raises(DataError, match="frames of 128 x 96 pixels, those of the poses had 256 x 96"):
        find(project, video)


def test_poses_of_several_animals_are_refused(project, video):
    pair = Skeleton(("snout", "tail"), individuals=("a", "b"))
    write_store(video, poses=(np.zeros((60, 2, 2, 2), np.float32), np.zeros((60, 2, 2), np.float32)), skeleton=pair)
    with pytest.raises(DataError, match="of 2 animals"):
        find(project, video)


def test_a_detector_that_fails_or_returns_something_else_is_named(project, video):
    write_store(video)

    class Broken:
        needs: frozenset[str] = frozenset()

        def score(self, _):
            raise ZeroDivisionError("division by zero")

    with pytest.raises(PluginError, match=r"the detector Broken cannot judge 60 frames: ZeroDivisionError"):
        find(project, video, detector=Broken())
    with pytest.raises(PluginError, match=r"the detector Constant returned scores of shape \(3,\) for 60 frames"):
        find(project, video, detector=Constant([1, 2, 3]))


def test_a_crop_outside_the_frame_is_refused(project, video):
    write_store(video, bad=BAD)
    with pytest.raises(ConfigError, match="lies outside"):
        extract(project, video, n=2, crop="500,600,0,10")
