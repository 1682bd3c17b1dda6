"""Making projects: the folders, the videos, the imported labels, and nothing left behind on failure."""

from __future__ import annotations

import datetime
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from dlc_core.errors import ConfigError, DataError, DlcError, ProjectError
from dlc_core.files import disk_error
from dlc_core.labels.files import read_csv, read_project_labels, write_labels
from dlc_core.labels.from_labels import project_from_labels
from dlc_core.labels.journal import Edit, Entry, append
from dlc_core.labels.table import LabelTable
from dlc_core.labels.table_files import LabelFiles
from dlc_core.project import create
from dlc_core.project.create import add_videos, create_project
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.video.writer import VideoWriter

TODAY = datetime.datetime.now().astimezone().date()


@pytest.fixture
def video(data_folder: Path) -> Path:
    return data_folder / "mirror-mouse-example" / "videos" / "test_vid.mp4"


@pytest.fixture
def small_video(data_folder: Path) -> Path:
    return data_folder / "sleap-tests" / "small_robot_3_frame.mp4"


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Behave like Windows without the right to make links."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    yield


def test_a_project_has_the_protocol_s_folders_links_and_config(video: Path, tmp_path: Path) -> None:
    project = create_project("reach = 1", "Zoë B", [video], tmp_path / "Übung")
    assert project.root == tmp_path / "Übung" / f"reach = 1-Zoë B-{TODAY.isoformat()}"
    for folder in ("videos", "labeled-data/test_vid", "training-datasets", "dlc-models"):
        assert (project.root / folder).is_dir()
    assert (project.root / "videos" / "test_vid.mp4").is_symlink()
    assert project.videos() == {project.root / "videos" / "test_vid.mp4": Crop(0, 396, 0, 406)}
    assert project.date == TODAY.strftime("%b") + str(TODAY.day)
    assert project.config.bodyparts == ("hand", "Finger1", "Finger2", "Joystick")
    assert project.config.project_path == str(project.root)
    assert sorted(path.name for path in project.root.parent.iterdir()) == [project.root.name], "nothing is left aside"


def test_videos_are_copied_on_demand_and_body_parts_given(video: Path, tmp_path: Path) -> None:
    project = create_project("reach", "ada", [video], tmp_path, copy_videos=True, bodyparts=["snout", "tail"])
    copy = project.root / "videos" / "test_vid.mp4"
    assert not copy.is_symlink() and copy.read_bytes() == video.read_bytes()
    assert project.config.bodyparts == ("snout", "tail")


def test_videos_may_be_named_from_the_user_s_folder(
    small_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(small_video.parent))
    monkeypatch.setenv("USERPROFILE", str(small_video.parent))
    project = create_project("reach", "ada", [f"~/{small_video.name}"], tmp_path)
    assert (project.root / "videos" / small_video.name).resolve() == small_video.resolve()


def test_a_moved_project_finds_its_copied_videos(video: Path, tmp_path: Path) -> None:
    project = create_project("reach", "ada", [video], tmp_path, copy_videos=True)
    moved = project.root.rename(tmp_path / "moved")
    assert list(Project.open(moved).videos()) == [moved / "videos" / "test_vid.mp4"]


def test_where_no_links_can_be_made_videos_are_copied_with_a_notice(
    video: Path, tmp_path: Path, no_links: None, capsys: pytest.CaptureFixture[str]
) -> None:
    project = create_project("reach", "ada", [video], tmp_path)
    assert (project.root / "videos" / "test_vid.mp4").stat().st_size == video.stat().st_size
    assert "copied instead" in capsys.readouterr().err


def test_an_existing_project_is_never_overwritten(video: Path, tmp_path: Path) -> None:
    project = create_project("reach", "ada", [video], tmp_path)
    before = (project.root / "config.yaml").read_bytes()
    with pytest.raises(ProjectError, match="never overwritten"):
        create_project("reach", "ada", [video], tmp_path, bodyparts=["other"])
    assert (project.root / "config.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["a/b", "", "a:b", "..", "ends.", "x\n", "a\\b", ".hidden", "what?"])
def test_names_that_no_folder_can_have_are_refused(video: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="project name"):
        create_project(name, "ada", [video], tmp_path)
    with pytest.raises(ConfigError, match="experimenter"):
        create_project("reach", name, [video], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_more_than_255_bytes_is_one_line(video: Path, tmp_path: Path) -> None:
    with pytest.raises(DlcError, match="255"):
        create_project("ü" * 125, "ada", [video], tmp_path)


def test_what_is_no_video_stops_before_anything_is_made(video: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    twin = tmp_path / "twin" / "test_vid.avi"
    twin.parent.mkdir()
    shutil.copy(video, twin)
    target = tmp_path / "target"
    cases = [
        ([], "no video"),
        ([tmp_path / "gone.mp4"], "gone.mp4"),
        ([video, bad], "bad.mp4"),
        ([video, twin], "same name"),
    ]
    for videos, part in cases:
        with pytest.raises(DataError, match=part):
            create_project("reach", "ada", videos, target)
        assert not target.exists() or list(target.iterdir()) == []
    with pytest.raises(ConfigError, match="'a' is listed twice"):
        create_project("reach", "ada", [video], target, bodyparts=["a", "b", "a"])


@pytest.mark.parametrize("folder", ["", "x" * 128], ids=["short path", "path that YAML writes after a question mark"])
def test_videos_are_added_at_the_end_and_the_rest_of_the_config_stays(
    video: Path, small_video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    project = create_project("reach", "ada", [video], tmp_path / folder)
    file = project.root / "config.yaml"
    edited = file.read_text().replace("pcutoff: 0.1", "pcutoff: 0.3  # ours\nmy_key: 'quoted'")
    file.write_text(edited)
    project = add_videos(Project.open(project.root), [small_video, video])
    assert [path.name for path in project.videos()] == ["test_vid.mp4", "small_robot_3_frame.mp4"]
    assert (project.root / "labeled-data" / "small_robot_3_frame").is_dir()
    assert "test_vid.mp4 belongs to the project already" in capsys.readouterr().err
    lines = file.read_text().splitlines()
    added = [line for line in lines if line not in edited.splitlines()]
    path = str(project.root / "videos" / "small_robot_3_frame.mp4")
    assert len(added) == 2 and YAML(typ="safe").load("\n".join(added)) == {path: {"crop": "0, 560, 0, 320"}}
    assert [line for line in lines if line not in added] == edited.splitlines()


def test_a_video_that_lies_in_the_project_already_is_listed_where_it_lies(data_folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "openfield"
    shutil.copytree(data_folder / "openfield-Pranav-2018-10-30", root, ignore=shutil.ignore_patterns("labeled-data"))
    project = add_videos(Project.open(root), [root / "videos"])
    assert project.videos() == {root / "videos" / "m3v1mp4.mp4": Crop(0, 640, 0, 480)}
    assert not (root / "videos" / "m3v1mp4.mp4").is_symlink()
    assert "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE" in (root / "config.yaml").read_text()


def test_two_videos_of_one_name_are_refused(video: Path, tmp_path: Path) -> None:
    project = create_project("reach", "ada", [video], tmp_path)
    other = tmp_path / "other" / "test_vid.mp4"
    other.parent.mkdir()
    shutil.copy(video, other)
    before = (project.root / "config.yaml").read_bytes()
    with pytest.raises(DataError, match="Rename the new video"):
        add_videos(project, [other])
    assert (project.root / "config.yaml").read_bytes() == before


def test_a_full_disk_leaves_no_half_project(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(DlcError, match="the disk is full"):
        create_project("reach", "ada", [video], tmp_path / "new", copy_videos=True)
    assert list((tmp_path / "new").iterdir()) == []


def test_labelled_images_without_a_project_become_one(data_folder: Path, tmp_path: Path) -> None:
    source = data_folder / "mirror-mouse-example"
    project = project_from_labels(source / "CollectedData.csv", working_directory=tmp_path)
    assert (project.name, project.scorer) == ("mirror-mouse-example", "rick")
    assert len(project.config.bodyparts) == 17
    folder = project.root / "labeled-data" / "mirror-mouse-example"
    assert len(list(folder.glob("*.png"))) == 90
    assert (folder / "img01.png").read_bytes() == (source / "labeled-data" / "img01.png").read_bytes()
    original, imported = read_csv(source / "CollectedData.csv"), read_project_labels(project)
    assert np.array_equal(imported.keypoints, original.keypoints, equal_nan=True)
    assert imported.images[0] == "labeled-data/mirror-mouse-example/img01.png"
    assert sorted(path.name for path in folder.glob("CollectedData*")) == [
        "CollectedData_rick.csv",
        "CollectedData_rick.h5",
    ]


def test_an_import_has_the_edits_that_are_in_a_journal_alone(tmp_path: Path) -> None:
    source = tmp_path / "old" / "labeled-data" / "mouse"
    image = "labeled-data/mouse/img1.png"
    write_labels(LabelTable("ada", (image,), ("nose",), np.array([[[[1.0, 2.0]]]])), source)
    (source / "img1.png").write_bytes(b"an image")
    edit = Edit(image=image, set={"nose": (3.0, 4.0)})
    append(LabelFiles(source, "ada").journal, Entry(edit=edit, was={"nose": (1.0, 2.0)}))
    project = project_from_labels(source / "CollectedData_ada.csv", working_directory=tmp_path)
    assert read_project_labels(project).keypoints.tolist() == [[[[3.0, 4.0]]]]


def test_an_import_of_a_copied_folder_has_the_edits_that_were_made_under_its_old_name(tmp_path: Path) -> None:
    source = tmp_path / "copy of mouse"
    images = tuple(f"labeled-data/mouse/img{number}.png" for number in (1, 2))
    write_labels(LabelTable("ada", images[:1], ("nose",), np.array([[[[1.0, 2.0]]]])), source)
    for number, image in enumerate(images, start=1):
        (source / f"img{number}.png").write_bytes(b"an image")
        edit = Edit(image=image, set={"nose": (3.0, 4.0)})
        append(LabelFiles(source, "ada").journal, Entry(edit=edit, was={"nose": (1.0, 2.0)} if number == 1 else None))
    project = project_from_labels(source / "CollectedData_ada.csv", working_directory=tmp_path)
    labels = read_project_labels(project)
    assert labels.images == images and labels.keypoints.tolist() == [[[[3.0, 4.0]]]] * 2


def test_an_import_can_be_named_and_keeps_the_folders_it_has(data_folder: Path, tmp_path: Path) -> None:
    table = data_folder / "sleap-tests" / "dlc" / "labeled-data" / "video" / "dlc_testdata.csv"
    project = project_from_labels(table, name="robots", experimenter="Zoë", working_directory=tmp_path)
    assert project.root.name == f"robots-Zoë-{TODAY.isoformat()}"
    labels = read_project_labels(project)
    assert labels.scorer == "Zoë" and labels.bodyparts == ("A", "B", "C") and labels.folders() == ("video",)
    assert labels.keypoints[1, 0].tolist()[0] == [12.0, 13.0] and np.isnan(labels.keypoints[1, 0, 1]).all()
    with pytest.raises(ProjectError, match="never overwritten"):
        project_from_labels(table, name="robots", experimenter="Zoë", working_directory=tmp_path)


def test_an_import_without_its_images_leaves_nothing(data_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "CollectedData.csv"
    shutil.copy(data_folder / "mirror-mouse-example" / "CollectedData.csv", table)
    with pytest.raises(DataError, match="90 of them are not there"):
        project_from_labels(table, working_directory=tmp_path)
    with pytest.raises(DataError, match="multi-animal"):
        project_from_labels(data_folder / "sleap-tests" / "dlc_multiple_datasets" / "video1" / "dlc_dataset_1.csv")
    assert list(tmp_path.iterdir()) == [table]


def test_the_written_config_is_what_deeplabcut_s_own_reader_expects(video: Path, tmp_path: Path) -> None:
    content = YAML(typ="safe").load(
        (create_project("reach", "ada", [video], tmp_path).root / "config.yaml").read_text()
    )
    (path, options), *rest = content["video_sets"].items()
    assert not rest and Path(path).is_absolute() and options == {"crop": "0, 396, 0, 406"}


@pytest.fixture
def own_video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "x.mp4")


def write_video(path: Path) -> Path:
    with VideoWriter(path, 25.0, 32, 48) as writer:
        for value in (0, 90, 180):
            writer.write(np.full((32, 48, 3), value, np.uint8))
    return path


def test_a_full_disk_is_blamed_on_the_project_and_not_on_the_video(
    own_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:  # shutil names the source, and the target second
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(DlcError) as caught:
        create_project("reach", "ada", [own_video], tmp_path / "new", copy_videos=True)
    target = tmp_path / "new" / f"reach-ada-{TODAY.isoformat()}" / "videos" / "x.mp4"
    assert str(caught.value) == f"cannot write {target}: the disk is full. Free some space."
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("copy", [True, False])
def test_videos_that_cannot_be_listed_leave_nothing_in_the_project(
    own_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: bool
) -> None:
    (tmp_path / "first").mkdir()
    project = create_project("reach", "ada", [write_video(tmp_path / "first" / "y.mp4")], tmp_path / "new")
    before = sorted(project.root.rglob("*"))

    def full(path: Path, _text: str) -> None:
        raise disk_error(path, OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(create, "write_text", full)
    with pytest.raises(DlcError, match=r"config\.yaml: the disk is full"):
        add_videos(project, [own_video], copy_videos=copy)
    assert sorted(project.root.rglob("*")) == before
    assert own_video.is_file()
