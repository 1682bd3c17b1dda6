"""Which file the poses of a video come from."""

import numpy as np
import pandas as pd
import pytest

from dlc_core.errors import DataError
from dlc_core.export.sources import find_poses, find_store
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.video.crop import Crop


def export(store, *names, **options):
    registry = load_plugins().registry("exporter")
    export_store(store, [ExporterChoice(name, registry.build({"name": name, **options}), {}) for name in names])


def remove_store(store):
    import shutil

    shutil.rmtree(store)


def test_the_order_is_store_h5_csv_and_it_is_printed(video, make_store, capsys):
    store = make_store(video)
    whole = PoseFile.open(store).load().keypoints
    export(store, "h5", "csv")
    for expected in (store, store.with_suffix(".h5"), store.with_suffix(".csv")):
        poses = find_poses(video)
        assert poses.path == expected
        assert capsys.readouterr().out == f"mouse.mp4: poses from {expected}\n"
        np.testing.assert_array_equal(poses.load().keypoints, whole)
        remove_store(store) if expected == store else expected.unlink()
    with pytest.raises(DataError, match=r"no poses of mouse\.mp4.*dlc analyze"):
        find_poses(video)


def test_a_named_file_comes_first(video, make_store, tmp_path):
    store = make_store(video)
    export(store, "csv")
    assert find_poses(video, file=store.with_suffix(".csv")).path == store.with_suffix(".csv")
    assert find_poses(video, file=store).path == store
    with pytest.raises(DataError, match="no file"):
        find_poses(video, file=tmp_path / "absent.h5")
    with pytest.raises(DataError, match=r"\.zarr, \.h5, \.csv"):
        find_poses(video, file=video)


def test_a_table_that_no_longer_equals_the_store_is_refused_and_both_are_named(video, make_store):
    store = make_store(video)
    export(store, "h5")
    table = store.with_suffix(".h5")
    frame = pd.read_hdf(table)
    frame.iloc[3, 0] += 1
    frame.to_hdf(table, key="df_with_missing", format="table", mode="w")
    with pytest.raises(DataError) as error:
        find_poses(video)
    assert str(table) in str(error.value)
    assert str(store) in str(error.value)
    assert find_poses(video, file=table).keypoints[3, 0, 0, 0] == frame.iloc[3, 0]


def test_a_table_of_an_analysis_that_was_replaced_is_refused_with_what_to_do(video, make_store):
    store = make_store(video, crop=Crop(10, 90, 5, 60))
    export(store, "h5", "csv")
    old = PoseFile.open(store).load().keypoints
    make_store(video, frames=31)
    with pytest.raises(DataError, match=r"\.h5 differs .*replaced since.*`dlc export VIDEO exporter=h5`"):
        find_poses(video)
    named = find_poses(video, file=store.with_suffix(".csv"))  # still with the metadata of its own analysis
    np.testing.assert_allclose(named.load().keypoints, old, atol=1e-3)
    export(store, "h5")
    assert find_poses(video).path == store
    assert find_poses(video, file=store.with_suffix(".csv")).frame_count == 31


def test_a_store_that_cannot_be_read_is_left_out_with_the_reason(video, make_store, capsys):
    damaged, newer, good = make_store(video), make_store(video, step=20), make_store(video, step=30)
    (damaged / "zarr.json").write_text("{")
    PoseStore.open(newer).update(format_version=99)
    assert find_poses(video).path == good
    notes = capsys.readouterr().err
    assert f"{damaged.name} is left out" in notes
    assert "damaged one" in notes
    assert f"{newer.name} is left out" in notes
    assert "version 99" in notes
    (damaged.with_name("mouse_labels.zarr")).mkdir()
    with pytest.raises(DataError, match="no poses"):
        find_poses(video.with_name("mous.mp4"))
    assert capsys.readouterr().err == ""


def test_several_networks_on_one_video_are_listed_unless_the_run_decides(video, make_store, choose):
    first, later, other = make_store(video), make_store(video, step=20), make_store(video, "the_first")
    export(later, "h5", "csv")
    with pytest.raises(DataError, match=r"several networks.*run=first.*run=the_first") as caught:
        find_poses(video)
    assert str(caught.value).count("DLC_Net_") == 3, "each network once, whatever was exported"
    assert find_poses(video, network=choose("the_first")).path == other
    with pytest.raises(DataError, match=r"snapshot_10.*snapshot_20"):
        find_poses(video, network=choose("first"))
    assert find_poses(video, network=choose("first", 20)).path == later
    assert find_store(video, network=choose("first", 10)) == first
    with pytest.raises(DataError, match="by run=second of shuffle 1"):
        find_poses(video, network=choose("second"))


def test_the_export_for_deeplabcut_is_no_second_network(video, make_store):
    store = make_store(video)
    export(store, "deeplabcut", scorer="DLC_Resnet50_TaskNov21shuffle1_snapshot_best-2")
    assert find_poses(video).path == store


def test_another_videos_poses_and_other_files_are_not_taken(video, make_store, tmp_path):
    make_store(tmp_path / "mouse2.mp4")
    make_store(tmp_path / "mouseDLC.mp4")
    (tmp_path / "mouse_labels.csv").write_text("a\n")
    (tmp_path / "mouseDLC_x_filtered.h5").write_text("a\n")
    with pytest.raises(DataError, match="no poses"):
        find_poses(video)


def test_tables_without_a_store_are_found_by_the_scorer_in_their_name(video, make_store, choose):
    one, two = make_store(video), make_store(video, "second")
    for store in (one, two):
        export(store, "h5")
        remove_store(store)
    with pytest.raises(DataError, match="several networks"):
        find_poses(video)
    assert find_poses(video, network=choose("second")).path == two.with_suffix(".h5")


def test_an_unfinished_analysis_is_not_passed_over(video, make_store):
    make_store(video, done=16)
    with pytest.raises(DataError, match="unfinished"):
        find_poses(video)


def test_results_in_another_folder(video, make_store, tmp_path):
    store = make_store(tmp_path / "results" / "mouse.mp4")
    assert find_poses(video, destfolder=tmp_path / "results").path == store
    with pytest.raises(DataError, match="no poses"):
        find_poses(video, destfolder=tmp_path / "nowhere")


def test_runs_of_one_name_are_told_apart_by_shuffle_iteration_and_fraction(video, make_store, choose, where_trained):
    first = make_store(video, "base")
    for other in ({"shuffle": 2}, {"iteration": 1}, {"fraction": 0.5}):
        with pytest.raises(DataError, match=r"no poses .*run=base shuffle=1 iteration=0"):
            find_poses(video, network=choose("base", **other))
    second = make_store(video, "base", training=where_trained(shuffle=2))
    assert find_store(video, network=choose("base")) == first
    assert find_store(video, network=choose("base", shuffle=2)) == second
    with pytest.raises(DataError, match=r"run=base shuffle=1.*run=base shuffle=2.*shuffle="):
        find_poses(video)


def test_tables_of_runs_of_one_name_are_told_apart_by_shuffle(video, make_store, choose, where_trained):
    stores = [make_store(video, "base", training=where_trained(shuffle=shuffle)) for shuffle in (1, 2)]
    for store in stores:
        export(store, "csv")
        remove_store(store)
    assert find_poses(video, network=choose("base", shuffle=2)).path == stores[1].with_suffix(".csv")
