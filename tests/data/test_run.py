"""``dlc create-dataset`` from options to files."""

from __future__ import annotations

import numpy as np
import pytest

from dlc_core.data.create import TrainingSet
from dlc_core.data.image_bounds import without_points_outside
from dlc_core.data.run import create_dataset
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.table import LabelTable
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder


def run(project, *overrides):
    return create_dataset(project, compose("create_dataset", overrides, project))


def test_the_options_reach_the_training_sets_and_the_outcome_tells(labelled_project):
    outcome = run(labelled_project, "num_shuffles=2", "trainingsetindex=1", "split.validation=0.2", "seed=3")
    rows = outcome.data["training_sets"]
    assert [(row["shuffle"], row["fraction"], row["train"], row["validation"], row["test"]) for row in rows] == [
        (1, 0.5, 4, 1, 6),
        (2, 0.5, 4, 1, 6),
    ]
    assert outcome.next_step == "dlc train trainingsetindex=1"
    assert TrainingSet.open(labelled_project, 2, 1).fingerprint == rows[1]["fingerprint"]


def test_all_fractions_are_made_by_default(labelled_project):
    rows = run(labelled_project).data["training_sets"]
    assert [(row["fraction"], row["shuffle"]) for row in rows] == [(0.75, 1), (0.5, 1)]


def test_the_pose_cfg_shows_what_training_would_use(labelled_project):
    run(labelled_project, "trainingsetindex=0")
    text = (shuffle_folder(labelled_project, 0.75, 1) / "train" / "pose_cfg.yaml").read_text()
    plain = compose("train").plain()
    assert f"# save_iters: {plain['training']['save_iters']} " in text
    assert f"# pos_dist_thresh: {plain['head']['pos_dist_thresh']:g}" in text
    assert "# cropratio: 0.4 " in text, "options of other augmenters are there, too"


def test_a_misspelt_split_is_found_before_the_training_set_that_exists(labelled_project):
    run(labelled_project, "trainingsetindex=0")
    with pytest.raises(ConfigError, match="Did you mean 'video'"):
        run(labelled_project, "trainingsetindex=0", "split.method=vidoe")


def test_one_point_outside_its_image_is_one_point(capsys):
    image = "labeled-data/a/1.png"
    points = np.array([[[[5.0, 5.0], [-20.0, 5.0]]]])
    without_points_outside(LabelTable("Me", (image,), ("hand", "tail"), points), {image: (32, 32)})
    assert "1 labelled point lies outside its image and counts as not labelled" in capsys.readouterr().err


def test_a_split_file_with_an_awkward_name_works(labelled_project):
    path = labelled_project.root / "my split, a=1.txt"
    path.write_text("cage/img00.png\narena/img03.png\n")
    outcome = run(labelled_project, "trainingsetindex=0", "split.method=file", f'split.file="{path}"')
    assert outcome.data["training_sets"][0]["test"] == 2


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["num_shuffles=0"], ConfigError, "1 or more"),
        (["num_shuffles=1000000000"], ConfigError, "num_shuffles is 1000000000; at most 1000 can be made at a time"),
        (["iteration=-1"], ConfigError, "iteration is -1; a whole number from 0 is needed"),
        (["shuffles=[]"], ConfigError, "asks for no training set"),
        (["trainingsetindex=7"], ConfigError, "Choose 0 to 1"),
        (["split.method=vidoe"], ConfigError, "Did you mean 'video'"),
        (["split.file=x.txt"], ConfigError, "do not go together"),
        (["split.method=file", "split.file=x.txt"], DataError, r"x\.txt does not exist"),
        (["split.methd=video"], ConfigError, "method"),
    ],
)
def test_options_that_cannot_be_are_one_clear_line(labelled_project, overrides, error, message):
    with pytest.raises(error, match=message) as caught:
        run(labelled_project, *overrides)
    assert "\n" not in str(caught.value)


def test_arguments_are_refused(labelled_project):
    with pytest.raises(ConfigError, match="takes no arguments"):
        create_dataset(labelled_project, compose("create_dataset"), ["video.mp4"])


def test_a_fraction_that_leaves_no_frame_to_test_on_is_named_with_its_line(labelled_project):
    config = labelled_project.config.path
    text = config.read_text()
    line = next(row for row in text.splitlines() if row.startswith("TrainingFraction"))
    config.write_text(text.replace(line, "TrainingFraction: [1]"))
    project = Project.open(labelled_project.root)
    where = rf"config\.yaml line {project.config.lines['TrainingFraction']}: `TrainingFraction` is \[1.0\]"
    with pytest.raises(ConfigError, match=rf"{where}; expected fractions above 0 and below 1, like \[0\.95\]"):
        run(project)


def test_the_next_step_is_of_the_iteration_that_was_made(labelled_project):
    outcome = run(labelled_project, "iteration=2", "trainingsetindex=0", "shuffles=[3]")
    assert outcome.next_step == "dlc train iteration=2 shuffle=3"
