"""Somebody who writes the last part of a name, DeepLabCut's name or two dashes is told the option."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dlc_core.errors import ConfigError
from dlc_core.option_names import meant, option_meant
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.verbs import verb_named

TRAIN = verb_named("train")


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("steps", "training.steps"),
        ("maxiters", "training.steps"),
        ("saveiters", "training.save_iters"),
        ("displayiters", "training.display_iters"),
        ("save_iters", "training.save_iters"),
        ("save-iters", "training.save_iters"),
        ("training.maxiters", "training.steps"),
        ("net_type", "backbone"),
        ("locref_weight", "head.locref_weight"),
    ],
)
def test_the_option_that_is_meant_is_named(written, option):
    assert f"Did you mean {option}=? " == meant(TRAIN, written)
    assert option_meant(TRAIN, written) == option


@pytest.mark.parametrize(
    ("written", "option"),
    [
        ("outlieralgorithm", "detector"),
        ("extractionalgorithm", "selector"),
        ("comparisonbodyparts", "bodyparts"),
        ("numframes2pick", "n"),
        ("epsilon", "detector.epsilon"),
    ],
)
def test_deeplabcut_s_names_for_outliers_lead_to_ours(written, option):
    assert option_meant(verb_named("extract_outliers"), written) == option


def test_the_error_of_an_unknown_option_names_it():
    with pytest.raises(ConfigError, match=r"no option 'maxiters'\. Did you mean training\.steps=\?"):
        compose("train", ["maxiters=10"])


def test_an_option_that_a_component_lacks_is_reported_with_the_component():
    with pytest.raises(
        ConfigError, match=r"augmenter=scalecrop has no option 'rotation'\. .*It takes: scale_jitter_lo"
    ):
        compose("train", ["augmenter=scalecrop", "augmenter.rotation=3"])


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--steps", "20"], "like training.steps=20"),
        (["--steps=20"], "like training.steps=20"),
        (["--overwrite", "seed=1"], "like name=value"),
    ],
)
def test_two_dashes_are_answered_with_name_and_value(words, answer):
    command = [sys.executable, "-m", "dlc_core", "train", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert answer in done.stderr
    assert done.stderr.count("Error: ") == 1
