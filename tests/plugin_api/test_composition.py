"""How the command line, an experiment and the project's files meet: options of components that only a file chooses."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.hydra_bridge import Composed, compose, prepare_sweep
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder

CONFIG = "Task: reach\nscorer: ada\ndate: Nov21\nbodyparts: [hand]\nTrainingFraction: [0.8]\niteration: 0\n"


def project_with(folder: Path, config: str = "", pose_cfg: str = "", shuffle: int = 1) -> Project:
    (folder / "config.yaml").write_text(CONFIG + config)
    project = Project.open(folder)
    path = shuffle_folder(project, 0.8, shuffle) / "train" / "pose_cfg.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pose_cfg)
    return project


@pytest.mark.parametrize(
    "files", [{"config": "default_augmenter: scalecrop\n"}, {"pose_cfg": "dataset_type: scalecrop\n"}]
)
def test_an_option_of_a_component_that_only_a_file_chooses_can_be_given(tmp_path, files):
    project = project_with(tmp_path, **files)
    composed = compose("train", ["augmenter.cropratio=0.5"], project)
    assert composed.choices["augmenter"] == "scalecrop"
    assert composed.config.augmenter.cropratio == 0.5
    with pytest.raises(ConfigError, match="cropratoi"):
        compose("train", ["augmenter.cropratoi=0.5"], project)


def test_a_sweep_knows_what_the_files_of_its_first_shuffle_choose(tmp_path):
    from hydra.core.config_store import ConfigStore

    project = project_with(tmp_path, pose_cfg="dataset_type: scalecrop\n", shuffle=2)
    assert prepare_sweep("train", ["shuffle=2,1", "augmenter.cropratio=0.1,0.2"], project) == ["project=from_files"]
    assert ConfigStore.instance().load("project/from_files.yaml").node.defaults[0] == {
        "override /augmenter": "scalecrop"
    }


@pytest.mark.parametrize("overrides", [["backbone=resnet18"], ["experiment=deeplabcut2018_resnet101"]])
def test_a_file_may_ask_for_what_is_not_installed_if_something_stronger_chooses(tmp_path, overrides):
    project = project_with(tmp_path, "default_net_type: resnet_5\n")
    assert compose("train", overrides, project).choices["backbone"] in ("resnet18", "resnet101")
    with pytest.raises(ConfigError, match=r"default_net_type asks for backbone=resnet_5, which is not installed"):
        compose("train", ["seed=1"], project)


def test_a_pose_cfg_overrules_an_uninstalled_choice_of_config_yaml(tmp_path):
    project = project_with(tmp_path, "default_net_type: resnet_5\n", "net_type: resnet_101\n")
    assert compose("train", [], project).choices["backbone"] == "resnet101"


def test_an_experiment_is_the_source_of_what_it_set_and_of_nothing_else(tmp_path):
    project = project_with(tmp_path, pose_cfg="cropratio: 0.7\n")
    overrides = ["experiment=deeplabcut2018", "augmenter.leftwidth=200", "backbone=resnet18"]
    sources = compose("train", overrides, project).sources
    assert sources["augmenter.leftwidth"] == "command line"
    assert sources["augmenter.cropratio"] == "pose_cfg.yaml: cropratio"
    assert sources["seed"] == sources["shuffle"] == sources["training.workers"] == "default"
    assert sources["backbone.name"] == "backbone=resnet18 (command line)"
    assert sources["augmenter.name"] == "augmenter=scalecrop (experiment=deeplabcut2018)"
    assert "experiment=deeplabcut2018" in set(sources.values())


def test_no_experiment_can_be_said():
    assert compose("train", ["experiment=null"]).choices == compose("train").choices


@pytest.mark.parametrize("override", ["backbone=null", "~backbone", "logger=null"])
def test_what_is_needed_cannot_be_taken_away(override):
    with pytest.raises(ConfigError, match=r"takes (backbone|logger) away; one is needed\. Choose one of: "):
        compose("train", [override])


def test_several_components_where_one_is_needed_are_refused_with_the_way_to_try_them():
    with pytest.raises(ConfigError, match=r"backbone takes one name.*dlc train -m backbone=A,B"):
        compose("train", ["backbone=[resnet50,resnet18]"])


class Mode(Enum):
    FAST = 1
    EXACT = 2


def test_a_choice_that_is_an_enum_is_plain_text_where_it_is_stored():
    assert Composed(OmegaConf.create({"mode": Mode.EXACT}), {}, {}).plain() == {"mode": "EXACT"}


def test_options_of_a_component_that_is_not_installed_do_not_hide_that_it_is_not(tmp_path):
    project = project_with(tmp_path, "default_net_type: my_net\n")
    with pytest.raises(ConfigError, match="default_net_type asks for backbone=my_net, which is not installed"):
        compose("train", ["backbone.strange_option=32"], project)


def test_half_a_crop_in_config_yaml_matters_only_where_nothing_stronger_crops(tmp_path):
    project = project_with(tmp_path, "cropping: true\nx1: 0\nx2: 100\ny1: 0\n")
    assert compose("analyze", ["crop=none"], project).config.crop == "none"
    with pytest.raises(ConfigError, match="no value for y2"):
        compose("analyze", [], project)


def test_a_sweep_over_all_experiments_is_left_to_hydra():
    assert prepare_sweep("train", ["experiment=glob(*)"], None) == ["project=from_files"]
