"""Training sets on disk: what was written is what is read, and a damaged or missing one says so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlc_core.data.create import create_training_dataset
from dlc_core.data.splits import fold_split
from dlc_core.data.training_set import TrainingSet, percent
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.files import read_project_labels


@pytest.fixture
def made(labelled_project) -> TrainingSet:
    return create_training_dataset(labelled_project, read_project_labels(labelled_project), fractions=[0.75])[0]


def test_a_training_set_reads_back_exactly(labelled_project, made):
    found = TrainingSet.open(labelled_project)
    assert found.labels == made.labels == read_project_labels(labelled_project)
    assert found.split == made.split
    assert (found.fraction, found.shuffle, found.path) == (0.75, 1, made.path)
    assert found.fingerprint == made.fingerprint
    for name in found.split.images:
        np.testing.assert_array_equal(found.frames.image(name), made.frames.image(name))


def test_frames_without_a_point_are_in_no_part(made):
    assert "labeled-data/cage/img07.png" in made.labels.images
    assert "labeled-data/cage/img07.png" not in made.split.images
    assert made.usable_images == tuple(name for name in made.labels.images if name in made.split.images)
    assert len(made.usable_images) == 11


def test_a_fold_divides_the_same_frames_differently(made):
    fold = made.with_split(fold_split(made.usable_images, fold=1, folds=4))
    assert fold.split.images == made.split.images
    assert fold.split.test != made.split.test
    assert fold.fingerprint != made.fingerprint
    assert fold.labels is made.labels


def test_a_training_set_that_was_never_made_says_how_to_make_it(labelled_project, made):
    with pytest.raises(
        DataError,
        match=r"shuffle=4 .*there are trainset75shuffle1.*dlc create-dataset trainingsetindex=0 'shuffles=\[4\]'",
    ):
        TrainingSet.open(labelled_project, shuffle=4)
    with pytest.raises(ConfigError, match=r"trainingsetindex=2.*\[0.75, 0.5\].*0 to 1"):
        TrainingSet.open(labelled_project, trainingsetindex=2)
    with pytest.raises(DataError, match="there is none yet"):
        TrainingSet.open(labelled_project, iteration=3)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other"}', '{"format": "dlc-core training set 1"}'])
def test_a_damaged_file_is_named(labelled_project, made, text):
    made.path.write_text(text)
    with pytest.raises(DataError, match=r"shuffle-trainset75shuffle1\.json"):
        TrainingSet.open(labelled_project)


@pytest.mark.parametrize("points", [[[1, 2]], {"labeled-data/cage/img00.png": [[1, 2]]}, {"a": [["x", 2]] * 3}, 7])
def test_labels_of_another_shape_are_damage(labelled_project, made, points):
    stored = json.loads(made.path.read_text())
    stored["labels"]["points"] = points
    made.path.write_text(json.dumps(stored))
    with pytest.raises(DataError, match=r"shuffle-trainset75shuffle1\.json is damaged"):
        TrainingSet.open(labelled_project)


def test_the_file_holds_names_and_numbers_that_other_programs_can_read(made):
    stored = json.loads(made.path.read_text())
    assert stored["split"]["test"] == list(made.split.test)
    assert stored["labels"]["bodyparts"] == ["hand", "finger", "tip"]
    assert stored["labels"]["points"]["labeled-data/cage/img00.png"][1] == [None, None]


@pytest.mark.parametrize(("fraction", "expected"), [(0.95, 95), (0.8, 80), (0.29, 28), (0.57, 56)])
def test_fractions_are_named_as_deeplabcut_names_them(fraction, expected):
    assert percent(fraction) == expected


def test_what_is_missing_is_advised_with_its_iteration_and_fraction(labelled_project):
    with pytest.raises(DataError, match=r"dlc create-dataset iteration=5 trainingsetindex=1 'shuffles=\[2\]'$"):
        TrainingSet.open(labelled_project, 2, 1, 5)
    with pytest.raises(ConfigError, match="shuffle is -1; shuffles are numbered from 1"):
        TrainingSet.open(labelled_project, -1)
