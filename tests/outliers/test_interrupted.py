"""An extraction that is killed, or that meets another one: images and machine labels stay together."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dlc_plugins.frame_selectors.uniform import Uniform

from dlc_core.errors import DataError
from dlc_core.frames.extract import extract_frames
from dlc_core.frames.grab import grab_frames
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.machine import machine_file, read_machine
from dlc_core.lock import holding
from dlc_core.outliers.extract import Choice, extract_outliers
from dlc_core.refine.editing import Edit, RefineEditor
from dlc_core.video.crop import Crop
from dlc_core.video.reader import VideoReader

from .conftest import poses_of, write_store
from .test_extract import BAD, extract, find, machine

KILLED = """
import os, signal, sys
from pathlib import Path
from dlc_plugins.frame_selectors.uniform import Uniform
from dlc_plugins.outlier_detectors.uncertain import Uncertain
from dlc_core.frames import frame_files
from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.extract import Choice, extract_outliers, find_outliers
from dlc_core.project.project import Project

video, left = Path(sys.argv[2]), int(sys.argv[3])
write = frame_files.write_bytes

def dying(path, data):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    write(path, data)

frame_files.write_bytes = dying
project, poses = Project.open(sys.argv[1]), PoseFile.open(sys.argv[4])
choice = Choice(Uniform(), n=6, crop="17,111,9,88")
found = find_outliers(project, video, poses, Uncertain(0.01, False, poses.skeleton), choice)
extract_outliers(project, found, choice)
"""


@pytest.mark.parametrize("images", [0, 3])
def test_a_kill_leaves_no_image_without_machine_labels_and_the_next_run_none_without_an_image(project, video, images):
    store = write_store(video, bad=BAD)
    words = [sys.executable, "-c", KILLED, str(project.root), str(video), str(images), str(store)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = project.labeled_data / "reach1"
    there = {path.name for path in folder.glob("img*.png")}
    assert len(there) == images
    assert there <= {Path(image).name for image in machine(project).images}
    extract(project, video, n=20)
    labels = machine(project)
    assert len(labels.images) == 8
    assert {Path(image).name for image in labels.images} == {path.name for path in folder.glob("img*.png")}
    frames = [int(image[-6:-4]) for image in labels.images]
    offsets = poses_of(video)[0][frames] - labels.keypoints
    assert np.abs(offsets[:images] - (17, 9)).max(initial=0) < 0.01, "those were cropped"
    assert np.abs(offsets[images:]).max() < 0.01, "what was noted before the kill is not kept for another crop"


def test_frames_that_are_extracted_as_training_frames_after_a_kill_have_no_machine_labels_of_another_crop(
    project, video
):
    store = write_store(video, bad=BAD)
    words = [sys.executable, "-c", KILLED, str(project.root), str(video), "0", str(store)]
    assert subprocess.run(words, check=False, capture_output=True).returncode == -signal.SIGKILL
    noted = [int(image[-6:-4]) for image in machine(project).images]
    assert len(noted) == 6
    folder = project.labeled_data / "reach1"
    with VideoReader(video) as reader:
        grab_frames(reader, folder, noted[:1], None)
        assert [int(image[-6:-4]) for image in machine(project).images] == noted[1:]
        grab_frames(reader, folder, noted[1:2], Crop(17, 111, 9, 88))
    assert [int(image[-6:-4]) for image in machine(project).images] == noted[1:], "they are of this very crop"
    machine_file(folder, 0).rename(machine_file(folder, 7))
    extract_frames(project, Uniform(), n=1000, crop="none")
    kept = read_machine(machine_file(folder, 7))
    assert [int(image[-6:-4]) for image in kept.images] == noted[1:2], "those of other iterations might be merged, too"


@pytest.mark.parametrize("kind", ["labelled", "corrected"])
def test_an_image_of_another_part_is_not_written_where_a_person_has_labelled_the_frame(project, video, kind):
    write_store(video, bad=BAD)
    extract(project, video, n=1)
    (image,) = machine(project).images
    opened = RefineEditor if kind == "corrected" else LabelEditor
    with opened.open(project, "reach1") as editor:
        editor.apply(Edit(image=image, set={"snout": (1.0, 2.0)}))
    (project.root / image).unlink()
    before = machine(project)
    (result,) = extract_frames(project, Uniform(), n=1000, crop="17,111,9,88", videos=[video.name])
    assert (
        result.failed
        and "a person has labelled it on the whole frame; an image of the crop 17,111,9,88" in result.problem
    )
    assert machine(project) == before and not result.indices
    (result,) = extract_frames(project, Uniform(), n=1000, crop="none", videos=[video.name])
    assert not result.failed and (project.root / image).is_file()


def test_training_frames_come_also_beside_machine_labels_that_nobody_can_read(project, video, capsys):
    file = machine_file(project.labeled_data / "reach1", 0)
    file.write_bytes(b"no HDF5")
    (result,) = extract_frames(project, Uniform(), n=2, videos=[video.name])
    assert len(result.indices) == 2 and str(file) in capsys.readouterr().err and file.read_bytes() == b"no HDF5"


def test_what_a_person_has_corrected_is_kept_and_so_is_what_a_person_took_away_for_a_while(project, video, tmp_path):
    write_store(video, bad=BAD)
    extract(project, video, n=3)
    before = machine(project)
    away, corrected, moved = before.images
    with RefineEditor.open(project, "reach1") as editor:
        editor.apply(Edit(image=corrected, set={"snout": (1.0, 2.0)}))
    (project.root / moved).parent.joinpath("removed").mkdir()
    (project.root / moved).rename((project.root / moved).parent / "removed" / Path(moved).name)
    (project.root / away).rename(tmp_path / "away.png")
    (project.root / corrected).unlink()
    extract(project, video, n=1, start=0.9)
    assert machine(project).images[:3] == before.images
    (tmp_path / "away.png").rename(project.root / away)
    assert machine(project).keypoints[0].tolist() == before.keypoints[0].tolist()


def test_one_extraction_at_a_time_for_a_folder(project, video):
    write_store(video, bad=BAD)
    with holding(project.labeled_data / "reach1" / ".extract.lock", lambda holder: DataError(holder)):
        found = find(project, video)
        with pytest.raises(DataError, match=r"outlier frames are being written to .*reach1 by process \d+"):
            extract_outliers(project, found, Choice(Uniform()))
    assert not list((project.labeled_data / "reach1").glob("img*"))


def test_frames_that_somebody_else_has_taken_meanwhile_leave_no_empty_table(project, video):
    write_store(video, bad=BAD)
    found = find(project, video)
    for frame in BAD:
        (project.labeled_data / "reach1" / f"img{frame:02}.png").write_bytes(b"labelled by hand")
    assert extract_outliers(project, found, Choice(Uniform()))[1].indices == ()
    assert not list((project.labeled_data / "reach1").glob("machine*"))


def test_a_frame_whose_removed_image_was_deleted_may_come_again_with_its_machine_labels(project, video):
    write_store(video, bad=BAD)
    extract(project, video, n=3)
    image = machine(project).images[0]
    with LabelEditor.open(project, "reach1") as editor:
        moved = editor.remove_frame(image)
    moved.unlink()
    extract(project, video, n=20)
    with RefineEditor.open(project, "reach1") as editor:
        assert image in editor.images and image not in editor.missing
