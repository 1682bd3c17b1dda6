import shlex

import numpy as np
import pandas as pd
import pytest

from dlc_core.api import run_step
from dlc_core.demo.animal import SKELETON
from dlc_core.demo.generate import generate_video
from dlc_core.errors import ConfigError, RunError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.project.create import create_project
from dlc_core.skeleton import Skeleton
from dlc_core.video.reader import VideoReader
from dlc_core.visualize.run import _background, drawn_skeleton

SCORER = "DLC_Resnet50_walkJan31shuffle1_wide_snapshot_10"


def write_csv(video, truth, scorer=SCORER, likelihood=1.0):
    """Write poses as DeepLabCut's csv."""
    values = np.concatenate([truth.keypoints[:, 0], np.full((*truth.keypoints.shape[:1], 6, 1), likelihood)], axis=-1)
    columns = pd.MultiIndex.from_product([[scorer], truth.names, ["x", "y", "likelihood"]])
    columns.names = ["scorer", "bodyparts", "coords"]
    pd.DataFrame(values.reshape(len(values), -1), columns=columns).to_csv(video.with_name(f"{video.stem}{scorer}.csv"))


@pytest.fixture
def project(tmp_path):
    truth = generate_video(tmp_path / "mouse 1=ä.mp4", 6, 96, 128, seed=0)
    generate_video(tmp_path / "other.mp4", 4, 96, 128, seed=1)
    write_csv(tmp_path / "mouse 1=ä.mp4", truth)
    return create_project("walk", "me", [tmp_path / "mouse 1=ä.mp4"], tmp_path, bodyparts=SKELETON.keypoints)


@pytest.fixture
def video(project, tmp_path):
    return tmp_path / "mouse 1=ä.mp4"


def test_plot_writes_the_four_pictures_beside_the_video(project, video):
    outcome = run_step("plot", project, [], [video])
    folder = video.parent / "plot-poses" / video.stem
    assert sorted(path.name for path in folder.iterdir()) == [
        *("hist.png", "plot-likelihood.png", "plot.png", "trajectory.png")
    ]
    assert len(outcome.data["videos"][0]["files"]) == 4
    assert outcome.failed == 0
    assert outcome.next_step.startswith("dlc label-video ")


def test_label_video_writes_a_video_named_after_video_and_scorer(project, video):
    outcome = run_step("label_video", project, ["draw_skeleton=true", "trailpoints=2", "dotsize=5"], [video])
    assert outcome.next_step == f"dlc extract-outliers {shlex.quote(str(video))}, if frames went wrong"
    with VideoReader(video.with_name(f"{video.stem}{SCORER}_labeled.mp4")) as labeled:
        assert labeled.frame_count == 6


def test_a_labelled_video_without_any_confident_point_is_announced(project, video, capsys):
    write_csv(video, generate_video(video, 6, 96, 128, seed=0), likelihood=0.009)
    assert run_step("label_video", project, ["pcutoff=0.4"], [video]).failed == 0
    assert f"Note: no point of {video.name} is above pcutoff=0.4, the best has 0.009; train" in capsys.readouterr().err
    run_step("label_video", project, ["pcutoff=0.001"], [video])
    assert "no point" not in capsys.readouterr().err


def test_a_video_without_poses_does_not_stop_the_others_and_is_counted(project, video, capsys):
    outcome = run_step("plot", project, [], [video.with_name("other.mp4"), video, "nowhere.mp4"])
    assert outcome.failed == 2
    errors = {entry["video"]: entry.get("error", "") for entry in outcome.data["videos"]}
    assert "dlc analyze" in errors[str(video.with_name("other.mp4"))]
    assert errors[str(video)] == ""
    assert "nowhere.mp4" in capsys.readouterr().err


def test_the_values_of_config_yaml_are_used_and_the_command_line_beats_them(project, video):
    text = project.config.path.read_text(encoding="utf-8")
    project.config.path.write_text(text.replace("colormap: hsv", "colormap: nonsense"), encoding="utf-8")
    changed = type(project).open(project.root)
    with pytest.raises(ConfigError, match="nonsense"):
        run_step("plot", changed, [], [video])
    assert run_step("plot", changed, ["colormap=viridis"], [video]).failed == 0


def test_a_misspelt_body_part_is_answered_with_the_near_name_before_anything_is_read(project):
    with pytest.raises(ConfigError, match="'leftear'"):
        run_step("plot", project, ["displayedbodyparts=[snout,lefteer]"], ["nowhere.mp4"])
    with pytest.raises(ConfigError, match="'snout'"):
        run_step("label_video", project, ["displayedbodyparts=snot"], ["nowhere.mp4"])


def test_options_that_make_no_sense_are_refused(project, video):
    for option in ("dotsize=0", "trailpoints=-1", "alphavalue=1.5", "pcutoff=-0.1", "skeleton_color=blakc"):
        with pytest.raises(ConfigError):
            run_step("label_video", project, [option], [video])
    with pytest.raises(ConfigError, match="no video"):
        run_step("plot", project)
    with pytest.raises(RunError):
        run_step("plot", project, ["run=wide"], [video])


def test_a_named_file_is_read_and_destfolder_takes_the_results(project, video, tmp_path):
    table = video.with_name(f"{video.stem}{SCORER}.csv")
    place = tmp_path / "results"
    options = [f"file='{table}'", f"destfolder='{place}'", "displayedbodyparts=spine"]
    run_step("plot", project, options, [video])
    assert (place / "plot-poses" / video.stem / "hist.png").is_file()


def test_a_named_file_is_for_one_video(project, video, tmp_path):
    table = video.with_name(f"{video.stem}{SCORER}.csv")
    for verb in ("plot", "label_video"):
        with pytest.raises(ConfigError, match=r"poses of one video, but 2 were given: mouse 1=ä\.mp4, other\.mp4"):
            run_step(verb, project, [f"file='{table}'"], [video, video.with_name("other.mp4")])
    assert not (video.parent / "plot-poses").exists()
    assert run_step("plot", project, [f"file='{table}'"], [video, video]).failed == 0


def test_poses_without_a_body_part_are_the_failure_of_their_video_alone(project, video, capsys):
    other = video.with_name("other.mp4")
    columns = pd.MultiIndex.from_product(
        [[SCORER], ["snout"], ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(np.ones((4, 3)), columns=columns).to_csv(other.with_name(f"other{SCORER}.csv"))
    outcome = run_step("plot", project, ["displayedbodyparts=tailtip"], [other, video])
    assert outcome.failed == 1
    failed, drawn = outcome.data["videos"]
    assert failed["error"].startswith("other.mp4: displayedbodyparts has 'tailtip', which is no body part here")
    assert len(drawn["files"]) == 4


def test_a_video_of_another_size_is_not_shown_behind_the_trajectories(tmp_path, capsys):
    generate_video(tmp_path / "half.mp4", 4, 48, 64, seed=1)
    points, likelihood = np.ones((4, 1, 6, 2)), np.ones((4, 1, 6))
    for size, is_shown in (((96, 128), False), ((48, 64), True), (None, True)):
        poses = PoseFile.from_arrays(points, likelihood, SKELETON, frame_size=size)
        assert (_background(tmp_path / "half.mp4", poses) is not None) is is_shown
        assert ("64 x 48 pixels, those of the poses 128 x 96" in capsys.readouterr().err) is not is_shown


def test_the_lines_are_those_that_config_yaml_says_today(project, video):
    names = SKELETON.keypoints
    text = project.config.path.read_text(encoding="utf-8")
    drawn = []
    for pairs in ([], [[names[0], names[1]]]):
        start = text.index("\nskeleton:")
        changed = f"{text[:start]}\nskeleton: {pairs}\nold_skeleton:{text[start + len(chr(10) + 'skeleton:') :]}"
        project.config.path.write_text(changed, encoding="utf-8")
        now = type(project).open(project.root)
        options = ["draw_skeleton=true", "skeleton_color=white", "dotsize=2", "pcutoff=0"]
        assert run_step("label_video", now, options, [video]).failed == 0
        with VideoReader(video.with_name(f"{video.stem}{SCORER}_labeled.mp4")) as labeled:
            drawn.append(labeled.read(0).astype(int))
        reordered = Skeleton(tuple(reversed(names)), edges=((names[2], names[3]),))
        assert drawn_skeleton(reordered, now).edges == tuple(map(tuple, pairs))
        assert drawn_skeleton(reordered, None) is reordered
    assert np.abs(drawn[0] - drawn[1]).max() > 60
