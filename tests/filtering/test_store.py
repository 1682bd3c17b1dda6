"""A filtered store says what it was made of, and is made again when that is not what is wanted."""

import numpy as np
import pytest
import xarray
from scipy.signal import medfilt

from dlc_core.errors import DataError, DiskError, PluginError
from dlc_core.export.sources import find_poses
from dlc_core.filtering.store import filter_video
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.lock import locked
from dlc_core.inference.pose_file import PoseFile
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop


def export(store, *names):
    registry = load_plugins().registry("exporter")
    return export_store(store, [ExporterChoice(name, registry.build({"name": name}), {}) for name in names])


def test_it_is_a_pose_store_beside_its_source_and_knows_both(video, make_store, choose):
    source = make_store(video, crop=Crop(10, 90, 5, 60))
    before = PoseFile.open(source)
    made = filter_video(video, find_poses(video), choose("median", windowlength=3))
    assert made.is_new
    assert made.store == source.with_name(f"{source.stem}_filtered_median.zarr")
    after = PoseFile.open(made.store)
    x = before.keypoints[:, 0, 1, 0].astype(np.float64)
    np.testing.assert_array_equal(after.keypoints[:, 0, 1, 0], medfilt(x, 3).astype(np.float32))
    np.testing.assert_array_equal(after.likelihood[:], before.likelihood[:])
    kept = ("scorer", "fps", "frame_size", "crop", "run", "snapshot", "step", "project", "skeleton", "video", "config")
    assert {key: after.attributes[key] for key in kept} == {key: before.attributes[key] for key in kept}
    assert after.attributes["id"] != before.attributes["id"]
    assert after.attributes["filter"] == {
        "name": "median",
        "options": {"name": "median", "windowlength": 3},
        "provider": "dlc-core 0",
        "of": before.attributes["id"],
        "source": source.name,
    }
    assert xarray.open_zarr(made.store).keypoints.dims == ("frame", "individual", "keypoint", "xy")
    assert {path.name for path in video.parent.iterdir()} == {video.name, source.name, made.store.name}


def test_the_same_filter_on_the_same_poses_is_no_work(video, make_store, choose, capsys):
    make_store(video)
    first = filter_video(video, find_poses(video), choose("median"))
    number = PoseFile.open(first.store).attributes["id"]
    again = filter_video(video, find_poses(video), choose("median"))
    assert not again.is_new
    assert "filtered already" in capsys.readouterr().out
    assert PoseFile.open(first.store).attributes["id"] == number
    assert filter_video(video, find_poses(video), choose("median"), again=True).is_new


def test_other_options_and_other_poses_replace_it_and_that_is_said(video, make_store, choose, capsys):
    make_store(video)
    filter_video(video, find_poses(video), choose("median"))
    made = filter_video(video, find_poses(video), choose("median", windowlength=9))
    assert "was made with other options (windowlength=5); it is made again" in capsys.readouterr().out
    assert PoseFile.open(made.store).attributes["filter"]["options"]["windowlength"] == 9
    make_store(video, seed=1)
    made = filter_video(video, find_poses(video), choose("median", windowlength=9))
    assert "is of poses that were replaced since; it is made again" in capsys.readouterr().out
    assert made.is_new


def test_it_says_of_how_many_tracks_a_filter_changed_anything(video, make_store, choose, capsys):
    make_store(video)
    for options, said in (
        ({}, "filtered 2 tracks of 50 frames with median\n"),
        ({"windowlength": 1}, "filtered 0 of 2 tracks of 50 frames with median; the rest stays as it was\n"),
    ):
        filter_video(video, find_poses(video), choose("median", **options), again=True)
        assert said in capsys.readouterr().out


def test_a_damaged_one_is_made_again(video, make_store, choose, capsys):
    make_store(video)
    made = filter_video(video, find_poses(video), choose("median"))
    (made.store / "keypoints" / "c" / "0" / "0" / "0" / "0").unlink()
    assert filter_video(video, find_poses(video), choose("median")).is_new
    assert "is damaged; it is made again" in capsys.readouterr().out


def test_a_failure_leaves_what_was_there(video, make_store, choose):
    make_store(video)
    made = filter_video(video, find_poses(video), choose("median"))
    number = PoseFile.open(made.store).attributes["id"]

    class Failing:
        def filter(self, _track):
            raise ValueError("no")

    broken = choose("median", windowlength=3)
    object.__setattr__(broken, "smoother", Failing())
    with pytest.raises(PluginError, match="'median' fails on nose"):
        filter_video(video, find_poses(video), broken)
    assert PoseFile.open(made.store).attributes["id"] == number
    assert not [path for path in video.parent.iterdir() if path.name.startswith(".~")]


def test_two_processes_do_not_filter_one_video_in_one_way_at_once(video, make_store, choose):
    make_store(video)
    made = filter_video(video, find_poses(video), choose("median"))
    with locked(made.store), pytest.raises(DataError, match="is being written by"):
        filter_video(video, find_poses(video), choose("median", windowlength=3))


def test_a_table_that_another_program_wrote_is_filtered_too(video, make_store, choose, tmp_path):
    source = make_store(video, crop=Crop(10, 90, 5, 60))
    export(source, "h5")
    poses = PoseFile.open(source).load()
    import shutil

    shutil.rmtree(source)
    made = filter_video(video, find_poses(video), choose("median", windowlength=1))
    filtered = find_poses(video, filtered=True)
    assert filtered.path == made.store
    np.testing.assert_allclose(filtered.keypoints[:], poses.keypoints, atol=1e-4)  # the table is in pixels of the crop
    assert filtered.crop == Crop(10, 90, 5, 60)
    assert filtered.attributes["filter"]["source"] == source.with_suffix(".h5").name
    tables = export(made.store, "h5", "csv")
    assert tables[0].name == f"{source.stem}_filtered.h5"
    table = source.with_suffix(".h5")
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"replaced since: .*\.h5 holds others now.*dlc filter"):
        find_poses(video, filtered=True)


def test_several_animals_and_pairs_that_do_not_exist(video, make_store, choose):
    exists = np.array([[True, True, False], [True, False, True]])
    skeleton = Skeleton(("nose", "tail", "ear"), individuals=("anna", "bert"), exists=exists)
    source = make_store(video, skeleton=skeleton)
    made = filter_video(video, find_poses(video), choose("median", windowlength=1))
    before, after = PoseFile.open(source).load(), PoseFile.open(made.store).load()
    np.testing.assert_array_equal(after.keypoints, before.keypoints)
    np.testing.assert_array_equal(after.likelihood, before.likelihood)


def test_a_name_that_is_too_long_for_a_file_says_how_to_shorten_it(tmp_path, make_store, choose):
    video = tmp_path / ("m" * 196 + ".mp4")
    video.touch()
    make_store(video)
    with pytest.raises(DiskError, match="Shorten the video's name or the run's"):
        filter_video(video, find_poses(video), choose("median"))
