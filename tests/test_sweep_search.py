"""A search by the validation error is refused before its first job when there is no such error."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dlc_core.data.create import create_training_dataset
from dlc_core.errors import ConfigError, DataError
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.sweep_search import require_objective
from dlc_core.verbs import verb_named

TRAIN, OPTUNA = verb_named("train"), "hydra/sweeper=optuna"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with shuffle 1, without a validation part, and shuffle 2, with one."""
    root = tmp_path_factory.mktemp("project")
    head = "Task: reach\nscorer: ada\ndate: Nov21\nbodyparts: [hand]\nTrainingFraction: [0.8]\n"
    (root / "config.yaml").write_text(head)
    folder = root / "labeled-data" / "mouse"
    folder.mkdir(parents=True)
    names = [f"labeled-data/mouse/img{number}.png" for number in range(10)]
    for name in names:
        assert cv2.imwrite(str(root / name), np.zeros((32, 32, 3), np.uint8))
    labels = LabelTable("ada", tuple(names), ("hand",), np.full((10, 1, 1, 2), 9.0))
    opened = Project.open(root)
    create_training_dataset(opened, labels, shuffles=[1])
    create_training_dataset(opened, labels, shuffles=[2], validation=0.3)
    return opened


def test_a_search_over_sets_with_a_validation_part_may_begin(project):
    require_objective(TRAIN, project, [OPTUNA, "shuffle=2", "optimizer.lr=interval(0.0001,0.01)"])
    require_objective(TRAIN, project, ["seed=1,2"])
    require_objective(TRAIN, project, [OPTUNA, "+hydra.sweeper.params.shuffle='choice(2,3)'"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], r"set of shuffle=1 has no validation part\. .*'shuffles=\[3\]' split.validation=0.1.*shuffle=3"),
        (["shuffle=2,1"], r"shuffle=1 has no validation part"),
        (["shuffle=range(1,3)"], r"shuffle=1 has no validation part"),
        (["shuffle=2", "split.fold=0"], r"split\.fold= leaves no validation part"),
    ],
)
def test_a_search_that_could_not_tell_its_jobs_apart_is_refused(project, overrides, message):
    with pytest.raises(ConfigError, match=message):
        require_objective(TRAIN, project, [OPTUNA, *overrides])


def test_a_missing_training_set_and_a_step_that_measures_nothing_are_named(project):
    with pytest.raises(DataError, match="no training set for shuffle=7"):
        require_objective(TRAIN, project, [OPTUNA, "shuffle=7"])
    with pytest.raises(ConfigError, match="which `dlc analyze` does not measure"):
        require_objective(verb_named("analyze"), project, [OPTUNA])
