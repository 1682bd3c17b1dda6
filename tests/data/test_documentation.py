"""Shuffles keep their frames in DeepLabCut's pickles, whatever happens to the labels and to the command.

Each check reads the pickles and the merged table as DeepLabCut does, with pickle and pandas alone.
"""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlc_core.data.create import TrainingSet, create_training_dataset
from dlc_core.errors import DataError
from dlc_core.labels.files import read_folder, read_project_labels, write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project


def make(project, **options):
    return create_training_dataset(project, read_project_labels(project), **{"fractions": [0.75], **options})


def frames_of(project, shuffle):
    """Return the frames that train and that test, as DeepLabCut finds them."""
    folder = project.dataset_folder()
    rows = ["/".join(row) for row in pd.read_hdf(folder / "CollectedData_Me.h5").index]
    content = pickle.loads((folder / f"Documentation_data-reach_75shuffle{shuffle}.pickle").read_bytes())
    return tuple({rows[row] for row in part} for part in content[1:3])


def parts(training_set):
    return set(training_set.split.train), set(training_set.split.test)


def add_frame(project, name):
    """Label one more frame, whose row comes before or between the others."""
    folder = project.labeled_data / "arena"
    labels = read_folder(folder)
    image = f"labeled-data/arena/{name}.png"
    (project.root / image).write_bytes((project.root / labels.images[0]).read_bytes())
    points = np.concatenate([labels.keypoints, labels.keypoints[:1] + len(labels.images)])
    write_labels(LabelTable("Me", (*labels.images, image), labels.bodyparts, points), folder)


def remove_frames(project, count):
    folder = project.labeled_data / "arena"
    labels = read_folder(folder)
    gone, kept = labels.images[:count], labels.images[count:]
    write_labels(labels.select(kept), folder)
    return set(gone)


class Killed(BaseException):
    """What a killed process sees: nothing."""


def interrupted(monkeypatch, before_step, command):
    """Give a command that dies before it moves its n-th file into place or removes its note; tell whether it did."""
    steps = []

    def counting(action, counts):
        def call(path, *arguments, **options):
            if counts(path):
                if len(steps) == before_step:
                    raise Killed
                steps.append(path)
            return action(path, *arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counting(Path.replace, lambda path: ".zarr" not in str(path)))
        patch.setattr(Path, "unlink", counting(Path.unlink, lambda path: path.name == "unfinished.json"))
        try:
            command()
        except Killed:
            return True
    return False


@pytest.fixture
def started(labelled_project):
    """Return a project with one shuffle, to which a frame has been added since, and that shuffle."""
    made = make(labelled_project)[0]
    add_frame(labelled_project, "aaa")
    return labelled_project, made


@pytest.mark.parametrize("meanwhile", [False, True], ids=["the same labels", "labels added meanwhile"])
def test_a_command_killed_between_any_two_writes_can_be_given_again(started, tmp_path_factory, monkeypatch, meanwhile):
    original, first = started
    for step in range(100):
        root = tmp_path_factory.mktemp("copy") / "project"
        shutil.copytree(original.root, root)
        project = Project.open(root)
        killed = interrupted(monkeypatch, step, lambda project=project: make(project, shuffles=[2]))
        if killed and meanwhile:
            add_frame(project, "aab")
        complete = (project.dataset_folder() / "dlc-core" / "shuffle-trainset75shuffle2.json").is_file()
        second = TrainingSet.open(project, 2) if complete else make(project, shuffles=[2])[0]
        if complete:
            make(project, shuffles=[3])
        assert frames_of(project, 1) == parts(first), f"killed before step {step}"
        assert frames_of(project, 2) == parts(second), f"killed before step {step}"
        assert killed or step > 0
        if not killed:
            break
        assert not (project.dataset_folder() / "dlc-core" / "unfinished.json").exists()
    assert step >= 8, "the note, a pickle, two tables, .mat, a pickle, metadata, pose_cfg, our file"


def test_other_shuffles_may_be_made_after_interruptions(started, monkeypatch):
    project, first = started
    for shuffle, step in ((2, 6), (3, 2), (4, 9)):  # a pickle made; one renumbered; several of these and a new one
        assert interrupted(monkeypatch, step, lambda shuffle=shuffle: make(project, shuffles=[shuffle]))
        add_frame(project, f"aa{shuffle}")
    assert [shuffle for shuffle in (2, 3, 4) if frames_exist(project, shuffle)], "otherwise nothing is tested"
    for shuffle in (2, 3, 4):
        made = make(project, shuffles=[shuffle])[0]
        assert frames_of(project, 1) == parts(first)
        assert frames_of(project, shuffle) == parts(made)
    assert not (project.dataset_folder() / "dlc-core" / "unfinished.json").exists()


def frames_exist(project, shuffle):
    return (project.dataset_folder() / f"Documentation_data-reach_75shuffle{shuffle}.pickle").is_file()


def test_a_shuffle_remade_by_deeplabcut_after_an_interruption_is_deeplabcuts(started, monkeypatch):
    project, _ = started
    assert interrupted(monkeypatch, 2, lambda: make(project, shuffles=[2])), (
        "the pickle is renumbered, the table is not"
    )
    path = project.dataset_folder() / "Documentation_data-reach_75shuffle1.pickle"
    items, _, _, fraction = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps([items, np.arange(2, 8), np.arange(2), fraction]))
    theirs = frames_of(project, 1)
    make(project, shuffles=[2])
    assert frames_of(project, 1) == theirs


def test_a_shuffle_that_would_lose_frames_stops_the_command_before_it_writes(labelled_project):
    first = make(labelled_project)[0]
    gone = remove_frames(labelled_project, 2)
    lost = len(gone & set().union(*parts(first)))
    before = {path: path.read_bytes() for path in labelled_project.root.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=rf"reach_75shuffle1 would lose {lost} of 11, the first is .*overwrite=true"):
        make(labelled_project, shuffles=[2])
    assert before == {path: path.read_bytes() for path in labelled_project.root.rglob("*") if path.is_file()}
    made = make(labelled_project, shuffles=[1, 2], overwrite=True)
    assert [frames_of(labelled_project, shuffle) for shuffle in (1, 2)] == [parts(each) for each in made]


def test_frames_that_no_shuffle_uses_may_go(labelled_project):
    first = make(labelled_project, validation=0.25)[0]
    labels = read_folder(labelled_project.labeled_data / "cage")
    kept = [name for name in labels.images if name not in first.split.validation and not name.endswith("img07.png")]
    write_labels(labels.select(kept), labelled_project.labeled_data / "cage")
    make(labelled_project, shuffles=[2])
    assert frames_of(labelled_project, 1) == parts(first)


def test_a_damaged_note_is_named(started):
    project, _ = started
    (project.dataset_folder() / "dlc-core" / "unfinished.json").write_text("{")
    with pytest.raises(DataError, match=r"unfinished\.json is damaged"):
        make(project, shuffles=[2])


def test_overwriting_replaces_a_damaged_pickle(labelled_project):
    made = make(labelled_project)[0]
    (labelled_project.dataset_folder() / "Documentation_data-reach_75shuffle1.pickle").write_bytes(b"half")
    with pytest.raises(DataError, match="cannot be read as data"):
        make(labelled_project, shuffles=[2])
    make(labelled_project, overwrite=True)
    assert frames_of(labelled_project, 1) == parts(made)
