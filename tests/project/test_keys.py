"""Keys of config.yaml and pose_cfg.yaml become options: the right ones, in the right order, for the right verbs."""

from __future__ import annotations

import dataclasses
import importlib

import pytest

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.project import box1, keys
from dlc_core.project.keys import BOX1, BOX2, Layer, layers, project_layers, read_pose_cfg
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder
from dlc_core.verbs import VERBS

DEEPLABCUT_2 = """\
dataset: training-datasets/iteration-0/UnaugmentedDataSet_reachNov21/reach_Me95shuffle1.mat
all_joints: [[0], [1]]
all_joints_names: [hand, finger]
num_joints: 2
init_weights: C:\\\\envs\\\\models\\\\pretrained\\\\resnet_v1_101.ckpt
metadataset: willbeautomaticallyupdatedbycreate_training_datasetcode
net_type: resnet_101
dataset_type: default
global_scale: 0.8
rotation: false
contrast:
  clahe: true
  claheratio: 0.3
  histeq: false
  histeqratio: 0.1
convolution:
  sharpen: false
  edge: false
  emboss: {alpha: [0.0, 1.0], strength: [0.5, 1.5]}
  embossratio: 0.1
motion_blur: true
motion_blur_params: {k: 9, angle: [-90, 90]}
pairwise_predict: false
partaffinityfield_predict: false
multi_step:
- [0.005, 10000]
- [0.02, 430000]
"""


@pytest.fixture(autouse=True)
def nothing_reported_yet(monkeypatch):
    monkeypatch.setattr(keys, "_reported", set())


@pytest.fixture
def project(tmp_path) -> Project:
    (tmp_path / "config.yaml").write_text(
        "Task: reach\nscorer: Me\ndate: Nov21\nbodyparts: [hand]\nTrainingFraction: [0.8]\niteration: 0\npcutoff: 0.3\n"
    )
    return Project.open(tmp_path)


def options(found: list[Layer]) -> dict[str, object]:
    return {layer.option: layer.value for layer in found}


def test_a_pose_cfg_of_deeplabcut_2_is_understood(tmp_path, capsys):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(DEEPLABCUT_2)
    assert options(layers({}, read_pose_cfg(path), "train")) == {
        "backbone": "resnet101",
        "augmenter": "imgaug",
        "preprocessing.global_scale": 0.8,
        "augmenter.rotation": 0.0,
        "augmenter.claheratio": 0.3,
        "augmenter.histeqratio": 0.0,
        "augmenter.motionblurratio": 0.5,
        "augmenter.motion_blur_length": 9,
        "schedule.name": "multi_step",
        "schedule.multi_step": [[0.005, 10000], [0.02, 430000]],
        "optimizer.name": "sgd",
    }
    assert capsys.readouterr().err == "", "nothing in the file asks for something that is missing"


def test_pose_cfg_is_stronger_than_config(capsys):
    found = layers({"default_net_type": "resnet_50"}, {"net_type": "resnet_101"}, "train")
    assert found == [
        Layer("config.yaml: default_net_type", "backbone", "resnet50", True),
        Layer("pose_cfg.yaml: net_type", "backbone", "resnet101", True),
    ]


def test_an_optimizer_of_its_own_is_stronger_than_the_one_a_schedule_implies():
    found = layers({}, {"optimizer": "adam", "multi_step": [[0.001, 100]]}, "train")
    assert options(found)["optimizer.name"] == "adam"


@pytest.mark.parametrize(
    ("key", "value", "option", "expected"),
    [
        ("default_net_type", "mobilenet_v2_1.0", "backbone", "mobilenetv2"),
        ("default_net_type", "efficientnet-b0", "backbone", "efficientnet_b0"),
        ("default_net_type", "hrnet_w32", "backbone", "hrnet_w32"),
        ("default_net_type", "50", "backbone", "resnet50"),
        ("default_net_type", "my_net", "backbone", "my_net"),
        ("default_augmenter", "albumentations", "augmenter", "imgaug"),
        ("default_augmenter", "scalecrop", "augmenter", "scalecrop"),
    ],
)
def test_names_of_components_are_translated_and_those_of_plugins_pass(key, value, option, expected):
    assert options(layers({key: value}, {}, "train")) == {option: expected}


@pytest.mark.parametrize(
    ("value", "message"),
    [("resnet_152", "backbone=timm backbone.model=resnet152"), ("dlcrnet_ms5", "not one of the backbones here")],
)
def test_a_network_without_counterpart_is_reported_with_what_to_do(capsys, value, message):
    assert layers({"default_net_type": value}, {}, "train") == []
    assert message in capsys.readouterr().err


def test_keys_count_for_their_verbs_only():
    config = {"batch_size": 4, "numframes2pick": 30, "start": 0.1, "cropping": True, "x1": 1, "x2": 9, "y1": 2, "y2": 8}
    assert options(layers(config, {}, "analyze")) == {"batch_size": 4, "crop": "1,9,2,8"}
    assert options(layers(config, {}, "extract_frames")) == {"n": 30, "start": 0.1}
    assert options(layers(config, {"batch_size": 2}, "train")) == {"training.batch_size": 2}


def test_a_crop_that_is_off_says_nothing():
    assert layers({"cropping": False, "x1": 0, "x2": 640, "y1": 0, "y2": 480}, {}, "analyze") == []


@pytest.mark.parametrize("missing", [["x2"], ["x1", "y2"]])
def test_a_crop_that_is_on_and_lacks_limits_names_them_for_the_verb_that_crops(missing):
    config = {"cropping": True, "x1": 1, "x2": 9, "y1": 2, "y2": 8}
    for key in missing:
        del config[key]
    with pytest.raises(ConfigError, match=rf"cropping: true, but has no value for {', '.join(missing)};"):
        layers(config, {}, "analyze")
    assert layers(config, {}, "train") == []


def test_keys_without_a_value_say_nothing(capsys):
    assert layers({"default_net_type": None}, {"global_scale": None, "elastic_transform": None}, "train") == []
    assert capsys.readouterr().err == ""


def test_a_key_without_counterpart_is_reported_once(capsys):
    for _ in range(2):
        layers({}, {"elastic_transform": True, "globl_scale": 0.5}, "train")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "elastic_transform has no counterpart" in lines[0]
    assert "globl_scale" in lines[1] and "'global_scale'" in lines[1]


def test_a_snapshot_of_deeplabcut_is_not_taken_for_ours(capsys):
    assert layers({}, {"init_weights": "dlc-models/train/snapshot-50000"}, "train") == []
    assert "only DeepLabCut can load" in capsys.readouterr().err
    assert options(layers({}, {"init_weights": "a/snapshot_0000500.ckpt"}, "train")) == {
        "init_weights": "a/snapshot_0000500.ckpt"
    }


def test_a_project_gives_its_config_and_the_pose_cfg_of_the_shuffle(project):
    assert options(project_layers(project, verb="evaluate")) == {"pcutoff": 0.3}
    path = shuffle_folder(project, 0.8, 2) / "train" / "pose_cfg.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("mirror: true\n# rotation: 10\n")
    assert options(project_layers(project, shuffle=2, verb="train")) == {"pcutoff": 0.3, "augmenter.mirror": True}
    assert options(project_layers(project, shuffle=1, verb="train")) == {"pcutoff": 0.3}
    with pytest.raises(ConfigError, match="trainingsetindex=5"):
        project_layers(project, shuffle=2, trainingsetindex=5, verb="train")


def test_another_pose_cfg_replaces_that_of_the_shuffle(project, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("pos_dist_thresh: 12\n")
    assert options(project_layers(project, pose_cfg=other, verb="train"))["head.pos_dist_thresh"] == 12
    with pytest.raises(ConfigError, match=r"nowhere\.yaml does not exist"):
        project_layers(project, pose_cfg=tmp_path / "nowhere.yaml", verb="train")


def test_real_projects_give_the_layers_they_should(data_folder):
    found = project_layers(Project.open(data_folder / "openfield-Pranav-2018-10-30"), verb="train")
    assert options(found)["backbone"] == "resnet50"
    assert options(found)["augmenter"] == "imgaug"


def settings_of(verb) -> type:
    module, _, name = verb.settings.partition(":")
    return getattr(importlib.import_module(module), name)


def has_option(record: object, dotted: str) -> bool:
    first, _, rest = dotted.partition(".")
    if first not in {field.name for field in dataclasses.fields(record)}:
        return False
    return not rest or (dataclasses.is_dataclass(getattr(record, first)) and has_option(getattr(record, first), rest))


@pytest.mark.parametrize("row", [row for row in (*BOX1, *BOX2) if row.option], ids=lambda row: f"{row.file}-{row.key}")
def test_every_option_in_the_table_exists(row):
    group, _, name = row.option.partition(".")
    if group in ("backbone", "head", "augmenter"):
        entries = [entry for _, entry in load_plugins().registry(group).items()]
        assert any(name in entry.component.config.__dataclass_fields__ for entry in entries)
    else:
        verbs = [verb for verb in VERBS if not row.verbs or verb.name in row.verbs]
        places = [verb.name for verb in verbs if has_option(settings_of(verb)(), row.option)]
        assert places if not row.verbs else places == list(row.verbs)


def test_each_key_has_one_row_and_each_conversion_exists():
    for rows in (BOX1, BOX2):
        names = [row.key for row in rows]
        assert len(names) == len(set(names))
        assert {row.convert for row in rows} - {None} <= set(keys.CONVERSIONS)


def test_every_box_1_key_of_a_project_has_a_row():
    assert {row.key for row in box1.BOX1} <= {row.key for row in BOX1}


def test_a_broken_pose_cfg_names_file_and_line(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text("mirror: true\n- list\n")
    with pytest.raises(ConfigError, match=r"pose_cfg\.yaml line 2"):
        read_pose_cfg(path)
