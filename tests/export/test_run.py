"""`dlc export` as the command line calls it."""

import pytest

from dlc_core.errors import ConfigError
from dlc_core.export.run import export
from dlc_core.plugin_api.hydra_bridge import compose


def run_export(arguments, *overrides):
    return export(None, compose("export", list(overrides)), [str(argument) for argument in arguments])


def test_it_writes_later_what_analyze_did_not(video, make_store):
    store = make_store(video)
    assert run_export([video], "exporter=csv", 'exporters.csv.sep=";"').failed == 0
    assert store.with_suffix(".csv").read_text().startswith("scorer;")
    outcome = run_export([video], "exporter=h5")
    assert outcome.failed == 0
    assert outcome.data["videos"][0]["files"][0] == str(store.with_suffix(".h5"))


def test_a_video_without_poses_does_not_stop_the_others(video, make_store, tmp_path):
    make_store(video)
    other = tmp_path / "other.mp4"
    other.touch()
    outcome = run_export([other, tmp_path / "absent.mp4", video], "exporter=h5")
    assert outcome.failed == 2
    assert "dlc analyze" in outcome.data["videos"][0]["error"]
    assert "absent.mp4" in outcome.data["videos"][1]["error"]
    assert outcome.data["videos"][2]["files"]


def test_without_a_video_it_is_one_clear_line():
    with pytest.raises(ConfigError, match="no video"):
        run_export([])


def test_poses_of_several_networks_need_a_choice(video, make_store):
    make_store(video)
    make_store(video, "second")
    outcome = run_export([video], "exporter=h5")
    assert "several networks" in outcome.data["videos"][0]["error"]
