"""What check-labels finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlc_core.errors import DataError
from dlc_core.labels.checks import check
from dlc_core.labels.files import write_labels
from dlc_core.labels.machine import MachineLabels, machine_file, write_machine
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project

from .conftest import BODYPARTS, table_of

NAN, INF = float("nan"), float("inf")


def relabel(project: Project, points: object) -> None:
    """Give the first three frames of folder a these points."""
    images = table_of("a", 3).images
    write_labels(LabelTable("ada", images, BODYPARTS, np.array(points).reshape(3, 1, 3, 2)), project.labeled_data / "a")


def test_clean_labels_have_no_problem(project: Project) -> None:
    report = check(project)
    assert (report.frames, report.points) == (5, 15)
    assert report.points_of == dict.fromkeys(BODYPARTS, 5)
    assert report.problems == () and report.kinds() == {}


def test_every_kind_of_doubtful_point_is_found_with_frame_and_name(project: Project) -> None:
    relabel(
        project,
        [
            [[-50, 3], [59.4, 39.4], [59.6, 5]],  # pixel areas reach from -1/2 to 59.5 and 39.5
            [[NAN, NAN], [NAN, NAN], [NAN, NAN]],
            [[4, NAN], [INF, 2], [5000, 5000]],
        ],
    )
    found = {
        (problem.kind, problem.where[-10:], problem.text.split(" has ")[0].split(" is ")[0])
        for problem in check(project).problems
    }
    assert found == {
        ("outside the image", "img000.png", "snout"),
        ("outside the image", "img000.png", "tail"),
        ("no point", "img001.png", "no body part"),
        ("half a point", "img002.png", "snout"),
        ("infinite", "img002.png", "leftear"),
        ("outside the image", "img002.png", "tail"),
    }
    assert check(project).points == 6 + 3 + 1, "folder b 2 has 6, half and infinite points do not count"


def test_two_body_parts_in_one_place_and_one_picture_twice_are_found(project: Project) -> None:
    relabel(project, [[[3, 4], [3, 4], [1, 2]], [[1, 1], [2, 2], [3, 3]], [[1, 1], [2, 2], [3, 3]]])
    folder = project.labeled_data / "a"
    shutil.copy(folder / "img001.png", folder / "img002.png")
    problems = {problem.kind: problem for problem in check(project).problems}
    assert set(problems) == {"same place", "same picture"}
    assert problems["same place"].text == "snout and leftear are both at 3, 4"
    assert problems["same picture"].where.endswith("img002.png") and "img001.png" in problems["same picture"].text


def test_missing_unreadable_and_unlabelled_images_are_found(project: Project) -> None:
    folder = project.labeled_data / "a"
    (folder / "img000.png").unlink()
    (folder / "img001.png").write_bytes(b"no image")
    (folder / "img777.PNG").touch()
    (folder / "._img777.PNG").touch()  # as macOS leaves them on other systems' disks
    kinds = {problem.kind: problem.where for problem in check(project).problems}
    assert kinds == {
        "missing image": "labeled-data/a/img000.png",
        "unreadable image": "labeled-data/a/img001.png",
        "not labelled": "labeled-data/a/img777.PNG",
    }


def test_frames_that_wait_to_be_refined_are_one_line_and_not_doubtful_one_by_one(project: Project) -> None:
    folder = project.labeled_data / "a"
    names = tuple(f"labeled-data/a/img{number:03d}.png" for number in (0, 801, 802))
    for name in names[1:]:
        cv2.imwrite(str(folder / Path(name).name), np.full((9, 9), int(name[-7:-4]) % 250, np.uint8))
    found = MachineLabels("DLC_x", names, ("snout",), np.ones((3, 1, 1, 2)), np.ones((3, 1, 1)))
    write_machine(found, machine_file(folder, project.iteration))
    (folder / "img777.png").touch()
    of_a = [(problem.kind, problem.where) for problem in check(project).problems if "/a" in problem.where]
    assert ("not labelled", "labeled-data/a/img777.png") in of_a
    assert ("to be refined", "labeled-data/a") in of_a and len(of_a) == 2
    (text,) = (problem.text for problem in check(project).problems if problem.kind == "to be refined")
    assert text == "2 frames have a network's labels: dlc refine, then dlc merge"

    machine_file(folder, project.iteration).write_bytes(b"damaged")
    kinds = [problem.kind for problem in check(project).problems if "/a" in problem.where]
    assert kinds == ["unreadable machine labels", "not labelled", "not labelled", "not labelled"]


def test_a_frame_listed_twice_is_reported_and_the_other_folders_are_checked(project: Project) -> None:
    csv = project.labeled_data / "a" / "CollectedData_ada.csv"
    csv.write_text(csv.read_text() + csv.read_text().splitlines()[3] + "\n")
    report = check(project)
    assert report.frames == 2
    assert [problem.kind for problem in report.problems] == ["unreadable table"]
    assert "rows 4 and 7 both label 'labeled-data/a/img000.png'" in report.problems[0].text


def test_a_project_without_labels_is_an_error(project: Project) -> None:
    shutil.rmtree(project.labeled_data)
    with pytest.raises(DataError, match="no labels"):
        check(project)


def test_the_real_projects_are_as_their_authors_left_them(data_folder: Path) -> None:
    openfield = check(Project.open(data_folder / "openfield-Pranav-2018-10-30"))
    assert (openfield.frames, openfield.points, openfield.problems) == (116, 464, ())
    reaching = check(Project.open(data_folder / "Reaching-Mackenzie-2018-08-30"))
    assert reaching.frames == 55 and reaching.points == sum(reaching.points_of.values()) < 275


def test_an_image_of_another_size_and_images_with_unused_bits_are_found(project: Project) -> None:
    folder = project.labeled_data / "a"
    cv2.imwrite(str(folder / "img001.png"), np.zeros((80, 120, 3), np.uint8))
    for file in (project.labeled_data / "b 2").glob("*.png"):
        cv2.imwrite(str(file), cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 16)
    report = check(project)
    found = {(problem.kind, problem.where, problem.text) for problem in report.problems}
    assert (
        "another size",
        "labeled-data/a/img001.png",
        "has 120 x 80 pixels, 2 of the 3 frames of the folder have 60 x 40",
    ) in found
    assert ("fewer than 16 bits", "labeled-data/b 2") in {(kind, where) for kind, where, _ in found}
    assert report.depths == {"labeled-data/b 2": 10}, "320 is the highest value"
