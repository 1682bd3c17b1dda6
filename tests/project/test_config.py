"""Reading config.yaml: every key typed, every mistake one clear line, nothing lost."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dlc_core.errors import ConfigError, ProjectError
from dlc_core.project.config import BOX1, ProjectConfig
from dlc_core.project.yaml_text import new_text, with_entries

MINIMAL = "Task: reach\nscorer: ada\nbodyparts: [hand, elbow]\n"


def config_with(folder: Path, text: str) -> ProjectConfig:
    file = folder / "config.yaml"
    file.write_text(MINIMAL + text, encoding="utf-8")
    return ProjectConfig.load(file)


def test_the_openfield_project_reads_as_written(data_folder: Path) -> None:
    config = ProjectConfig.load(data_folder / "openfield-Pranav-2018-10-30" / "config.yaml")
    assert (config.task, config.scorer, config.date) == ("openfield", "Pranav", "Oct30")
    assert config.bodyparts == ("snout", "leftear", "rightear", "tailbase")
    assert (config.pcutoff, config.dotsize, config.alphavalue, config.colormap) == (0.4, 8, 0.7, "jet")
    assert config.training_fractions == (0.95,)
    assert config.multianimalproject is False, "an empty key means its default"
    assert "multianimalproject" not in config.written
    assert config.others["SuperAnimalConversionTables"]["superanimal_topviewmouse"]["snout"] == "nose"
    assert config.notices == ()


def test_keys_that_are_missing_have_the_defaults_of_the_protocol(tmp_path: Path) -> None:
    config = config_with(tmp_path, "")
    expected = {
        "pcutoff": 0.1, "dotsize": 12, "alphavalue": 0.5, "colormap": "hsv", "corner2move2": (50, 50),
        "move2corner": False, "numframes2pick": 20, "start": 0, "stop": 1, "training_fractions": (0.95,),
        "iteration": 0, "snapshotindex": -1, "cropping": False, "default_net_type": "resnet_50",
    }  # fmt: skip
    assert {key: getattr(config, key) for key in expected} == expected
    assert set(config.written) == {"Task", "scorer", "bodyparts"}


def test_every_row_of_the_table_is_a_field_with_a_meaning_and_a_default_of_its_own_type() -> None:
    fields = {field.name for field in dataclasses.fields(ProjectConfig)}
    for row in BOX1:
        assert row.field in fields, row.key
        assert row.meaning and row.expected, row.key
        if row.default not in (None, ""):
            example = list(row.default) if isinstance(row.default, tuple) else row.default
            assert row.read(example) == row.default, row.key


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("p-cutoff: 0.3", "pcutoff", 0.3),
        ("numframes2extract: 7", "numframes2pick", 7),
        ("resnet: 101", "default_net_type", "resnet_101"),
        ("resnet: null", "default_net_type", "resnet_50"),
        ("resnet: 50\ndefault_net_type: mobilenet_v2_1.0", "default_net_type", "mobilenet_v2_1.0"),
        ("pcutoff: 0.2\np-cutoff: 0.3", "pcutoff", 0.2),
        ("TrainingFraction: 0.8", "training_fractions", (0.8,)),
        ("snapshotindex: all", "snapshotindex", "all"),
        ("snapshotindex: '2'", "snapshotindex", 2),
        ("date: 2018-10-30", "date", "2018-10-30"),
        ("cropping: yes", "cropping", True),
        ("dotsize: 0.5", "dotsize", 0.5),
        ("video_sets:\n  C:\\rig\\m 1.avi:\n    crop: [0, 4, 1, 5]", "video_sets", {"C:\\rig\\m 1.avi": "0, 4, 1, 5"}),
        ("video_sets:\n  a.avi:", "video_sets", {"a.avi": ""}),
        ("skeleton: [[hand, elbow, hand2]]", "skeleton_edges", (("hand", "elbow"), ("elbow", "hand2"))),
    ],
)
def test_spellings_in_use_are_understood(tmp_path: Path, line: str, key: str, value: object) -> None:
    assert getattr(config_with(tmp_path, line), key) == value


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('pcutoff: "high"', ["line 4", "pcutoff", "'high'", "0 to 1"]),
        ("pcutoff: 1.5", ["pcutoff", "1.5", "0 to 1"]),
        ("pcutoff: true", ["pcutoff", "True"]),
        ("TrainingFraction: 95", ["line 4: `TrainingFraction`", "95", "above 0 and below 1, like [0.95]"]),
        ("TrainingFraction: []", ["TrainingFraction", "[]"]),
        ("iteration: 1.5", ["iteration", "1.5", "whole number"]),
        ("batch_size: 0", ["batch_size", "0", "from 1"]),
        ("x2: .inf", ["x2", "inf"]),
        ("snapshotindex: newest", ["snapshotindex", "newest", "best_on_test"]),
        ("cropping: maybe", ["cropping", "maybe", "true or false"]),
        ("corner2move2: [1, 2, 3]", ["corner2move2", "two whole numbers"]),
        ("symmetric_bodyparts: [[hand]]", ["symmetric_bodyparts", "pairs"]),
        ("video_sets: [a.avi]", ["video_sets", "a.avi"]),
        ("colormap: [jet]", ["colormap", "jet"]),
        ("start: 1\n  stop: 2", ["line 5", "YAML"]),
        ("skeleton: [[a, b]", ["YAML"]),
        ("pcutoff: 0.1\npcutoff: 0.2", ["line 5", "YAML", "pcutoff"]),
        ("\tstart: 0", ["line 4", "YAML"]),
    ],
)
def test_a_bad_value_gives_one_line_with_key_value_and_line(tmp_path: Path, line: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config_with(tmp_path, line)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "config.yaml") in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"- a\n- b\n", "holds no keys"),
        ("Task: ä\n".encode("latin-1"), "UTF-8"),
        (b"scorer: ada\nbodyparts: [a]\n", "no `Task`"),
        (b"Task: reach\nbodyparts: [a]\n", "no `scorer` (who labels; part of the name of every label table). Add"),
        (b"task: reach\nscorer: ada\nbodyparts: [a]\n", "'task' (line 1)"),
        (b"Task: reach\nscorer: ada\nbodyparts:\n", "no `bodyparts`"),
        (b"Task: reach\nscorer: ada\nbodyparts: hand\n", "'hand'"),
        (b"Task: reach\nscorer: ada\nbodyparts: [a, b, a]\n", "each once"),
    ],
)
def test_a_file_that_is_no_project_says_what_is_missing(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        ProjectConfig.load(file)
    assert part in str(caught.value) and "\n" not in str(caught.value)


def test_a_misspelt_key_is_legal_but_noticed(tmp_path: Path) -> None:
    config = config_with(tmp_path, "pcutof: 0.3\nmy_own_note: 1\nindividuals: []\n")
    assert len(config.notices) == 1
    assert "line 4" in config.notices[0] and "`pcutof`" in config.notices[0] and "`pcutoff`" in config.notices[0]
    assert config.others == {"pcutof": 0.3, "my_own_note": 1, "individuals": []}


def test_a_byte_order_mark_and_windows_line_ends_do_not_disturb(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert ProjectConfig.load(file).task == "reach"


def test_a_multi_animal_project_gets_a_clear_line(data_folder: Path, tmp_path: Path) -> None:
    shutil.copy(data_folder / "sleap-tests" / "dlc" / "madlc_230_config.yaml", tmp_path / "config.yaml")
    with pytest.raises(ProjectError, match="multi-animal"):
        ProjectConfig.load(tmp_path / "config.yaml")


@pytest.mark.parametrize("project", ["openfield-Pranav-2018-10-30", "Reaching-Mackenzie-2018-08-30"])
def test_adding_entries_changes_no_other_line_of_a_real_config(data_folder: Path, project: str) -> None:
    file = data_folder / project / "config.yaml"
    old = file.read_text().splitlines()
    new = with_entries(file, "video_sets", {"/a b/ü=1.mp4": {"crop": "0, 1, 0, 2"}}).splitlines()
    where = new.index("  /a b/ü=1.mp4:")
    assert new[where : where + 2] == ["  /a b/ü=1.mp4:", "    crop: 0, 1, 0, 2"]
    assert new[:where] + new[where + 2 :] == old
    assert old[where - 1].strip().startswith("crop:"), "the new entry comes last in the table"


def test_comments_around_the_table_stay_where_they_are(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "# top\nvideo_sets: # ours\n  # first\n  a.mp4:\n    crop: 0, 1, 0, 2  # mine\n\n\n# next\nstart: 0  # zero\n"
    )
    assert with_entries(file, "video_sets", {"b.mp4": {"crop": "x"}}) == (
        "# top\nvideo_sets: # ours\n  # first\n  a.mp4:\n    crop: 0, 1, 0, 2  # mine\n"
        "  b.mp4:\n    crop: x\n\n\n# next\nstart: 0  # zero\n"
    )


def test_an_empty_table_takes_entries(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for empty in ("video_sets:\n", "video_sets: {}\n", ""):
        file.write_text(MINIMAL + empty)
        file.write_text(with_entries(file, "video_sets", {"b.mp4": {"crop": "0, 1, 0, 2"}}))
        assert ProjectConfig.load(file).video_sets == {"b.mp4": "0, 1, 0, 2"}


def test_a_new_file_holds_every_key_with_its_default_and_no_key_that_deeplabcut_refuses(tmp_path: Path) -> None:
    text = new_text({"Task": "a = b: c", "scorer": "Zoë", "date": "Oct30"})
    content = YAML(typ="safe").load(text)
    deeplabcut = {
        "Task", "scorer", "date", "multianimalproject", "project_path", "video_sets", "bodyparts", "start", "stop",
        "numframes2pick", "skeleton", "skeleton_color", "pcutoff", "dotsize", "alphavalue", "colormap",
        "TrainingFraction", "iteration", "default_net_type", "snapshotindex", "batch_size", "cropping", "x1", "x2",
        "y1", "y2", "corner2move2", "move2corner",
    }  # fmt: skip
    assert set(content) == deeplabcut
    assert content["Task"] == "a = b: c" and content["scorer"] == "Zoë"
    assert content["bodyparts"] == ["hand", "Finger1", "Finger2", "Joystick"]
    assert isinstance(content["dotsize"], int), "DeepLabCut 3 takes whole numbers only"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    config = ProjectConfig.load(tmp_path / "config.yaml")
    assert config.pcutoff == 0.1 and config.corner2move2 == (50, 50) and config.notices == ()


def test_importing_the_config_loads_nothing_heavy() -> None:
    heavy = ("torch", "cv2", "pandas", "hydra")
    code = f"import sys, dlc_core.project.config; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
