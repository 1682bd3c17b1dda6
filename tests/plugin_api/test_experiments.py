"""An experiment is for the steps it composes with: these offer it, the others name those."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlc_core.errors import ConfigError
from dlc_core.help import verb_help
from dlc_core.plugin_api.hydra_bridge import compose, group_options, prepare_sweep
from dlc_core.verbs import verb_named


def test_an_experiment_for_another_step_is_refused_by_naming_that():
    with pytest.raises(ConfigError, match=r"experiment=deeplabcut2018 is for `dlc train`; .* `dlc evaluate`"):
        compose("evaluate", ["experiment=deeplabcut2018"])
    with pytest.raises(ConfigError, match=r"experiment=nothing does not exist"):
        compose("evaluate", ["experiment=nothing"])
    with pytest.raises(ConfigError, match=r"experiment=deeplabcut2018_resnet101 is for `dlc train`"):
        prepare_sweep("evaluate", ["experiment=deeplabcut2018_resnet101", "pcutoff=0.1,0.2"], None)


def test_only_steps_that_an_experiment_is_for_offer_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "deeplabcut2018" in group_options("experiment", "train")
    assert group_options("experiment", "create_dataset") == []
    assert "  experiment: deeplabcut2018" in verb_help(verb_named("train"))
    assert "experiment" not in verb_help(verb_named("evaluate"))


def test_an_experiment_of_a_lab_may_be_for_any_step(tmp_path: Path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "fine.yaml").write_text("# @package _global_\npcutoff: 0.7\n")
    overrides = [f"hydra.searchpath=['file://{tmp_path}']", "experiment=fine"]
    composed = compose("plot", overrides)
    assert composed.config.pcutoff == 0.7
    assert composed.sources["pcutoff"] == "experiment=fine"
    with pytest.raises(ConfigError, match=r"experiment=fine is for .*`dlc plot`.*; it sets what `dlc create-dataset`"):
        compose("create_dataset", overrides)
