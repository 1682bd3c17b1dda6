"""Everything under configs/ composes, and each preset really sets what its file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_bridge import Composed, compose
from dlc_core.plugin_api.kinds import KINDS
from dlc_core.verbs import VERBS

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PRESETS = sorted(CONFIGS.glob("*/**/*.yaml"))
VERB_OF_GROUP = {
    "augmenter": "train",
    "backbone": "train",
    "experiment": "train",
    "exporter": "export",
    "head": "train",
    "logger": "train",
    "model": "train",
    "selector": "extract_frames",
}
"""Where a group's presets are composed. A new group needs a row."""


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of nested mappings by their dotted name."""
    if not isinstance(node, dict) or not node:
        return {prefix[:-1]: node}
    return {key: value for name, child in node.items() for key, value in leaves(child, f"{prefix}{name}.").items()}


def values_of(path: Path) -> dict[str, Any]:
    """Return what a preset sets, by dotted option of the composed configuration."""
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    package = first.removeprefix("# @package ").strip() if first.startswith("# @package ") else path.parent.name
    content = yaml.safe_load(text) or {}
    content.pop("defaults", None)
    if not content:
        return {}
    return leaves(content, "" if package == "_global_" else f"{package}.")


def identity(path: Path) -> str:
    """Return ``group/name``."""
    return f"{path.parent.name}/{path.stem}"


def test_every_verb_has_a_config_and_every_config_a_verb():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {verb.name for verb in VERBS}


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_verb_composes(path):
    """And sets nothing itself: defaults live in dataclasses."""
    assert list(yaml.safe_load(path.read_text(encoding="utf-8"))) == ["defaults"]
    assert compose(path.stem).plain()


@pytest.mark.parametrize("path", PRESETS, ids=identity)
def test_every_preset_sets_what_its_file_says(path):
    group = path.parent.name
    composed = compose(VERB_OF_GROUP[group], [f"{group}={path.stem}"])
    assert composed.choices[group] == path.stem
    found = leaves(composed.plain())
    for option, value in values_of(path).items():
        assert found[option] == value, option


@pytest.mark.parametrize("path", [path for path in PRESETS if path.parent.name == "backbone"], ids=identity)
def test_a_preset_of_a_component_changes_a_value_of_it_or_names_the_default(path):
    assert values_of(path), "a preset that sets nothing is the component under another name"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["defaults"][1:] == ["_self_"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.group)
def test_no_preset_has_the_name_of_a_component(kind):
    plugins = load_plugins()
    assert not set(plugins.registry(kind.singular)) & {path.stem for path in (CONFIGS / kind.group).glob("*.yaml")}
    assert not plugins.registry(kind.singular).ambiguous


@pytest.mark.parametrize("path", sorted((CONFIGS / "experiment").glob("*.yaml")), ids=identity)
def test_every_experiment_carries_its_command_and_its_expected_score(path):
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any(f"dlc train experiment={path.stem}" in line for line in comments)
    assert any(line.startswith("# Expected") for line in comments)


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    """Return the override that adds a folder with the exporter presets `tabs` and `semicolons`."""
    (tmp_path / "exporter").mkdir()
    for name, sep in (("tabs", "\\t"), ("semicolons", ";")):
        (tmp_path / "exporter" / f"{name}.yaml").write_text(
            f'# @package exporters.{name}\ndefaults: [csv@_here_, _self_]\nsep: "{sep}"\n'
        )
    return [f"hydra.searchpath=['file://{tmp_path}']"]


def exporters(composed: Composed) -> dict[str, Any]:
    """Return the options of every exporter."""
    node = composed.plain()["exporters"]
    assert isinstance(node, dict)
    return node


@pytest.mark.parametrize("verb", ["analyze", "export"])
def test_an_exporter_preset_lands_in_its_own_node(verb, tables):
    alone = compose(verb, [*tables, "exporter=tabs"])
    assert exporters(alone) == {"tabs": {"name": "csv", "sep": "\t"}}
    assert alone.choices["exporter"] == ["tabs"]
    together = compose(verb, [*tables, "exporter=[csv,tabs,semicolons]"])
    assert exporters(together) == {
        "csv": {"name": "csv", "sep": ","},
        "tabs": {"name": "csv", "sep": "\t"},
        "semicolons": {"name": "csv", "sep": ";"},
    }
    assert set(together.plain()) == set(compose(verb).plain()), "a stray node"


@pytest.mark.parametrize("verb", ["analyze", "export"])
def test_exporters_are_chosen_by_one_name_or_a_list_and_take_options(verb):
    assert exporters(compose(verb, ["exporter=csv"])) == {"csv": {"name": "csv", "sep": ","}}
    composed = compose(verb, ["exporter=[h5,csv]", 'exporters.csv.sep=";"'])
    assert list(exporters(composed)) == ["h5", "csv"]
    assert exporters(composed)["csv"]["sep"] == ";"
    assert composed.sources["exporters.csv.sep"] == "command line"
