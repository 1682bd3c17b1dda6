"""`dlc export` as the command line calls it."""

from pathlib import Path

import pytest

from dlc_core.errors import ConfigError
from dlc_core.export.run import export
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project
from dlc_core.project.runs import shuffle_folder


def run_export(arguments, *overrides, project=None):
    return export(project, compose("export", list(overrides)), [str(argument) for argument in arguments])


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


def test_the_shuffle_counts_among_runs_of_one_name(video, make_store, where_trained, tmp_path):
    (tmp_path / "config.yaml").write_text("Task: Task\nscorer: me\ndate: Nov21\nbodyparts: [nose, tail]\n")
    project = Project.open(tmp_path)
    for shuffle in (1, 2):
        folder = shuffle_folder(project, 0.95, shuffle) / "base"
        folder.mkdir(parents=True)
        (folder / "snapshot_0000010.ckpt").touch()
        (folder / "config.yaml").write_text(f"shuffle: {shuffle}\n")
    make_store(video, "base")
    outcome = run_export([video], "exporter=csv", "run=base", "shuffle=2", project=project)
    assert "run=base of shuffle 2" in outcome.data["videos"][0]["error"]
    second = make_store(video, "base", training=where_trained(2))
    outcome = run_export([video], "exporter=csv", "run=base", "shuffle=2", project=project)
    assert Path(outcome.data["videos"][0]["files"][0]).stem == second.stem
