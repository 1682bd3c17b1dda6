import json

import pytest

from dlc_core.demo.run import demo, poor_result
from dlc_core.errors import ConfigError, ProjectError
from dlc_core.video.reader import VideoReader


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ProjectError, match="empty"):
        demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(ConfigError, match="minutes"):
        demo(tmp_path / "new", minutes=0)
    with pytest.raises(ConfigError, match="seed is -3"):
        demo(tmp_path / "new", seed=-3)
    assert not (tmp_path / "new").exists()


def test_a_poor_result_names_minutes_that_help():
    assert "0.5 minutes of training were too few" in poor_result(0.5)
    assert poor_result(0.5).endswith("dlc demo --minutes 3")
    assert poor_result(4).endswith("dlc demo --minutes 8")


@pytest.mark.long
def test_the_demo_finds_the_body_parts_to_a_few_pixels(tmp_path):
    outcome = demo(tmp_path / "demo", seed=0, steps=200)
    json.dumps(outcome.data, allow_nan=False)
    error = outcome.data["error_px"]
    assert error["frames"] == 360
    assert error["mean"] < 6  # an untrained network is about 60 px off
    assert error["share_within_5px"] > 0.6
    movie, *pictures = outcome.data["files"]
    with VideoReader(movie) as labeled:
        assert labeled.frame_count == 400
    assert len(pictures) == 4
