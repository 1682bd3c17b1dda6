"""``dlc extract-frames`` from the command line's side."""

from __future__ import annotations

import pytest

from dlc_core.errors import ConfigError
from dlc_core.frames.run import extract_frames
from dlc_core.plugin_api.hydra_bridge import compose


def run(project, *overrides, videos=()):
    return extract_frames(project, compose("extract_frames", overrides, project), videos)


@pytest.mark.parametrize("selector", ["uniform", "kmeans"])
def test_the_verb_extracts_with_the_selector_that_was_chosen(project, selector):
    outcome = run(project, f"selector={selector}", "n=3")
    assert [len(video["frames"]) for video in outcome.data["videos"]] == [3, 3]
    assert len(list((project.labeled_data / "second").glob("img*.png"))) == 3
    assert outcome.next_step == "dlc label"
    assert outcome.failed == 0


def test_the_number_of_frames_comes_from_config_yaml_unless_given(project):
    (outcome,) = [run(project, "selector=uniform", videos=["first"])]
    assert len(outcome.data["videos"][0]["frames"]) == project.config.numframes2pick == 20


def test_options_of_the_selector_reach_it(project):
    with pytest.raises(ConfigError, match="resize_width is 0"):
        run(project, "selector=kmeans", "selector.resize_width=0")


def test_a_video_that_fails_is_counted(project, capsys):
    (broken, _) = project.videos()
    broken.unlink()
    broken.write_bytes(b"")
    outcome = run(project, "selector=uniform", "n=2")
    assert outcome.failed == 1
    assert "empty" in outcome.data["videos"][0]["problem"]
    assert "first: " not in capsys.readouterr().out, "no number of new frames where none could be written"
    assert len(outcome.data["videos"][1]["frames"]) == 2


def test_a_second_extraction_says_that_its_frames_are_added(project, capsys):
    run(project, "selector=uniform", "n=3", videos=["first"])
    assert capsys.readouterr().out.endswith("first: 3 new frames\n")
    run(project, "selector=uniform", "n=2", videos=["first"])
    assert (
        "first: 2 new frames, added to the 3 that were there: 5 in all (n counts new frames)" in capsys.readouterr().out
    )
