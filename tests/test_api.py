"""The Python functions take what a person types: one path or several, a step's name in either spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

import dlc_core as dlc
from dlc_core import api
from dlc_core.demo.generate import generate_video
from dlc_core.errors import ConfigError, DlcError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the config.yaml of a project with a video."""
    generate_video(tmp_path / "reach1.mp4", frames=10, height=64, width=96, seed=0)
    return Path(dlc.create_new_project("reach", "ada", str(tmp_path / "reach1.mp4"), tmp_path))


def test_a_single_path_is_no_list_of_letters(config, tmp_path):
    assert (config.parent / "videos" / "reach1.mp4").exists()
    generate_video(tmp_path / "reach2.mp4", frames=10, height=64, width=96, seed=1)
    dlc.add_new_videos(config, tmp_path / "reach2.mp4")
    assert len(list((config.parent / "videos").iterdir())) == 2
    outcome = dlc.extract_frames(config, algo="uniform", videos_list="reach2.mp4", overrides=["n=2"])
    assert [Path(video["video"]).name for video in outcome.data["videos"]] == ["reach2.mp4"]
    with pytest.raises(DlcError, match=r"no trained network|no network|Train"):
        dlc.analyze_videos(config, "reach1.mp4")


def test_a_step_is_named_as_on_the_command_line_or_as_its_config(config):
    assert dlc.compose(verb="label-video").plain() == dlc.compose(verb="label_video").plain()
    with pytest.raises(ConfigError, match=r"no step 'label_vido'\. Did you mean 'label_video'.*Steps: .*train"):
        dlc.compose(verb="label_vido")
    with pytest.raises(ConfigError, match=r"no step 'trian'"):
        api.run_step("trian", None)


def test_shuffles_are_given_under_the_name_of_the_paper_or_of_later_versions(config):
    for given in ({"shuffle": [7]}, {"Shuffles": (7,)}, {"shuffle": 7}, {"Shuffles": 7}):
        with pytest.raises(DlcError, match="shuffle7"):
            dlc.evaluate_network(config, plotting=True, **given)
    with pytest.raises(ConfigError, match=r"Shuffles=\[1\] and shuffle=2 mean the same"):
        dlc.evaluate_network(config, Shuffles=[1], shuffle=2)
