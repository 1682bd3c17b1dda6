"""The labels of folders and projects: csv and h5 kept in step, nothing taken from elsewhere, nothing lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlc_core.errors import DataError
from dlc_core.labels.files import (
    as_dataframe,
    read_csv,
    read_folder,
    read_h5,
    read_project_labels,
    save_labels,
    write_csv,
    write_h5,
    write_labels,
)
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

from .conftest import BODYPARTS, table_of


def folder_of(project: Project, name: str = "a") -> Path:
    return project.labeled_data / name


def csv_of(project: Project, name: str = "a") -> Path:
    return folder_of(project, name) / "CollectedData_ada.csv"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """Give a new folder and the rights of somebody who is not the administrator, whom no permission stops."""
    folder = Path(tempfile.mkdtemp())
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_the_real_projects_have_all_their_labels(data_folder: Path) -> None:
    openfield = read_project_labels(Project.open(data_folder / "openfield-Pranav-2018-10-30"))
    assert openfield.keypoints.shape == (116, 1, 4, 2) and openfield.present.all()
    reaching = read_project_labels(Project.open(data_folder / "Reaching-Mackenzie-2018-08-30"))
    independent = pd.read_hdf(
        data_folder / "Reaching-Mackenzie-2018-08-30/labeled-data/reachingvideo1/CollectedData_Mackenzie.h5"
    )
    assert reaching.keypoints.shape == (55, 1, 5, 2)
    assert int((~reaching.present).sum()) == int(independent.isna().to_numpy().sum()) // 2 > 0


def test_labels_of_all_folders_come_in_one_table_in_the_order_of_the_config(project: Project) -> None:
    edit(project.config.path, "[snout, leftear, tail]", "[tail, snout, leftear]")
    labels = read_project_labels(Project.open(project.root))
    assert labels.folders() == ("a", "b 2") and len(labels.images) == 5
    own = table_of("b 2", 2)
    assert labels.bodyparts == ("tail", "snout", "leftear")
    assert np.array_equal(labels.keypoints[3:], own.keypoints[:, :, [2, 0, 1]])


def test_a_missing_h5_is_rebuilt_from_the_csv(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    before = h5.read_bytes()
    h5.unlink()
    table = read_folder(folder_of(project), "ada")
    assert read_h5(h5) == table == table_of("a", 3)
    assert len(before) == h5.stat().st_size
    assert "was missing; it was rebuilt" in capsys.readouterr().err


def without_h5(project: Project) -> None:
    csv_of(project).with_suffix(".h5").unlink()


@pytest.mark.parametrize("h5_age_s", [-100, 0, 1])
def test_reading_never_loses_points_that_only_the_h5_has(project: Project, h5_age_s: int) -> None:
    csv, h5 = csv_of(project), csv_of(project).with_suffix(".h5")
    write_csv(table_of("a", 3).select(table_of("a", 3).images[:2]), csv)
    os.utime(csv, (5000, 5000))
    os.utime(h5, (5000 - h5_age_s, 5000 - h5_age_s))
    before = h5.read_bytes()
    with pytest.raises(DataError, match=r"3 points of .*\.h5 are not in .*\.csv") as caught:
        read_folder(folder_of(project))
    assert "tail in labeled-data/a/img002.png" not in str(caught.value), "one example is enough"
    assert "snout in labeled-data/a/img002.png" in str(caught.value)
    assert "Delete or rename the one that is wrong" in str(caught.value)
    with pytest.raises(DataError, match="3 points"):
        save_labels(table_of("a", 1), folder_of(project))
    assert h5.read_bytes() == before


def test_a_csv_edited_after_the_h5_was_written_counts_and_the_old_h5_is_kept(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, h5 = csv_of(project), csv_of(project).with_suffix(".h5")
    edit(csv, "10.25", "33.5")
    os.utime(h5, (1000, 1000))
    before = h5.read_bytes()
    table = read_folder(folder_of(project))
    assert read_h5(h5) == table
    assert h5.with_name(f"{h5.name}.older").read_bytes() == before
    assert "was older than the csv and differed from it and is kept as" in capsys.readouterr().err


def test_a_point_that_the_csv_has_elsewhere_is_not_overwritten(project: Project) -> None:
    csv, h5 = csv_of(project), csv_of(project).with_suffix(".h5")
    edit(csv, "10.25", "33.5")
    edit(csv, "10.5,10.75", ",")
    os.utime(csv, (1000, 1000))
    os.utime(h5, (1000, 1000))
    before = h5.read_bytes()
    with pytest.raises(DataError, match=r"2 points .*not in .* or lie elsewhere there, the first is snout in .*img000"):
        read_folder(folder_of(project))
    assert h5.read_bytes() == before


def test_an_h5_by_another_scorer_is_not_overwritten(project: Project) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    other = table_of("a", 3)
    write_h5(LabelTable("eve", other.images, other.bodyparts, other.keypoints), h5)
    with pytest.raises(DataError, match=r"9 points .*by 'eve'"):
        read_folder(folder_of(project))


def test_points_added_to_the_csv_come_into_the_h5(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    csv = csv_of(project)
    write_h5(table_of("a", 2), csv.with_suffix(".h5"))
    assert read_folder(folder_of(project)) == table_of("a", 3)
    assert read_h5(csv.with_suffix(".h5")) == table_of("a", 3)
    assert "lacked labels of the csv" in capsys.readouterr().err


def test_a_damaged_h5_is_kept_beside_the_rebuilt_one(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    for number, content in enumerate((b"half a file", b"another half")):
        h5.write_bytes(content)
        assert read_folder(folder_of(project)) == table_of("a", 3)
        assert read_h5(h5) == table_of("a", 3)
        kept = h5.with_name(f"{h5.name}.damaged{number or ''}")
        assert kept.read_bytes() == content
        assert f"kept as {kept.name}" in capsys.readouterr().err


def test_a_damaged_h5_without_its_csv_says_what_can_be_done(project: Project) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    csv_of(project).unlink()
    h5.write_bytes(b"half a file")
    with pytest.raises(
        DataError, match=r"\(11 bytes\), and CollectedData_ada\.csv is not beside it\. Restore it or its csv"
    ):
        read_folder(folder_of(project))
    assert h5.read_bytes() == b"half a file"


@pytest.mark.parametrize("csv_is_there", [True, False])
def test_an_h5_saved_by_deeplabcut_s_labelling_program_is_as_good_as_any(project: Project, csv_is_there: bool) -> None:
    csv, h5 = csv_of(project), csv_of(project).with_suffix(".h5")
    as_dataframe(table_of("a", 3)).to_hdf(h5, key="keypoints", mode="w")
    before = h5.read_bytes()
    if csv_is_there:
        write_csv(table_of("a", 2), csv)
        os.utime(csv, (5000, 5000))
        with pytest.raises(DataError, match="3 points"):
            read_folder(folder_of(project))
    else:
        csv.unlink()
        assert read_folder(folder_of(project)) == table_of("a", 3)
    assert h5.read_bytes() == before and list(folder_of(project).glob("*.damaged")) == []


def test_an_h5_that_opens_but_is_no_label_table_is_left_alone_and_stops_the_reading(project: Project) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    pd.DataFrame({"x": [1.0]}).to_hdf(h5, key="df_with_missing", mode="w")
    before = h5.read_bytes()
    with pytest.raises(DataError, match=r"scorer, bodyparts, coords are expected.*delete or rename the one"):
        read_folder(folder_of(project))
    assert h5.read_bytes() == before and not h5.with_name(f"{h5.name}.damaged").exists()


@pytest.mark.parametrize("there", [(".csv", ".h5"), (".csv",), (".h5",), ()])
def test_labels_can_be_read_after_writing_them_was_interrupted_anywhere(
    project: Project, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> None:
    for suffix in {".csv", ".h5"} - set(there):
        csv_of(project).with_suffix(suffix).unlink()
    old, new = table_of("a", 3), table_of("a", 3, first=50)
    move = Path.replace

    def killed(source: Path, target: Path) -> Path:
        if killed_at == len(moved):
            raise KeyboardInterrupt
        moved.append(target)
        return move(source, target)

    for killed_at in range(2):
        moved: list[Path] = []
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                write_labels(new, folder_of(project))
        if there or killed_at:
            assert read_folder(folder_of(project), "ada") in (old, new)


def test_an_h5_in_step_is_left_alone_whatever_its_time(project: Project) -> None:
    h5 = csv_of(project).with_suffix(".h5")
    os.utime(h5, (1000, 1000))
    edit(csv_of(project), "10.25", "10.2500001")
    read_folder(folder_of(project))
    assert h5.stat().st_mtime == 1000, "a spreadsheet that rounds changes no label"


def test_the_h5_alone_is_enough(project: Project) -> None:
    csv_of(project).unlink()
    assert read_folder(folder_of(project)) == table_of("a", 3)
    assert not csv_of(project).exists()


def test_a_project_that_cannot_be_written_can_be_read(ordinary_user: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ordinary_user / "labeled-data" / "v"
    folder.mkdir(parents=True)
    table = table_of("v", 2)
    write_csv(table, folder / "CollectedData_ada.csv")
    folder.chmod(0o555)
    assert read_folder(folder, "ada") == table
    assert list(folder.iterdir()) == [folder / "CollectedData_ada.csv"]
    said = capsys.readouterr().err
    assert "was missing and is not rebuilt, the csv is used" in said and "permission denied" in said
    with pytest.raises(DataError, match="permission denied"):
        save_labels(table_of("v", 2, first=50), folder)


@pytest.mark.parametrize("columns", [1, 3])
def test_writing_keeps_the_style_of_the_index(project: Project, columns: int) -> None:
    write_csv(table_of("a", 3), csv_of(project), columns)
    write_labels(table_of("a", 3, first=20), folder_of(project))
    row = csv_of(project).read_text().splitlines()[3]
    assert row.startswith("labeled-data/a/img000.png,20.0" if columns == 1 else "labeled-data,a,img000.png,20.0")
    nlevels = pd.read_hdf(csv_of(project).with_suffix(".h5")).index.nlevels
    assert nlevels == columns


def test_new_labels_are_merged_into_the_old_ones(project: Project) -> None:
    new = LabelTable(
        "ada", ("labeled-data/a/img001.png", "labeled-data/a/img009.png"), ("tail",), np.full((2, 1, 1, 2), 7.0)
    )
    merged = save_labels(new, folder_of(project))
    old = table_of("a", 3)
    expected = old.keypoints.copy()
    expected[1, 0, 2] = 7
    assert np.array_equal(merged.keypoints[:3], expected)
    assert merged.images[3] == "labeled-data/a/img009.png"
    assert read_csv(csv_of(project)) == merged == read_h5(csv_of(project).with_suffix(".h5"))


def test_first_labels_of_a_folder_are_written_and_an_empty_table_survives(tmp_path: Path) -> None:
    folder = tmp_path / "labeled-data" / "new"
    save_labels(table_of("new", 2), folder)
    assert read_folder(folder) == table_of("new", 2)
    write_labels(table_of("new", 2).select([]), folder)
    assert read_folder(folder).images == ()


def test_a_renamed_scorer_is_said_and_nothing_is_left_out(project: Project) -> None:
    edit(project.config.path, "scorer: ada", "scorer: adam")
    with pytest.raises(DataError, match=r"CollectedData_ada, but the scorer of this project is 'adam'.*Did you mean"):
        read_project_labels(Project.open(project.root))
    csv_of(project).rename(csv_of(project).with_name("CollectedData_adam.csv"))
    with pytest.raises(DataError, match="holds labels by 'ada'; its name says 'adam'"):
        read_folder(folder_of(project), "adam")


def test_a_table_from_another_folder_or_project_is_refused(project: Project, data_folder: Path) -> None:
    shutil.copy(csv_of(project, "b 2"), csv_of(project, "a"))
    with pytest.raises(
        DataError, match=r"labels 'labeled-data/b 2/img000\.png', which does not lie in this folder \(a\)"
    ):
        read_project_labels(project)
    foreign = read_csv(data_folder / "openfield-Pranav-2018-10-30/labeled-data/m4s1/CollectedData_Pranav.csv")
    renamed = LabelTable(
        "ada", tuple(f"labeled-data/a/{index}.png" for index in range(116)), ("w", "x", "y", "z"), foreign.keypoints
    )
    write_labels(renamed, folder_of(project))
    with pytest.raises(DataError, match=r"labels w, x, y, z; config\.yaml has snout, leftear, tail.*another project"):
        read_project_labels(project)


@pytest.mark.parametrize("where", ["config", "table"])
def test_a_misspelt_body_part_is_named_with_its_near_name(project: Project, where: str) -> None:
    if where == "config":
        edit(project.config.path, "[snout, leftear, tail]", "[snout, leftaer, tail]")
    else:
        edit(csv_of(project), "leftear,leftear", "leftaer,leftaer")
        without_h5(project)
    with pytest.raises(DataError) as caught:
        read_project_labels(Project.open(project.root))
    found, meant = ("leftear", "leftaer") if where == "config" else ("leftaer", "leftear")
    assert f"{found!r}, which config.yaml does not have" in str(caught.value)
    assert f"Did you mean {meant!r}" in str(caught.value)


def test_a_body_part_taken_out_of_the_config_is_left_out_with_a_notice_and_a_new_one_is_empty(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(project.config.path, "[snout, leftear, tail]", "[snout, tail, whisker]")
    labels = read_project_labels(Project.open(project.root))
    assert labels.bodyparts == ("snout", "tail", "whisker")
    assert np.array_equal(labels.keypoints[:3, :, :2], table_of("a", 3).keypoints[:, :, [0, 2]])
    assert not labels.present[..., 2].any()
    assert "leftear will not be used" in capsys.readouterr().err


def test_half_and_infinite_points_count_as_absent_with_a_notice(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(csv_of(project), "10.0,10.25,10.5,10.75", "10.0,,inf,10.75")
    without_h5(project)
    labels = read_project_labels(project)
    assert np.isnan(labels.keypoints[0, 0, :2]).all() and labels.present[0, 0].tolist() == [False, False, True]
    said = capsys.readouterr().err
    assert "2 labelled points" in said and "snout in labeled-data/a/img000.png" in said


def test_a_missing_image_is_named(project: Project) -> None:
    (folder_of(project) / "img001.png").unlink()
    with pytest.raises(DataError, match=r"1 of 5 labelled images are missing.*img001\.png"):
        read_project_labels(project)
    assert len(read_project_labels(project, require_images=False).images) == 5


def test_a_project_without_labels_says_what_to_do(project: Project) -> None:
    shutil.rmtree(project.labeled_data)
    with pytest.raises(DataError, match=r"no labels in .*Label some frames first with `dlc label`"):
        read_project_labels(project)


def test_folders_of_drawn_labels_and_folders_without_labels_are_passed_by(project: Project) -> None:
    (project.labeled_data / "a_labeled").mkdir()
    shutil.copy(folder_of(project) / "img000.png", project.labeled_data / "a_labeled")
    (project.labeled_data / "not yet").mkdir()
    (project.labeled_data / ".DS_Store").touch()
    assert len(read_project_labels(project).images) == 5
    assert read_project_labels(project).bodyparts == BODYPARTS


def test_a_video_whose_name_ends_like_a_folder_of_drawn_labels_keeps_its_labels(project: Project) -> None:
    write_labels(table_of("mouse_labeled", 1), project.labeled_data / "mouse_labeled")
    labels = read_project_labels(project, require_images=False)
    assert labels.folders() == ("a", "b 2", "mouse_labeled") and len(labels.images) == 6


def test_label_tables_are_found_by_listing_and_not_by_the_videos_of_the_config(project: Project) -> None:
    assert project.config.video_sets == {}
    assert read_project_labels(project, [folder_of(project, "b 2")]).folders() == ("b 2",)
