"""The form of a step: it shows what the composed configuration holds, plugins included, and writes overrides."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlc_core.errors import ConfigError
from dlc_core.gui.options import CHOICE, NUMBER, SWITCH, TEXT, StepForm, as_text, command_line, step_form
from dlc_core.overrides import quote_free_values, sort_tokens
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project
from dlc_core.verbs import VERBS

CONFIG = """Task: reach
scorer: Ann
date: Jan1
video_sets: {}
bodyparts: [hand, tip]
numframes2pick: 7
default_net_type: resnet_101
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return Project.open(tmp_path)


def option(form: StepForm, name: str):
    return next(one for one in form.options if one.name == name)


def choice(form: StepForm, group: str):
    return next(one for one in form.choices if one.group == group)


def test_values_come_with_their_source_and_meaning(project):
    form = step_form("extract_frames", project)
    assert option(form, "n").text == "7"
    assert option(form, "n").source == "config.yaml: numframes2pick"
    assert option(form, "n").meaning.startswith("New frames of each video")
    assert option(form, "start").source == ""
    assert choice(form, "selector").chosen == ("kmeans",)
    assert choice(step_form("train", project), "backbone").chosen == ("resnet101",)


def test_the_options_are_those_of_the_component_that_is_chosen(project):
    kmeans = [one.name for one in step_form("extract_frames", project).options]
    uniform = [one.name for one in step_form("extract_frames", project, ["selector=uniform"]).options]
    assert "selector.resize_width" in kmeans
    assert not [name for name in uniform if name.startswith("selector.")]
    exporters = step_form("analyze", project, ["exporter=[h5]"])
    assert choice(exporters, "exporter").chosen == ("h5",)
    assert choice(exporters, "exporter").many
    assert not [one for one in exporters.options if one.name.startswith("exporters.csv")]


def test_what_can_be_chosen_is_offered_even_if_nothing_is_chosen(project):
    detector = choice(step_form("check_labels", project), "detector")
    assert detector.chosen == ()
    assert "label_error" in detector.offered
    chosen = step_form("check_labels", project, [detector.override(["label_error"])])
    assert choice(chosen, "detector").chosen == ("label_error",)


def test_a_component_of_a_third_party_appears_with_its_options_as_soon_as_it_is_installed(project, tmp_path):
    site, example = tmp_path / "site", Path(__file__).parents[1] / "example_plugin" / "dlc_example"
    shutil.copytree(example, site / "dlc_example")
    about = site / "dlc_example-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dlc-example\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[dlc]\nexample = dlc_example.plugin\n")
    script = (
        "import sys, json; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from dlc_core.gui.options import step_form; from dlc_core.project.project import Project\n"
        "form = step_form('extract_frames', Project.open(Path(sys.argv[1])), ['selector=every_nth'])\n"
        "offered = next(one.offered for one in form.choices if one.group == 'selector')\n"
        "nth = next(one for one in form.options if one.name == 'selector.nth')\n"
        "print(json.dumps([offered['every_nth'], nth.text, nth.kind, nth.meaning]))\n"
    )
    command = [sys.executable, "-c", script, str(project.root), str(site)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found == ["frames at a regular distance", "10", NUMBER, "Distance of the frames, in candidates."]


def test_each_option_is_asked_for_in_the_way_of_its_type(project):
    form = step_form("train", project)
    kinds = {name: option(form, name).kind for name in ("resume", "training.steps", "optimizer.name", "run")}
    assert kinds == {"resume": SWITCH, "training.steps": NUMBER, "optimizer.name": CHOICE, "run": TEXT}
    assert option(form, "optimizer.name").choices == ("adamw", "adam", "sgd")
    assert option(form, "training.steps").is_optional
    assert not option(form, "training.batch_size").is_optional


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_step_has_a_form_whose_values_mean_the_same_when_they_are_typed(project, verb):
    form = step_form(verb, project)
    words = [one.override(one.text) for one in form.options if one.text]
    again = step_form(verb, project, words)
    assert [(one.name, one.text) for one in again.options] == [(one.name, one.text) for one in form.options]


@pytest.mark.parametrize(
    ("verb", "name", "text", "expected"),
    [
        ("train", "run", "wide, très=1 [b]", "wide, très=1 [b]"),
        ("train", "training.steps", "", None),
        ("train", "training.steps", "20", 20),
        ("analyze", "exporters.csv.sep", ";", ";"),
        ("plot", "displayedbodyparts", "[hand,tip]", ["hand", "tip"]),
        ("evaluate", "pck", "[2,5]", [2, 5]),
        ("plot", "videotype", "", ""),
        ("plot", "destfolder", "/data/über uns/a=b", "/data/über uns/a=b"),
    ],
)
def test_what_is_typed_into_a_form_arrives_as_it_was_meant(project, verb, name, text, expected):
    word = option(step_form(verb, project), name).override(text)
    overrides, files = sort_tokens([word])
    assert not files
    place = compose(verb, quote_free_values(overrides), project).plain()
    for part in name.split("."):
        place = place[part]
    assert place == expected


def test_a_value_that_cannot_be_used_is_one_line(project):
    with pytest.raises(ConfigError, match="steps") as caught:
        step_form("train", project, ["training.steps=many"])
    assert "\n" not in str(caught.value)


def test_the_command_line_can_be_pasted_into_a_shell():
    line = command_line("label_video", ["pcutoff=0.6", "run='a b'"], ["/data/my video.mp4"])
    assert line.startswith("dlc label-video pcutoff=0.6 ")
    assert shlex.split(line)[3:] == ["run='a b'", "/data/my video.mp4"]
    assert shlex.split(command_line("analyze", [], ["a=b.mp4"])) == ["dlc", "analyze", "--", "a=b.mp4"]


def test_values_are_written_as_on_the_command_line():
    assert as_text(None) == ""
    assert as_text(True) == "true"
    assert as_text([1, [2.5, None], "a b"]) == "[1,[2.5,null],'a b']"
    assert as_text({"x": "y"}) == "{x:y}"
