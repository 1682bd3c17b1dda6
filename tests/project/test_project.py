"""Opening projects wherever they lie, and where their parts are."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dlc_core.errors import ConfigError, ProjectError
from dlc_core.project.project import Project, file_name
from dlc_core.video.crop import Crop

CONFIG = "Task: reach\nscorer: ada\ndate: Oct30\nbodyparts: [hand, elbow]\n"


def project_with(root: Path, text: str = "") -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(CONFIG + text, encoding="utf-8")
    return Project.open(root)


def test_real_projects_open_unchanged_from_a_place_with_odd_letters(data_folder: Path, tmp_path: Path) -> None:
    for name, parts, scorer in (
        ("openfield-Pranav-2018-10-30", 4, "Pranav"),
        ("Reaching-Mackenzie-2018-08-30", 5, "Mackenzie"),
    ):
        root = tmp_path / "Änderung = 1, #2" / name
        root.mkdir(parents=True)
        shutil.copy(data_folder / name / "config.yaml", root)
        before = (root / "config.yaml").read_bytes()
        project = Project.open(root / "config.yaml")
        assert project.root == root
        assert len(project.skeleton.keypoints) == parts and project.scorer == scorer
        assert project.videos() == {} and project.missing_videos() == ["WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"]
        assert (root / "config.yaml").read_bytes() == before


def test_the_skeleton_of_a_real_project_is_read(data_folder: Path) -> None:
    project = Project.open(data_folder / "Reaching-Mackenzie-2018-08-30")
    assert project.skeleton.edges == (("Hand", "Finger1"), ("Joystick1", "Joystick2"))


def test_folders_are_those_of_deeplabcut(tmp_path: Path) -> None:
    project = project_with(tmp_path, "iteration: 2\n")
    assert project.dataset_folder() == tmp_path / "training-datasets/iteration-2/UnaugmentedDataSet_reachOct30"
    assert project.dataset_folder(0).parent.name == "iteration-0"
    assert project.models_folder() == tmp_path / "dlc-models-core" / "iteration-2"


def test_videos_are_found_as_written_relative_and_by_name(tmp_path: Path) -> None:
    elsewhere = tmp_path / "videos of Zoë" / "a=1.mp4"
    elsewhere.parent.mkdir()
    elsewhere.touch()
    root = tmp_path / "project"
    (root / "videos").mkdir(parents=True)
    for name in ("b.avi", "c d.mp4", "e.mp4", "unlisted.mp4"):
        (root / "videos" / name).touch()
    project = project_with(
        root,
        "video_sets:\n"
        f"  {elsewhere}:\n    crop: 0, 640, 0, 480\n"
        "  C:\\Users\\ada\\rig\\b.avi:\n    crop: 0, 10, 5, 20\n"
        "  /home/moved/away/c d.mp4:\n"
        "  videos/e.mp4:\n    crop: ''\n"
        "  /gone/f.mp4:\n    crop: 0, 1, 0, 1\n",
    )
    assert project.videos() == {
        elsewhere: Crop(0, 640, 0, 480),
        root / "videos" / "b.avi": Crop(0, 10, 5, 20),
        root / "videos" / "c d.mp4": None,
        root / "videos" / "e.mp4": None,
    }
    assert project.missing_videos() == ["/gone/f.mp4"]
    assert project.video_of("b") == root / "videos" / "b.avi"
    assert project.video_of("unlisted") == root / "videos" / "unlisted.mp4"
    assert project.video_of("f") is None


@pytest.mark.parametrize("before", ["/home/ada/reach", "C:\\Users\\ada\\reach"])
def test_a_copied_project_uses_its_own_videos(tmp_path: Path, before: str) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    made = before if "\\" in before else str(original)
    inside = f"{made}\\films\\a.mp4" if "\\" in made else f"{made}/films/a.mp4"
    text = f"project_path: {made}\nvideo_sets:\n  {inside}:\n    crop: 0, 4, 0, 3\n  /elsewhere/b.mp4:\n    crop: ''\n"
    for root in (original, copy):
        for name in ("films/a.mp4", "videos/b.mp4"):
            (root / name).parent.mkdir(parents=True)
            (root / name).touch()
    project_with(original, text)
    videos = project_with(copy, text).videos()
    assert videos == {copy / "films" / "a.mp4": Crop(0, 4, 0, 3), copy / "videos" / "b.mp4": None}


def test_a_copied_project_that_deeplabcut_has_opened_since_uses_its_own_videos(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    for root in (original, copy):
        (root / "videos").mkdir(parents=True)
        (root / "videos" / "a.mp4").touch()
    (original / "videos" / "b.mp4").touch()
    text = f"video_sets:\n  {original}/videos/a.mp4:\n    crop: ''\n  {original}/videos/b.mp4:\n    crop: ''\n"
    project_with(original, f"project_path: {original}\n{text}")
    project = project_with(copy, f"project_path: {copy}\n{text}")  # DeepLabCut renews this key alone
    assert list(project.videos()) == [copy / "videos" / "a.mp4", original / "videos" / "b.mp4"]


def test_a_path_that_this_user_may_not_look_at_counts_as_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "m.mp4").touch()
    stat = os.stat

    def refuse(path: object, *arguments: object, **options: object) -> os.stat_result:
        if str(path).startswith("/home/alice"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)  # type: ignore[call-overload, no-any-return]

    project = project_with(tmp_path, "video_sets:\n  /home/alice/m.mp4:\n    crop: ''\n  /home/alice/n.mp4:\n")
    monkeypatch.setattr(os, "stat", refuse)
    assert list(project.videos()) == [tmp_path / "videos" / "m.mp4"]
    assert project.missing_videos() == ["/home/alice/n.mp4"]


def test_a_crop_that_cannot_be_read_names_video_and_line(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    project = project_with(tmp_path, "video_sets:\n  a.mp4:\n    crop: 0, wide, 0, 2\n")
    with pytest.raises(ConfigError, match=r"config\.yaml, video_sets \(line 5\), video a\.mp4"):
        project.videos()


@pytest.mark.parametrize(
    ("path", "name"),
    [("C:\\a\\b c.avi", "b c.avi"), ("/x/y.mp4", "y.mp4"), ("\\\\server\\share\\v.mp4", "v.mp4"), ("v.mp4", "v.mp4")],
)
def test_the_name_of_a_video_is_found_in_paths_of_any_system(path: str, name: str) -> None:
    assert file_name(path) == name


def test_a_skeleton_line_to_an_unknown_body_part_is_left_out_with_a_notice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path, "skeleton: [[hand, elbow], [hand, elbo]]\n")
    assert project.skeleton.edges == (("hand", "elbow"),)
    assert "'elbo' is no body part" in capsys.readouterr().err


def test_symmetric_pairs_come_from_their_key_and_must_exist(tmp_path: Path) -> None:
    assert project_with(tmp_path, "symmetric_bodyparts: [[hand, elbow]]\n").skeleton.symmetric == (("hand", "elbow"),)
    with pytest.raises(ConfigError, match="Did you mean 'elbow'"):
        project_with(tmp_path, "symmetric_bodyparts: [[hand, elbw]]\n").skeleton  # noqa: B018


def test_the_nearest_project_upwards_is_found_and_other_config_files_are_passed_by(tmp_path: Path) -> None:
    project_with(tmp_path / "p")
    inner = tmp_path / "p" / "labeled-data" / "mouse"
    inner.mkdir(parents=True)
    (inner / "config.yaml").write_text("backbone: resnet50\n")
    assert Project.find(inner).root == tmp_path / "p"


def test_without_a_project_the_folders_searched_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        Project.find(tmp_path)
    assert str(tmp_path) in str(caught.value) and str(tmp_path.parent) in str(caught.value)
    assert "create-project" in str(caught.value)


def test_a_broken_config_upwards_is_reported_not_passed_by(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("Task: a\nscorer: b\n  bad: 1\n")
    with pytest.raises(ConfigError, match="line 3"):
        Project.find(tmp_path)


def test_a_path_without_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"has no config\.yaml"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="nowhere does not exist"):
        Project.open(tmp_path / "nowhere")


def test_a_misspelt_key_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        project_with(tmp_path, "pcutof: 0.2\n")
    assert capsys.readouterr().err.count("pcutof`") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; lines like `Task: reaching` are expected. Put back a copy"),
        (b"# nothing\n", "is empty"),
        (b"- a\n", "holds no keys"),
        (b"\tTask: a\n", "line 1 is no valid YAML"),
        (b"Task: a\n\x00\x01", "line 2 holds the sign U+0000, which no text file has"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_damaged_config_hides_no_project_further_up(tmp_path: Path, content: bytes, message: str) -> None:
    project_with(tmp_path / "p")
    (tmp_path / "p" / "inner").mkdir()
    (tmp_path / "p" / "inner" / "config.yaml").write_bytes(content)
    for find in (Project.find, Project.open):
        with pytest.raises(ConfigError) as raised:
            find(tmp_path / "p" / "inner")
        assert message in str(raised.value) and "unicode string" not in str(raised.value)


@pytest.mark.parametrize(("kind", "message"), [("folder", "Is a directory"), ("loop", "Too many levels")])
def test_a_config_that_is_no_file_hides_no_project_further_up(tmp_path: Path, kind: str, message: str) -> None:
    project_with(tmp_path / "p")
    config = tmp_path / "p" / "inner" / "config.yaml"
    config.parent.mkdir()
    if kind == "folder":
        config.mkdir()
    else:
        config.symlink_to(config)
    for find in (Project.find, Project.open):
        with pytest.raises(ConfigError, match=message):
            find(config.parent)


def test_a_negative_iteration_is_refused(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    for folder in (project.dataset_folder, project.models_folder):
        with pytest.raises(ConfigError, match="iteration is -1; a whole number from 0 is needed"):
            folder(-1)
