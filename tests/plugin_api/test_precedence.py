"""Where a value comes from: command line > experiment > pose_cfg.yaml > config.yaml > dataclass, values and choices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.hydra_bridge import Composed, compose
from dlc_core.project import keys
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder

CONFIG = """\
# my project
Task: reach
scorer: ada
date: Nov21
bodyparts: [hand, finger]
TrainingFraction: [0.8]
iteration: 0
my_own_key: kept
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return Project.open(tmp_path)


def configure(project: Project, text: str) -> Project:
    (project.root / "config.yaml").write_text(CONFIG + text)
    return Project.open(project.root)


def write_pose_cfg(project: Project, text: str, shuffle: int = 1) -> None:
    path = shuffle_folder(project, 0.8, shuffle) / "train" / "pose_cfg.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def value(composed: Composed, option: str) -> object:
    node = composed.config
    for part in option.split("."):
        node = node[part]
    return node


@pytest.fixture
def experiments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the override that adds a folder with the preset experiment=lab."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "experiment").mkdir()
    (folder / "experiment" / "lab.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /backbone: resnet101\nhead:\n  pos_dist_thresh: 14\n"
    )
    return [f"hydra.searchpath=['file://{folder}']", "experiment=lab"]


def test_each_level_beats_the_next_for_a_value(project, experiments):
    option = "head.pos_dist_thresh"
    assert value(compose("train", [], project), option) == 17
    write_pose_cfg(project, "pos_dist_thresh: 15\n")
    assert value(compose("train", [], project), option) == 15
    assert value(compose("train", experiments, project), option) == 14
    composed = compose("train", [*experiments, "head.pos_dist_thresh=13"], project)
    assert value(composed, option) == 13
    assert composed.sources[option] == "command line"


def test_config_yaml_beats_the_dataclass_and_the_command_line_beats_config_yaml_for_a_value(project):
    assert value(compose("analyze", [], project), "batch_size") is None
    project = configure(project, "batch_size: 3\n")
    composed = compose("analyze", [], project)
    assert value(composed, "batch_size") == 3
    assert composed.sources["batch_size"] == "config.yaml: batch_size"
    assert value(compose("analyze", ["batch_size=2"], project), "batch_size") == 2
    assert compose("analyze", ["batch_size=2"], project).sources["batch_size"] == "command line"


def test_pose_cfg_beats_config_yaml_for_a_value(project, monkeypatch):
    """In the table no option is set by both files, so batch_size of config.yaml is given a meaning for training."""
    row = keys._TABLES[keys.CONFIG]["batch_size"]
    both = replace(row, option="training.batch_size", verbs=("train",))
    monkeypatch.setitem(keys._TABLES[keys.CONFIG], "batch_size", both)
    project, option = configure(project, "batch_size: 3\n"), "training.batch_size"
    composed = compose("train", [], project)
    assert (value(composed, option), composed.sources[option]) == (3, "config.yaml: batch_size")
    write_pose_cfg(project, "batch_size: 5\n")
    composed = compose("train", [], project)
    assert (value(composed, option), composed.sources[option]) == (5, "pose_cfg.yaml: batch_size")


def test_each_level_beats_the_next_for_a_component_choice(project, experiments):
    assert compose("train", [], project).choices["backbone"] == "resnet50"
    project = configure(project, "default_net_type: mobilenet_v2_1.0\n")
    assert compose("train", [], project).choices["backbone"] == "mobilenetv2"
    write_pose_cfg(project, "net_type: efficientnet-b0\n")
    assert compose("train", [], project).choices["backbone"] == "efficientnet_b0"
    assert compose("train", experiments, project).choices["backbone"] == "resnet101"
    chosen = compose("train", [*experiments, "backbone=resnet18"], project)
    assert chosen.choices["backbone"] == "resnet18"
    assert chosen.config.backbone.model.startswith("resnet18")


def test_the_source_of_every_value_is_recorded(project, experiments):
    project = configure(project, "default_net_type: resnet_101\n")
    write_pose_cfg(project, "locref_stdev: 6.5\n")
    sources = compose("train", [*experiments, "seed=3"], project).sources
    assert sources["seed"] == "command line"
    assert sources["head.pos_dist_thresh"] == "experiment=lab"
    assert sources["head.locref_stdev"] == "pose_cfg.yaml: locref_stdev"
    assert sources["training.save_iters"] == "default"


def test_each_shuffle_reads_its_own_pose_cfg(project):
    write_pose_cfg(project, "pos_dist_thresh: 11\n", shuffle=1)
    write_pose_cfg(project, "pos_dist_thresh: 12\n", shuffle=2)
    values = [value(compose("train", [f"shuffle={n}"], project), "head.pos_dist_thresh") for n in (1, 2)]
    assert values == [11, 12]


def test_another_pose_cfg_can_be_named(project, tmp_path):
    write_pose_cfg(project, "pos_dist_thresh: 11\n")
    other = tmp_path / "other pose_cfg.yaml"
    other.write_text("pos_dist_thresh: 9\n")
    composed = compose("train", [f"training.pose_cfg='{other}'"], project)
    assert value(composed, "head.pos_dist_thresh") == 9


def test_a_value_that_the_chosen_component_lacks_is_dropped_with_a_note(project, capsys):
    write_pose_cfg(project, "cropratio: 0.7\n")
    composed = compose("train", ["augmenter=tensorpack"], project)
    assert "cropratio" not in composed.config.augmenter
    assert "pose_cfg.yaml: cropratio is not used: augmenter 'tensorpack' has no option 'cropratio'" in (
        capsys.readouterr().err
    )
    assert compose("train", ["augmenter=scalecrop"], project).config.augmenter.cropratio == 0.7


def test_a_component_that_is_not_installed_is_named_with_its_file(project):
    project = configure(project, "default_net_type: resnet_5\n")
    with pytest.raises(ConfigError, match=r"config\.yaml: default_net_type asks for backbone=resnet_5.*Known:"):
        compose("train", [], project)


def test_a_value_of_the_wrong_type_is_named_with_its_file_and_key(project):
    write_pose_cfg(project, "locref_stdev: 7.0\npos_dist_thresh: wide\n")
    with pytest.raises(
        ConfigError, match=r"pose_cfg\.yaml: pos_dist_thresh holds 'wide', which cannot be used"
    ) as raised:
        compose("train", [], project)
    assert "\n" not in str(raised.value)


def test_composing_writes_nothing_into_the_project(project):
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    compose("train", ["backbone=resnet18", "training.batch_size=2"], project)
    compose("analyze", ["batch_size=2"], project)
    assert {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("backbone=resnet500", "Did you mean 'resnet50'"),
        ("head.locref_wieght=1", "head=deconv has no option 'locref_wieght'. Did you mean 'locref_weight'"),
        ("training.stesp=1", "no option 'training.stesp'. Did you mean 'steps'"),
        ("seed=abc", "seed is 'abc'; a whole number is needed."),
        ("experiment=nothing", "experiment=nothing does not exist"),
        ("hydra/launcher=foo", "hydra/launcher=foo does not exist. Known: basic"),
        ("hydra/launcher=submitit_slrum", "Did you mean 'submitit_slurm'"),
        ("trainer.max_epoch=3", "no option 'trainer.max_epoch'. trainer takes: accelerator"),
        ("trainer.max_epoch=3", "with a plus: +trainer.max_epoch=..."),
    ],
)
def test_a_wrong_override_is_one_line_with_the_near_name(project, override, message):
    with pytest.raises(ConfigError) as raised:
        compose("train", [override], project)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_wrong_name_of_a_list_is_named_with_the_near_one(project):
    with pytest.raises(ConfigError, match=r"exporter=cvs does not exist\. Did you mean 'csv'\? Known: .*h5"):
        compose("analyze", ["exporter=[h5,cvs]"], project)


def test_a_launcher_that_an_extra_brings_says_which(project, monkeypatch):
    extras = {"hydra/launcher": {"submitit_of_the_lab": "cluster"}}
    monkeypatch.setattr("dlc_core.plugin_api.hydra_errors._EXTRAS", extras)
    with pytest.raises(ConfigError, match=r'does not exist\. Install it: pip install "dlc-core\[cluster\]"'):
        compose("train", ["hydra/launcher=submitit_of_the_lab"], project)


def test_the_extras_bring_the_launchers_and_sweepers_that_are_said_of_them():
    from dlc_core.plugin_api.hydra_bridge import group_options
    from dlc_core.plugin_api.hydra_errors import _EXTRAS

    for group, extras in _EXTRAS.items():
        assert set(extras) <= set(group_options(group)), "run the tests where dlc-core[test] is installed"


def test_the_model_names_the_default_parts_and_every_layer_replaces_them_one_by_one(project, experiments):
    plain, named = compose("train", [], project), compose("train", ["model=single"], project)
    assert named.plain() == plain.plain()
    assert dict(named.choices) == dict(plain.choices)
    assert (named.choices["model"], named.choices["backbone"], named.choices["head"]) == (
        "single",
        "resnet50",
        "deconv",
    )
    assert set(named.plain()) == set(plain.plain()) and "model" not in named.plain()
    assert compose("train", ["model=single", "backbone=resnet18"], project).choices["backbone"] == "resnet18"
    assert compose("train", ["backbone=resnet18", "model=single"], project).choices["backbone"] == "resnet18"
    assert compose("train", ["head.pos_dist_thresh=9", "model=single"], project).config.head.pos_dist_thresh == 9
    project = configure(project, "default_net_type: mobilenet_v2_1.0\n")
    assert compose("train", ["model=single"], project).choices["backbone"] == "mobilenetv2"
    assert compose("train", [*experiments, "model=single"], project).choices["backbone"] == "resnet101"
    with pytest.raises(ConfigError, match=r"model=singel does not exist\. Did you mean 'single'"):
        compose("train", ["model=singel"], project)
