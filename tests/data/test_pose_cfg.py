"""pose_cfg.yaml: every key is there, says nothing until it is uncommented, and then counts."""

from __future__ import annotations

import re

import pytest

from dlc_core.data.pose_cfg import pose_cfg_text, write_pose_cfg
from dlc_core.errors import ConfigError
from dlc_core.project.keys import BOX2, layers, read_pose_cfg

BOX_2_OF_THE_PROTOCOL = (  # Nath et al. 2019, Box 2
    *("global_scale", "scale_jitter_lo", "scale_jitter_up", "mirror", "cropping", "cropratio", "minsize", "leftwidth"),
    *("rightwidth", "bottomheight", "topheight", "max_input_size", "min_input_size", "pos_dist_thresh", "locref_stdev"),
    *(
        "intermediate_supervision",
        "display_iters",
        "save_iters",
        "multi_step",
        "net_type",
        "init_weights",
        "batch_size",
    ),
)


def uncommented(text: str, key: str) -> str:
    lines = [line.removeprefix("# ") if re.match(rf"# {key}:", line) else line for line in text.splitlines()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("key", BOX_2_OF_THE_PROTOCOL)
def test_every_key_of_box_2_is_there_with_a_meaning(key):
    assert re.search(rf"^# {key}: \S.*# \S.+", pose_cfg_text(), re.MULTILINE)


def test_a_new_file_sets_nothing(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    assert write_pose_cfg(path)
    assert read_pose_cfg(path) == {}


@pytest.mark.parametrize("row", [row for row in BOX2 if row.has_counterpart], ids=lambda row: row.key)
def test_each_line_is_yaml_once_it_is_uncommented(tmp_path, row):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(uncommented(pose_cfg_text(), row.key.split(".")[0]))
    found = read_pose_cfg(path)
    assert set(found) == {row.key.split(".")[0]}
    value = found[row.key.split(".")[0]]
    assert (value[row.key.split(".")[1]] if "." in row.key else value) == row.default


def test_an_uncommented_key_counts(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(uncommented(pose_cfg_text(), "global_scale").replace("global_scale: 0.8", "global_scale: 0.6"))
    found = layers({}, read_pose_cfg(path), "train")
    assert [(layer.option, layer.value) for layer in found] == [("preprocessing.global_scale", 0.6)]


def test_the_values_shown_are_the_defaults_in_use():
    text = pose_cfg_text({"head.pos_dist_thresh": 13.0, "backbone": "resnet_101", "augmenter.motionblurratio": 0.2})
    assert "# pos_dist_thresh: 13.0" in text
    assert '# net_type: "resnet_101"' in text
    assert re.search(r"# motion_blur: null .*now 20% of them", text)


def test_a_file_that_sets_something_is_kept(tmp_path, capsys):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text("mirror: true\n")
    assert not write_pose_cfg(path)
    assert path.read_text() == "mirror: true\n"
    assert "because it sets mirror" in capsys.readouterr().out


def test_a_file_that_is_no_yaml_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text("mirror: true\nrotation: [1\nx: 2\n")
    with pytest.raises(ConfigError, match=r"pose_cfg\.yaml line \d"):
        write_pose_cfg(path)


def test_the_comment_of_a_value_that_is_chosen_says_how():
    line = re.search(r"^# global_scale: null .*", pose_cfg_text({"preprocessing.global_scale": None}), re.MULTILINE)
    assert line and "null: chosen from the image size, clip(320 / median longer side, 0.5, 1)" in line[0]
