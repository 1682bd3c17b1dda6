"""Overrides are told from file names, and free values reach Hydra as they were typed."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from dlc_core.overrides import is_override, quote_free_values, sort_tokens

NASTY = [
    "two words",
    "a=b",
    "a,b",
    "[1]",
    "{x}",
    "it's",
    'say "hi"',
    "#1",
    "a&b",
    "Mäuse/Übung",
    "1e5",
    "C:\\videos\\",
    "ends with \\'",
    "${oc.env:HOME}",
    "true",
    "(x)",
]


@pytest.mark.parametrize("value", NASTY)
def test_a_free_value_survives_hydra_whatever_it_contains(value):
    (override,) = quote_free_values([f"run={value}"])
    parsed = OverridesParser.create().parse_override(override)
    from omegaconf import OmegaConf

    assert OmegaConf.create({"run": parsed.value()}).run == value


def test_in_a_sweep_only_a_comma_outside_quotes_separates():
    (override,) = quote_free_values(["run='a,b',c d"], multirun=True)
    parsed = OverridesParser.create().parse_override(override)
    assert parsed.is_sweep_override()
    assert [value.text for value in parsed.value().list] == ["a,b", "c d"]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("skeleton_color=#1f77b4", "#1f77b4"),
        ("colormap=tab10", "tab10"),
        ("displayedbodyparts=paw(l)", "paw(l)"),
        ("displayedbodyparts=all", "all"),
        ("displayedbodyparts=[paw(l), 'a,b',tail]", ["paw(l)", "a,b", "tail"]),
        ("displayedbodyparts=[]", []),
    ],
)
def test_colours_and_body_parts_need_no_quotes(typed, value):
    (override,) = quote_free_values([typed])
    assert OverridesParser.create().parse_override(override).value() == value


def test_in_a_sweep_over_lists_of_body_parts_a_comma_inside_brackets_does_not_separate():
    (override,) = quote_free_values(["displayedbodyparts=[paw(l),tail],nose"], multirun=True)
    parsed = OverridesParser.create().parse_override(override)
    first, second = parsed.value().list
    assert ([name.text for name in first], second.text) == (["paw(l)", "tail"], "nose")


def test_values_of_other_options_are_left_to_hydra():
    assert quote_free_values(["backbone=resnet50", "head.x=1e5", "run=null"]) == [
        "backbone=resnet50",
        "head.x=1e5",
        "run=null",
    ]


@pytest.mark.parametrize("token", ["a=1", "+a.b=1", "++a=1", "~a", "~a=1", "a/b@c=1", "a=", "exporters.csv.sep=';'"])
def test_an_assignment_is_an_override(token):
    assert is_override(token)


@pytest.mark.parametrize("token", ["video.mp4", "-x", "1a=2", "/data/run=3/v.mp4", "a b=1"])
def test_anything_else_is_an_argument(token):
    assert not is_override(token)


def test_an_existing_file_is_an_argument_and_a_double_dash_ends_the_overrides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=3.mp4").write_bytes(b"")
    assert sort_tokens(["run=3.mp4", "run=4.mp4", "--", "a=5.mp4"]) == (["run=4.mp4"], ["run=3.mp4", "a=5.mp4"])
