"""DeepLabCut's own files: the structure and types that DeepLabCut 3.0.2 writes, and splits that stay what they are.

What DeepLabCut writes was looked up in files it made (Documentation pickle: list of dicts, two int64 arrays, float;
.mat: a 1 x n struct array; metadata.yaml); that it also reads and trains on ours is checked by
benchmarks/deeplabcut_interop.py.
"""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.io
from ruamel.yaml import YAML

from dlc_core.data.create import TrainingSet, create_training_dataset
from dlc_core.data.dataset_names import DatasetNames
from dlc_core.data.deeplabcut_files import read_deeplabcut_split
from dlc_core.data.documentation import read_documentation
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.files import read_folder, read_project_labels, write_labels
from dlc_core.labels.table import LabelTable


def names_of(project) -> DatasetNames:
    return DatasetNames(project.dataset_folder(), project.name, project.date, project.scorer)


def make(project, **options):
    return create_training_dataset(project, read_project_labels(project), **options)


def rows_of(project) -> list[str]:
    table = pd.read_hdf(names_of(project).labels(".h5"))
    return ["/".join(row) for row in table.index]


def test_the_documentation_numbers_the_rows_of_the_merged_table(labelled_project):
    made = make(labelled_project, fractions=[0.75])[0]
    path = names_of(labelled_project).folder / "Documentation_data-reach_75shuffle1.pickle"
    items, train, test, fraction = pickle.loads(path.read_bytes())
    rows = rows_of(labelled_project)
    assert [rows[row] for row in sorted(train)] == sorted(made.split.train)
    assert [rows[row] for row in sorted(test)] == sorted(made.split.test)
    assert train.dtype == test.dtype == np.int64
    assert fraction == 0.75 and isinstance(fraction, float)
    assert isinstance(items, list) and len(items) == len(train)
    assert items[0].keys() == {"image", "size", "joints"}
    assert isinstance(items[0]["image"], tuple) and len(items[0]["image"]) == 3
    assert items[0]["joints"].dtype == np.int64 and items[0]["joints"].shape[1] == 3


def test_the_merged_table_is_sorted_and_holds_every_labelled_row(labelled_project):
    make(labelled_project, fractions=[0.75])
    table = pd.read_hdf(names_of(labelled_project).labels(".h5"), key="df_with_missing")
    assert table.index.is_monotonic_increasing
    assert list(table.index.names) == [None, None, None]
    assert list(table.columns.names) == ["scorer", "bodyparts", "coords"]
    assert (table.dtypes == np.float64).all()
    labels = read_project_labels(labelled_project)
    assert sorted(labels.images) == rows_of(labelled_project)
    expected = labels.select(rows_of(labelled_project)).keypoints.reshape(len(table), -1)
    np.testing.assert_array_equal(table.to_numpy(), expected)
    csv = names_of(labelled_project).labels(".csv").read_text().splitlines()
    assert csv[0] == "scorer,,,Me,Me,Me,Me,Me,Me"
    assert csv[3].startswith("labeled-data,arena,img00.png,")


def test_the_mat_file_has_a_struct_per_training_frame(labelled_project):
    made = make(labelled_project, fractions=[0.75])[0]
    dataset = scipy.io.loadmat(names_of(labelled_project).folder / "reach_Me75shuffle1.mat")["dataset"]
    assert dataset.shape == (1, len(made.split.train))
    assert dataset.dtype.names == ("image", "size", "joints")
    found = {"/".join(part.strip() for part in item["image"][0]): item for item in dataset[0]}
    assert set(found) == set(made.split.train)
    name = "labeled-data/cage/img00.png" if "labeled-data/cage/img00.png" in found else made.split.train[0]
    channels, height, width = found[name]["size"][0]
    assert (channels, height, width) == (3, *made.frames.size(name))
    joints = found[name]["joints"][0, 0]
    points = made.labels.select([name]).keypoints[0, 0]
    expected = [[part, int(x), int(y)] for part, (x, y) in enumerate(points) if np.isfinite(x)]
    np.testing.assert_array_equal(joints, expected)


def test_points_on_or_beyond_the_border_are_not_in_the_mat_file_as_in_deeplabcut(labelled_project):
    folder = labelled_project.labeled_data / "arena"
    labels = read_folder(folder)
    points = labels.keypoints.copy()
    points[:, 0, 0] = (0.4, 10)  # truncated to 0
    points[:, 0, 2] = (10, 48)  # the image has 32 rows
    write_labels(LabelTable("Me", labels.images, labels.bodyparts, points), folder)
    make(labelled_project, fractions=[0.75])
    path = names_of(labelled_project).documentation(0.75, 1)
    for item in pickle.loads(path.read_bytes())[0]:
        if item["image"][1] == "arena":
            assert set(item["joints"][:, 0]) <= {1}


def test_validation_frames_are_in_neither_list(labelled_project):
    made = make(labelled_project, fractions=[0.75], validation=0.25)[0]
    _, train, test, _ = pickle.loads(names_of(labelled_project).documentation(0.75, 1).read_bytes())
    assert len(train) == len(made.split.train) == 6
    assert len(test) == len(made.split.test)
    held = {rows_of(labelled_project).index(name) for name in made.split.validation}
    assert len(held) == 2 and not held & {*train, *test}


def test_metadata_lists_shuffles_and_shares_numbers_of_equal_splits(labelled_project, tmp_path):
    first = make(labelled_project, shuffles=[1, 3])[0]
    path = tmp_path / "split.json"
    path.write_text(json.dumps(first.split.as_dict()))
    make(labelled_project, shuffles=[2], fractions=[0.75], method="file", file=path)
    found = YAML(typ="safe").load(names_of(labelled_project).metadata.read_text())["shuffles"]
    assert list(found) == [
        f"reachNov21-trainset{p}shuffle{s}" for p, s in ((50, 1), (50, 3), (75, 1), (75, 2), (75, 3))
    ]
    one = found["reachNov21-trainset75shuffle1"]
    assert one == {"train_fraction": 0.75, "index": 1, "split": one["split"], "engine": "pytorch"}
    assert found["reachNov21-trainset75shuffle2"]["split"] == one["split"]
    assert len({entry["split"] for entry in found.values()}) == 4


def test_older_shuffles_keep_their_frames_when_labels_are_added(labelled_project):
    before = make(labelled_project, fractions=[0.75])[0]
    folder = labelled_project.labeled_data / "arena"
    labels = read_folder(folder)
    new = "labeled-data/arena/aaa.png"  # sorts before every other row
    (labelled_project.root / new).write_bytes((labelled_project.root / labels.images[0]).read_bytes())
    points = np.concatenate([labels.keypoints, labels.keypoints[:1]])
    write_labels(LabelTable("Me", (*labels.images, new), labels.bodyparts, points), folder)
    make(labelled_project, shuffles=[2], fractions=[0.75])
    assert rows_of(labelled_project)[0] == new
    found = read_deeplabcut_split(names_of(labelled_project), 0.75, 1)
    assert (set(found.train), set(found.test)) == (set(before.split.train), set(before.split.test))
    assert TrainingSet.open(labelled_project, 1).split == before.split


@pytest.fixture
def deeplabcut_made(labelled_project):
    """Return a project with a shuffle as DeepLabCut leaves it: its files, and nothing of ours."""
    made = make(labelled_project, fractions=[0.75], seed=5)[0]
    made.path.unlink()
    path = names_of(labelled_project).documentation(0.75, 1)
    items, train, test, fraction = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps([items, train[::-1], np.append(test, -1), fraction]))  # shuffled and padded
    names_of(labelled_project).metadata.unlink()
    return labelled_project, made.split


def test_a_shuffle_of_deeplabcut_is_not_overwritten_unasked(deeplabcut_made):
    project, _ = deeplabcut_made
    with pytest.raises(DataError, match=r"made by DeepLabCut.*split.method=deeplabcut"):
        make(project, fractions=[0.75])
    assert make(project, fractions=[0.75], overwrite=True)


def test_a_split_of_deeplabcut_can_be_taken_over_and_its_files_stay(deeplabcut_made):
    project, split = deeplabcut_made
    before = {path: path.read_bytes() for path in project.dataset_folder().glob("*.*") if path.is_file()}
    made = make(project, fractions=[0.75], method="deeplabcut")[0]
    assert (set(made.split.train), set(made.split.test)) == (set(split.train), set(split.test))
    assert made.split.method == "deeplabcut"
    assert before == {path: path.read_bytes() for path in project.dataset_folder().glob("*.*") if path.is_file()}
    with pytest.raises(DataError, match="made no trainset75shuffle2"):
        make(project, fractions=[0.75], shuffles=[2], method="deeplabcut")
    with pytest.raises(ConfigError, match=r"split\.validation does not go with"):
        make(project, fractions=[0.75], method="deeplabcut", validation=0.1, overwrite=True)


def test_shuffles_from_before_there_was_a_list_stay_known_as_tensorflow_ones(deeplabcut_made):
    project, _ = deeplabcut_made
    make(project, fractions=[0.75], shuffles=[2])
    found = YAML(typ="safe").load(names_of(project).metadata.read_text())["shuffles"]
    assert found["reachNov21-trainset75shuffle1"]["engine"] == "tensorflow"
    assert found["reachNov21-trainset75shuffle2"]["engine"] == "pytorch"


def test_documentation_that_does_not_fit_the_table_is_an_error(deeplabcut_made):
    project, _ = deeplabcut_made
    table = names_of(project).labels(".csv")
    table.write_text("\n".join(table.read_text().splitlines()[:6]) + "\n")
    with pytest.raises(DataError, match=r"names row \d+ of .*which has 3 rows"):
        make(project, fractions=[0.75], method="deeplabcut")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"shuffles: [1, 2]", b"shuffles:\n  reachNov21-trainset75shuffle1: {index: 1}\n"]
)
def test_a_list_of_shuffles_that_cannot_be_read_is_named(labelled_project, content):
    make(labelled_project, fractions=[0.75])
    names_of(labelled_project).metadata.write_bytes(content)
    with pytest.raises(DataError, match=r"metadata\.yaml.*Delete it"):
        make(labelled_project, fractions=[0.75], shuffles=[2])


@pytest.mark.parametrize("content", [[[], 3, [], 0.5], [[], ["x"], [], 0.5], [[], [1], [2], "half"], [1, 2]])
def test_a_documentation_of_something_else_is_named(tmp_path, content):
    path = tmp_path / "Documentation_data-reach_75shuffle1.pickle"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"shuffle1\.pickle is no documentation"):
        read_documentation(path)


def test_no_file_of_ours_has_a_name_deeplabcut_takes_for_its_own(labelled_project):
    make(labelled_project)
    ours = [*labelled_project.root.glob("dlc-models*/**/*"), *labelled_project.dataset_folder().glob("dlc-core/*")]
    assert ours
    assert not (labelled_project.root / "dlc-models-pytorch").exists()
    assert not (labelled_project.root / "dlc-models").exists()
    assert not [path for path in ours if path.name.startswith(("snapshot-", "Documentation_data", "CollectedData"))]
