"""What detectors need is found, or named when it is missing."""

from __future__ import annotations

import numpy as np
import pytest
from dlc_plugins.outlier_detectors.ensemble import Ensemble

from dlc_core.demo.animal import SKELETON
from dlc_core.errors import ConfigError, DataError, PluginError
from dlc_core.frames.frame_files import remember_crop
from dlc_core.inference.pose_file import PoseFile
from dlc_core.labels.files import write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.outliers.inputs import check_needs, counted_bodyparts, detector_input
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

from .conftest import poses_of, scorer_of, write_store

ALL = np.ones(len(SKELETON.keypoints), bool)


class Needy:
    """A detector that needs something and finds nothing."""

    def __init__(self, *needs: str) -> None:
        self.needs = frozenset(needs)

    def score(self, _):
        raise AssertionError("these tests look at what it gets")


@pytest.fixture
def poses(video) -> PoseFile:
    return PoseFile.open(write_store(video))


def given(needs, poses, video, project, **more):
    with detector_input(Needy(*needs), poses, ALL, video, project, **more) as found:
        return found


def test_a_detector_without_needs_gets_the_poses_alone(poses, video, project):
    found = given((), poses, video, project)
    assert found.poses is poses and found.bodyparts is ALL
    assert found.video is None and found.labels is None and found.ensemble == () and found.out_of_fold is None


def test_the_video_is_open_within_the_block(poses, video, project):
    with detector_input(Needy("video"), poses, ALL, video, project) as found:
        assert found.video is not None
        assert found.video.read(3).shape == (96, 128, 3)


def test_the_ensemble_is_every_other_network_that_analysed_the_video(poses, video, project):
    write_store(video, run="second")
    write_store(video, run="first", step=20)
    found = given(["ensemble"], poses, video, project)
    assert [other.scorer for other in found.ensemble] == [scorer_of("first", 20), scorer_of("second")]


def test_the_ensemble_can_be_chosen_by_run_or_scorer(poses, video, project):
    for run in ("second", "third"):
        write_store(video, run=run)
    for names in ("second", ["second"], [scorer_of("second")]):
        found = given(["ensemble"], poses, video, project, ensemble=names)
        assert [other.scorer for other in found.ensemble] == [scorer_of("second")]


def test_an_ensemble_with_the_judged_network_an_unknown_one_or_one_without_poses_says_what_to_do(poses, video, project):
    write_store(video, run="second")
    for name in ("first", poses.scorer):
        with pytest.raises(
            DataError, match=rf"'{name}', the network whose poses .* are judged\. Name others: second\.$"
        ):
            given(["ensemble"], poses, video, project, ensemble=["second", name])
    with pytest.raises(DataError, match=r"'thrid'.* no such run.*Known: second\.$"):
        given(["ensemble"], poses, video, project, ensemble=["second", "thrid"])
    for name in ("first", "third"):
        run = project.models_folder() / "reachNov21-trainset95shuffle1" / name
        run.mkdir(parents=True)
        (run / "snapshot_0000010.ckpt").touch()
    with pytest.raises(DataError, match=r"'thrid'.*Did you mean 'third'\? Known: second, third\.$"):
        given(["ensemble"], poses, video, project, ensemble="thrid")
    with pytest.raises(DataError, match=r"no poses .* by it, only those by second\. Run `dlc analyze .* run=third`"):
        given(["ensemble"], poses, video, project, ensemble="third")
    write_store(video, run="first", step=20)
    assert [other.scorer for other in given(["ensemble"], poses, video, project, ensemble="first").ensemble] == [
        scorer_of("first", 20)
    ]


def test_networks_in_another_folder_are_found_there(video, project, tmp_path):
    (tmp_path / "results").mkdir()
    poses = PoseFile.open(write_store(video, folder=tmp_path / "results"))
    write_store(video, run="second", folder=tmp_path / "results")
    with pytest.raises(DataError, match="alone"):
        given(["ensemble"], poses, video, project)
    assert len(given(["ensemble"], poses, video, project, destfolder=tmp_path / "results").ensemble) == 1


def test_an_ensemble_of_one_an_unfinished_one_and_one_that_cannot_be_compared_are_named(poses, video, project):
    with pytest.raises(DataError, match=r"was analyzed by DLC_Net_.*_first_snapshot_10 alone\. Analyze it with"):
        given(["ensemble"], poses, video, project)
    write_store(video, run="slow", done=16)
    with pytest.raises(DataError, match=r"_slow_.*unfinished: 16 of 60 frames"):
        given(["ensemble"], poses, video, project)
    keypoints, likelihood = poses_of(video)
    write_store(video, run="short", poses=(keypoints[:50], likelihood[:50]))
    with pytest.raises(DataError, match=r"_short_.* has 50 frames, the poses of .* 60;"):
        given(["ensemble"], poses, video, project, ensemble="short")
    renamed = Skeleton(tuple(f"{name}2" for name in SKELETON.keypoints))
    write_store(video, run="renamed", skeleton=renamed)
    with pytest.raises(DataError, match=r"has the body parts snout2, .* none can be compared"):
        given(["ensemble"], poses, video, project, ensemble="renamed")


def test_networks_with_other_body_parts_are_compared_in_those_that_both_have(poses, video, project, capsys):
    """As when a body part was added between two trainings, or the list in config.yaml was put in another order."""
    keypoints, likelihood = poses_of(video)
    turned = Skeleton(SKELETON.keypoints[::-1])
    write_store(video, run="turned", skeleton=turned, poses=(keypoints[:, :, ::-1], likelihood[:, :, ::-1]))
    early = Skeleton(SKELETON.keypoints[:3])
    far = keypoints[:, :, :3] + np.float32(60)
    write_store(video, run="early", skeleton=early, poses=(far, likelihood[:, :, :3]))
    detector = Ensemble(20.0, 0.01, SKELETON)
    with detector_input(detector, poses, ALL, video, project, ensemble="turned") as given_turned:
        assert detector.score(given_turned).score.max() == 0
    assert "lack" not in capsys.readouterr().out
    with detector_input(detector, poses, ALL, video, project) as given_both:
        assert len(given_both.ensemble) == 2 and len(detector.score(given_both).outliers()) == len(keypoints)
    lacking = ", ".join(SKELETON.keypoints[3:])
    assert f"{scorer_of('early')} lacks {lacking}; the others are compared" in capsys.readouterr().out
    last = np.array([name == SKELETON.keypoints[-1] for name in SKELETON.keypoints])
    with (
        pytest.raises(DataError, match=r"_early_.* of those that count none can be compared"),
        detector_input(detector, poses, last, video, project, ensemble="early"),
    ):
        pass


def test_labels_come_by_frame_and_body_part_in_pixels_of_the_full_frame(poses, video, project):
    folder = project.labeled_data / "reach1"
    images = tuple(f"labeled-data/reach1/{name}" for name in ("img07.png", "img41.png"))
    points = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [np.nan, np.nan]]])[:, None]
    write_labels(LabelTable("ada", images, ("tailtip", "snout"), points), folder)
    remember_crop(folder, ["img41.png"], Crop(10, 60, 20, 70))
    labels = given(["labels"], poses, video, project).labels
    assert labels.shape == (60, 1, 6, 2) and labels.dtype == np.float32
    assert np.flatnonzero(np.isfinite(labels).any(axis=(1, 2, 3))).tolist() == [7, 41]
    np.testing.assert_array_equal(labels[7, 0, SKELETON.keypoints.index("tailtip")], [1, 2])
    np.testing.assert_array_equal(labels[41, 0, SKELETON.keypoints.index("tailtip")], [15, 26])
    assert np.isnan(labels[41, 0, SKELETON.keypoints.index("snout")]).all()


def test_labels_that_are_missing_are_named(poses, video, project):
    with pytest.raises(DataError, match=r"the detector needs labels of reach1\.mp4: .*no label table"):
        given(["labels"], poses, video, project)


def test_a_detector_of_labels_is_sent_to_check_labels_and_unknown_needs_are_the_authors_fault():
    check_needs(Needy("video", "ensemble", "labels"), "good")
    with pytest.raises(ConfigError, match="dlc check-labels detector=label_error"):
        check_needs(Needy("labels", "out_of_fold"), "label_error")
    with pytest.raises(PluginError, match=r"detector=mine needs 'depth', which nobody provides; known: video, labels"):
        check_needs(Needy("depth"), "mine")


def test_body_parts_are_all_one_or_several_and_near_names_are_suggested():
    skeleton = Skeleton(("snout", "leftear", "tail"))
    assert counted_bodyparts(skeleton, "all").tolist() == [True] * 3
    assert counted_bodyparts(skeleton, "tail").tolist() == [False, False, True]
    assert counted_bodyparts(skeleton, ["tail", "snout"]).tolist() == [True, False, True]
    with pytest.raises(ConfigError, match=r"bodyparts has 'lefteer'.*Did you mean 'leftear'\? Known: all, snout"):
        counted_bodyparts(skeleton, ["lefteer"])
    with pytest.raises(ConfigError, match="bodyparts is empty"):
        counted_bodyparts(skeleton, [])
