"""Every option says what it means where a user looks; plugins document theirs in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module

import pytest

from dlc_core.help import completions, documentation
from dlc_core.option_docs import OptionDoc, doc_of, option_docs
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_bridge import compose, group_options
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.verbs import VERBS


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Inner:
    """Inner options.

    Parameters
    ----------
    speed : {"fast", "slow"}
        How ``fast``. None of the
        others.

    Raises
    ------
    ConfigError
        Never.
    """

    speed: str = "fast"


@dataclass
class Outer(Inner):
    """Outer options.

    Parameters
    ----------
    low, high : float
        Range of `speed`.
    """

    low: float = 0.0
    high: float = 1.0
    colour: Colour = Colour.RED
    silent: int = 0
    inner: Inner = field(default_factory=Inner)


def test_docstrings_are_read_with_shared_entries_bases_nested_classes_and_choices():
    fast = OptionDoc("How fast. None of the others.", ("fast", "slow"))
    span = OptionDoc("Range of speed.")
    assert option_docs(Outer) == {
        "speed": fast, "low": span, "high": span, "colour": OptionDoc("", ("RED", "BLUE")), "inner.speed": fast,
    }  # fmt: skip


def test_an_option_of_an_open_table_has_the_meaning_of_the_table():
    assert doc_of("a.b.c.d", {"a.b": OptionDoc("table")}).meaning == "table"
    assert doc_of("other", {"a.b": OptionDoc("table")}).meaning == ""


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_option_of_every_step_has_a_meaning(verb):
    loggers = group_options("logger") if verb.name == "train" else []
    for overrides in ([], *([f"logger={name}"] for name in loggers)):
        composed = compose(verb.name, overrides)
        docs = documentation(verb, composed)
        unexplained = [option for option in composed.sources if option and not doc_of(option, docs).meaning]
        assert not unexplained


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.singular)
def test_every_option_of_every_component_of_ours_has_a_meaning(kind):
    for entry in load_plugins().registry(kind.singular).values():
        config = entry.component.config
        if config.__module__.startswith("dlc_plugins"):
            assert set(option_docs(config)) >= set(config.__dataclass_fields__) - {"name"}, config


@pytest.mark.parametrize(
    ("verb", "option", "known"),
    [
        ("train", "optimizer.name", "dlc_core.training.module:_OPTIMIZERS"),
        ("train", "head.target", "dlc_plugins.heads:TARGETS"),
        ("train", "backbone.output_stride", "dlc_plugins.backbones.timm_backbone:OUTPUT_STRIDES"),
        ("create_dataset", "split.method", "dlc_core.data.splits:METHODS"),
        ("analyze", "precision", "dlc_core.inference.predictor:PRECISIONS"),
    ],
)
def test_the_values_that_help_lists_are_those_that_are_accepted(verb, option, known):
    row = next(row for row in VERBS if row.name == verb)
    module, _, name = known.partition(":")
    accepted = {str(value) for value in getattr(import_module(module), name)}
    assert set(documentation(row, compose(verb))[option].choices) == accepted


def test_known_values_are_completed_and_so_is_what_follows_a_comma():
    assert completions("train", "head.target=") == ["head.target=disc", "head.target=gaussian"]
    assert completions("create-dataset", "split.method=v") == ["split.method=video"]
    assert completions("train", "backbone=resnet50,resnet10") == ["backbone=resnet50,resnet101"]
    assert completions("analyze", "exporter=[h5,c") == ["exporter=[h5,csv"]
