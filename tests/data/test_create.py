"""Making training sets: one per fraction and shuffle, nothing overwritten unasked, nothing half done."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from dlc_core.data.create import TrainingSet, create_training_dataset
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.files import read_project_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.keys import read_pose_cfg
from dlc_core.project.runs import shuffle_folder


def make(project, **options):
    return create_training_dataset(project, read_project_labels(project), **options)


def files_below(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()


def test_every_fraction_and_shuffle_gets_a_training_set_of_its_own(labelled_project):
    made = make(labelled_project, shuffles=[1, 2])
    assert [(each.fraction, each.shuffle) for each in made] == [(0.75, 1), (0.75, 2), (0.5, 1), (0.5, 2)]
    assert [len(each.split.train) for each in made] == [8, 8, 5, 5]  # int(11 * fraction)
    assert len({each.split.test for each in made}) == 4
    assert len({each.frames.path for each in made}) == 1, "shuffles share the packed frames"
    for each in made:
        folder = shuffle_folder(labelled_project, each.fraction, each.shuffle)
        assert read_pose_cfg(folder / "train" / "pose_cfg.yaml") == {}


def test_the_same_seed_gives_the_same_split_and_another_seed_another(labelled_project):
    first = make(labelled_project, seed=1)[0].split
    assert make(labelled_project, seed=1, overwrite=True)[0].split == first
    assert make(labelled_project, seed=2, overwrite=True)[0].split.test != first.test


def test_an_existing_shuffle_is_refused_and_nothing_is_changed(labelled_project):
    make(labelled_project, fractions=[0.75])
    before = {path: path.read_bytes() for path in labelled_project.root.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=r"trainset75shuffle1 exists already.*shuffles=\[N\].*overwrite=true"):
        make(labelled_project, shuffles=[2, 1], fractions=[0.75], seed=9)
    assert before == {path: path.read_bytes() for path in labelled_project.root.rglob("*") if path.is_file()}


def test_a_pose_cfg_that_a_person_changed_survives_overwriting(labelled_project):
    make(labelled_project, fractions=[0.75])
    path = shuffle_folder(labelled_project, 0.75, 1) / "train" / "pose_cfg.yaml"
    path.write_text("global_scale: 0.6\n")
    make(labelled_project, fractions=[0.75], overwrite=True)
    assert path.read_text() == "global_scale: 0.6\n"


def test_labels_edited_later_do_not_change_a_training_set(labelled_project):
    make(labelled_project)
    before = TrainingSet.open(labelled_project).labels
    table = labelled_project.labeled_data / "cage" / "CollectedData_Me.csv"
    table.write_text(table.read_text().replace("img01", "img99"))
    assert TrainingSet.open(labelled_project).labels == before


def test_a_labelled_image_that_is_missing_is_counted_and_nothing_is_written(labelled_project):
    labels = read_project_labels(labelled_project)
    for name in ("img01", "img02"):
        (labelled_project.labeled_data / "cage" / f"{name}.png").unlink()
    with pytest.raises(DataError, match=r"2 of 11 labelled images are missing .*2 in labeled-data/cage"):
        create_training_dataset(labelled_project, labels)
    assert not files_below(labelled_project.root / "training-datasets")


def test_no_labelled_point_at_all_is_an_error(labelled_project):
    labels = read_project_labels(labelled_project)
    empty = LabelTable("Me", labels.images, labels.bodyparts, np.full_like(labels.keypoints, np.nan))
    with pytest.raises(DataError, match=r"has a point labelled by 'Me'.*any tool that writes") as caught:
        create_training_dataset(labelled_project, empty)
    assert "`dlc label`" in str(caught.value)


def test_points_outside_their_image_are_named_and_count_as_not_labelled(labelled_project, capsys):
    labels = read_project_labels(labelled_project)
    points = labels.keypoints.copy()
    row = {name: index for index, name in enumerate(labels.images)}
    points[row["labeled-data/cage/img01.png"], 0, 2] = (5000, 3)
    points[row["labeled-data/arena/img02.png"], 0, 0] = (-50, 3)
    points[row["labeled-data/arena/img03.png"], 0] = (7, 32)  # just below the last of its 32 rows
    points[row["labeled-data/cage/img03.png"], 0, 0] = (59.4, 39.4)  # on the last pixel
    wild = LabelTable("Me", labels.images, labels.bodyparts, points)
    made = create_training_dataset(labelled_project, wild, fractions=[0.75])[0]
    said = capsys.readouterr().err
    assert "5 labelled points lie outside their image and count as not labelled" in said
    assert "tip in labeled-data/cage/img01.png at 5000, 3 (of 60 x 40 pixels)" in said
    assert "hand in labeled-data/arena/img02.png at -50, 3" in said
    expected = points.copy()
    expected[row["labeled-data/cage/img01.png"], 0, 2] = np.nan
    expected[row["labeled-data/arena/img02.png"], 0, 0] = np.nan
    expected[row["labeled-data/arena/img03.png"]] = np.nan
    np.testing.assert_array_equal(TrainingSet.open(labelled_project).labels.keypoints, expected)
    assert "labeled-data/arena/img03.png" not in made.split.images, "nothing is labelled in it"
    assert "labeled-data/arena/img02.png" in made.split.images


def test_a_renamed_scorer_is_an_error_that_names_both(labelled_project):
    from dlc_core.project.project import Project

    config = labelled_project.root / "config.yaml"
    config.write_text(config.read_text().replace("scorer: Me", "scorer: You"))
    with pytest.raises(DataError, match=r"CollectedData_Me.*'You'|'You'.*Me"):
        make(Project.open(labelled_project.root))


def test_a_fraction_that_leaves_no_test_frame_is_an_error(labelled_project):
    with pytest.raises(DataError, match="leaves none to train on"):
        make(labelled_project, fractions=[0.05])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"shuffles": [0]}, "numbered from 1"), ({"fractions": [0.75, 0.751]}, "two entries that are called 75")],
)
def test_numbers_that_cannot_be_are_errors(labelled_project, options, message):
    with pytest.raises(ConfigError, match=message):
        make(labelled_project, **options)


def test_a_missing_pack_is_made_again_by_overwriting(labelled_project):
    made = make(labelled_project, fractions=[0.75])[0]
    shutil.rmtree(made.frames.path)
    with pytest.raises(DataError, match=r"missing.*overwrite=true"):
        TrainingSet.open(labelled_project)
    again = make(labelled_project, fractions=[0.75], overwrite=True)[0]
    assert again.split == made.split
    assert TrainingSet.open(labelled_project).fingerprint == again.fingerprint


def test_names_with_spaces_and_other_letters_work(labelled_project, tmp_path_factory):
    from dlc_core.project.project import Project

    root = tmp_path_factory.mktemp("ü = a, b") / "proj ect"
    shutil.copytree(labelled_project.root, root)
    (root / "labeled-data" / "cage").rename(root / "labeled-data" / "käfig = 1, #2")
    table = root / "labeled-data" / "käfig = 1, #2" / "CollectedData_Me.csv"
    table.write_text(table.read_text().replace(",cage,", ',"käfig = 1, #2",'), encoding="utf-8")
    table.with_suffix(".h5").unlink()
    made = make(Project.open(root), fractions=[0.75])[0]
    found = TrainingSet.open(Project.open(root))
    assert found.split == made.split
    assert any("käfig = 1, #2" in name for name in found.split.train)


@pytest.mark.parametrize("content", [b"", b"garbage" * 99])
def test_a_damaged_image_is_named_and_nothing_is_left(labelled_project, content):
    (labelled_project.labeled_data / "cage" / "img01.png").write_bytes(content)
    with pytest.raises(DataError, match=r"cage/img01\.png is not a readable image"):
        make(labelled_project)
    assert not files_below(labelled_project.root / "training-datasets")


def test_a_negative_seed_is_refused_before_anything_is_written(labelled_project):
    with pytest.raises(ConfigError, match="seed is -1"):
        create_training_dataset(labelled_project, read_project_labels(labelled_project), seed=-1)
    assert not labelled_project.dataset_folder().exists()


def test_12_bit_images_in_16_bit_files_are_packed_as_bright_as_they_are(labelled_project, capsys):
    folder = labelled_project.labeled_data / "cage"
    before = {}
    for file in sorted(folder.glob("*.png")):
        grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        before[f"labeled-data/cage/{file.name}"] = grey
        cv2.imwrite(str(file), grey.astype(np.uint16) * 16)
    made = make(labelled_project, fractions=[0.75])[0]
    for name in set(before) & set(made.frames.images):
        difference = made.frames.image(name)[..., 0].astype(int) - before[name]
        assert abs(difference).max() <= 1
    assert "labeled-data/cage: its 16-bit images hold values of 12 bits only" in capsys.readouterr().err


def test_an_image_of_another_size_is_named_in_a_note(labelled_project, capsys):
    cv2.imwrite(str(labelled_project.labeled_data / "cage" / "img02.png"), np.zeros((80, 120, 3), np.uint8))
    make(labelled_project, fractions=[0.75])
    assert (
        "image size differs from the other frames of the folder: labeled-data/cage/img02.png has 120 x 80 pixels, 6 of "
        "the 7 frames of the folder have 60 x 40"
    ) in capsys.readouterr().err


def test_body_parts_that_cannot_be_learnt_are_named(labelled_project, capsys):
    labels = read_project_labels(labelled_project)
    points = np.array(labels.keypoints)
    points[:, :, 2] = np.nan
    points[1:, :, 1] = np.nan
    points[1, :, 1] = 5
    one = LabelTable(labels.scorer, labels.images, labels.bodyparts, points)
    file = labelled_project.root / "split.txt"
    file.write_text(labels.images[1])
    capsys.readouterr()
    create_training_dataset(labelled_project, one, fractions=[0.75], method="file", file=file)
    said = capsys.readouterr().err
    assert "the body part 'tip' is labelled in no frame; label it, or remove it from bodyparts." in said
    assert "no training frame of shuffle 1, TrainingFraction 0.75, has a label of 'finger', which cannot" in said
    assert "'hand'" not in said
