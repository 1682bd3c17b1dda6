"""`dlc filter` as the command line and Python call it, also with somebody else's filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import dlc_core as dlc
from dlc_core.demo.generate import generate_video
from dlc_core.errors import ConfigError
from dlc_core.export.run import export
from dlc_core.filtering.run import filter_poses
from dlc_core.filtering.structures import Track
from dlc_core.help import completions, verb_help
from dlc_core.inference.pose_file import PoseFile
from dlc_core.plugin_api import Component, hookimpl
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.plugin_api.listing import format_listing, make_listing
from dlc_core.plugin_api.testing import check_component
from dlc_core.project.create import create_project
from dlc_core.verbs import verb_named


def run_filter(arguments, *overrides):
    return filter_poses(None, compose("filter", list(overrides)), [str(argument) for argument in arguments])


def test_it_writes_the_store_and_the_tables_and_says_what_follows(video, make_store):
    source = make_store(video)
    outcome = run_filter([video, video])
    assert outcome.failed == 0
    (result,) = outcome.data["videos"]
    stem = f"{source.stem}_filtered"
    assert result["store"] == str(source.with_name(f"{stem}_median.zarr"))
    assert [Path(path).name for path in result["files"]] == [f"{stem}.h5", f"{stem}_meta.pickle", f"{stem}.csv"]
    assert outcome.next_step == f"dlc plot '{video}' filtered=median"
    assert run_filter([video]).data["videos"][0]["new"] is False


def test_a_video_without_poses_does_not_stop_the_others(video, make_store, tmp_path):
    make_store(video)
    other = tmp_path / "other.mp4"
    other.touch()
    outcome = run_filter([other, tmp_path / "absent.mp4", video], "filter=savgol", "exporter=h5")
    assert outcome.failed == 2
    assert "dlc analyze" in outcome.data["videos"][0]["error"]
    assert "absent.mp4" in outcome.data["videos"][1]["error"]
    assert len(outcome.data["videos"][2]["files"]) == 2


def test_what_concerns_all_videos_is_one_line(video, make_store):
    make_store(video)
    with pytest.raises(ConfigError, match="no video was given"):
        run_filter([])
    with pytest.raises(ConfigError, match=r"filter=medain does not exist\. Did you mean 'median'"):
        run_filter([video], "filter=medain")
    with pytest.raises(ConfigError, match=r"filter\.windowlength is 4; an odd number"):
        run_filter([video], "filter.windowlength=4")
    with pytest.raises(ConfigError, match=r"windowlenght"):
        run_filter([video], "filter.windowlenght=3")


def test_results_in_another_folder_stay_there(video, make_store, tmp_path):
    results = tmp_path / "results"
    make_store(results / video.name)
    outcome = run_filter([video], f"destfolder={results}")
    assert outcome.failed == 0
    assert Path(outcome.data["videos"][0]["store"]).parent == results
    assert outcome.next_step.endswith(f"filtered=median destfolder={results}")


@pytest.fixture
def filmed(tmp_path, make_store):
    """Return the config.yaml of a project, a real video of it and the store of its poses."""
    video = tmp_path / "reach1.mp4"
    generate_video(video, frames=40, height=64, width=96, seed=0)
    source = make_store(video, frames=40)
    return create_project("walk", "me", [video], tmp_path, bodyparts=["nose", "tail"]).config.path, video, source


def test_the_papers_function_takes_the_papers_arguments(filmed):
    config, video, source = filmed
    dlc.filterpredictions(config, video, filtertype="median", windowlength=3, alpha=0.01, save_as_csv=False)
    assert not source.with_name(f"{source.stem}_filtered.csv").exists()
    table = source.with_name(f"{source.stem}_filtered.h5")
    median = pd.read_hdf(table)
    outcome = dlc.filterpredictions(config, [video], filtertype="kalman", p_bound=0.6)
    assert outcome.failed == 0
    kalman = PoseFile.open(outcome.data["videos"][0]["store"])
    assert kalman.attributes["filter"]["options"]["p_bound"] == 0.6
    assert not np.allclose(pd.read_hdf(table), median)  # not the first filter's, kept without a word
    with pytest.raises(ConfigError, match="ar_degree"):
        dlc.filterpredictions(config, video, ARdegree=5)


def test_pictures_and_videos_of_filtered_poses_have_names_of_their_own(filmed):
    config, video, source = filmed
    for filtertype in ("median", "savgol"):
        dlc.filterpredictions(config, video, filtertype=filtertype, save_as_csv=False)
    outcome = dlc.plot_trajectories(config, video, filtered=True)
    assert "was filtered by median and savgol" in outcome.data["videos"][0]["error"]
    assert dlc.plot_trajectories(config, video, filtered="savgol").failed == 0
    assert dlc.create_labeled_video(config, video, filtered="savgol").failed == 0
    assert [path.name for path in (video.parent / "plot-poses").iterdir()] == ["reach1_filtered_savgol"]
    assert source.with_name(f"{source.stem}_filtered_savgol_labeled.mp4").is_file()
    assert not source.with_name(f"{source.stem}_labeled.mp4").exists()


def test_other_formats_of_filtered_poses_are_written_later(video, make_store):
    source = make_store(video)
    run_filter([video], "filter=median", "exporter=h5")
    outcome = export(None, compose("export", ["exporter=csv", "filtered=true"]), [str(video)])
    assert Path(outcome.data["videos"][0]["files"][0]).name == f"{source.stem}_filtered.csv"


@dataclass
class ShiftConfig:
    """Options of `shift`.

    Parameters
    ----------
    pixels : float
        By which everything moves.
    """

    name: str = "shift"
    pixels: float = 1.0


class Shift:
    def __init__(self, pixels: float) -> None:
        self.pixels = pixels

    def filter(self, track: Track) -> Track:
        return replace(track, points=track.points + self.pixels)


@hookimpl
def dlc_filters():
    return [Component(name="shift", target=f"{__name__}:Shift", config=ShiftConfig, summary="moves it")]


@pytest.fixture
def third_party():
    """Register the filter above as that of another distribution."""
    load_plugins.cache_clear()
    load_plugins().add(SimpleNamespace(dlc_filters=dlc_filters), "dlc-shift 1.0 [shift]")
    yield
    load_plugins.cache_clear()


@pytest.mark.usefixtures("third_party")
def test_somebody_elses_filter_is_listed_helped_completed_checked_and_run(video, make_store):
    assert "shift   moves it  [dlc-shift 1.0 [shift]]" in format_listing(make_listing(load_plugins()))
    text = verb_help(verb_named("filter"), None, ["filter=shift"])
    assert "filter: arima, kalman, median, savgol, shift" in text
    assert "filter.pixels = 1.0" in text
    assert "By which everything moves." in text
    assert "filter=shift" in completions("filter", "filter=sh")
    check_component("filter", "shift")
    source = make_store(video)
    outcome = run_filter([video], "filter=shift", "filter.pixels=2.5", "exporter=csv")
    made = PoseFile.open(outcome.data["videos"][0]["store"])
    assert made.path == source.with_name(f"{source.stem}_filtered_shift.zarr")
    assert made.attributes["filter"]["provider"] == "dlc-shift 1.0 [shift]"
    np.testing.assert_allclose(made.keypoints[:], PoseFile.open(source).keypoints[:] + 2.5, rtol=1e-6)
