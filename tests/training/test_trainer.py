"""Arguments reach Lightning's Trainer; those that are ours are refused with the option to use."""

from __future__ import annotations

import inspect

import pytest
import torch
from pytorch_lightning import Trainer

from dlc_core.errors import ConfigError
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.training.trainer import _OURS, make_trainer


def test_an_argument_that_is_no_option_of_ours_reaches_lightning_with_a_plus(tmp_path):
    composed = compose("train", ["+trainer.log_every_n_steps=7", "trainer.accelerator=cpu", "trainer.devices=1"])
    trainer = make_trainer(composed.plain()["trainer"], tmp_path, [])
    assert trainer.log_every_n_steps == 7
    assert composed.sources["trainer.log_every_n_steps"] == "command line"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "max_epochs",
            r"trainer\.max_epochs has an option of its own here: write training\.steps=N or training\.minutes",
        ),
        ("gradient_clip_val", r"write optimizer\.clip_norm=X"),
        ("log_every_n_step", r"takes no 'log_every_n_step'\. Did you mean 'log_every_n_steps'"),
    ],
)
def test_an_argument_that_is_ours_or_nobodys_is_refused_with_what_to_write(tmp_path, option, message):
    options = compose("train", [f"+trainer.{option}=1"]).plain()["trainer"]
    with pytest.raises(ConfigError, match=message):
        make_trainer(options, tmp_path, [])


def test_the_refused_arguments_are_lightnings():
    assert set(_OURS) <= set(inspect.signature(Trainer).parameters)


def test_what_lightning_refuses_names_the_option_that_was_set_and_no_other(tmp_path):
    options = compose("train", ["trainer.strategy=nothing", "trainer.accelerator=cpu"]).plain()["trainer"]
    with pytest.raises(ConfigError) as raised:
        make_trainer(options, tmp_path, [])
    assert "Lightning refuses trainer.accelerator=cpu, trainer.strategy=nothing: " in str(raised.value)


def test_a_gpu_that_is_not_there_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("gpu", "cuda", "mps"):
        options = compose("train", [f"trainer.accelerator={name}"]).plain()["trainer"]
        with pytest.raises(ConfigError, match=rf"accelerator={name}, but .* use trainer\.accelerator=cpu"):
            make_trainer(options, tmp_path, [])


@pytest.mark.parametrize("precision", [64, "64-true", "16-true", "bf16-true"])
def test_a_precision_that_batches_do_not_go_along_with_is_refused(tmp_path, precision):
    with pytest.raises(ConfigError, match=rf"trainer\.precision={precision} .*choose 32, 16-mixed or bf16-mixed"):
        make_trainer({"precision": precision, "accelerator": "cpu"}, tmp_path, [])
