"""Which filtered poses are read, and whose the tables are that all filters share."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest

from dlc_core.errors import ConfigError, DataError
from dlc_core.export.sources import candidates, find_poses, find_store
from dlc_core.filtering.store import FilterChoice, filter_video
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.pose_file import PoseFile
from dlc_core.plugin_api.discovery import load_plugins


def export(store, *names, overwrite=False, **options):
    registry = load_plugins().registry("exporter")
    choices = [ExporterChoice(name, registry.build({"name": name, **options}), {}) for name in names]
    return export_store(store, choices, overwrite)


def smooth(video, name, **options):
    """Filter a video whose poses lie beside it; return the filtered store."""
    registry = load_plugins().registry("filter")
    node = {"name": name, **options}
    choice = FilterChoice(name, registry.build(node), {"name": name, **options}, "test")
    return filter_video(video, find_poses(video), choice).store


def table_of(store, suffix=".h5"):
    return store.with_name(f"{store.stem.rpartition('_')[0]}{suffix}")


def points_in(table):
    return np.asarray(pd.read_hdf(table))[:, :2]


def test_filtered_poses_are_read_only_when_they_are_asked_for(video, make_store, capsys):
    source = make_store(video)
    with pytest.raises(DataError, match=r"no filtered poses of mouse\.mp4.*Run `dlc filter .*mouse\.mp4` first"):
        find_poses(video, filtered=True)
    with pytest.raises(DataError, match=r"no filtered poses of .*No such filter is installed; installed: .*median"):
        find_poses(video, filtered="bogus")
    store = smooth(video, "median")
    export(store, "h5", "csv")
    assert find_poses(video).path == source
    assert find_store(video) == source
    capsys.readouterr()
    for filtered in (True, "median"):
        assert find_poses(video, filtered=filtered).path == store
        assert capsys.readouterr().out == f"mouse.mp4: poses from {store}\n"
        assert find_store(video, filtered=filtered) == store
    with pytest.raises(DataError, match=r"no poses of mouse\.mp4 by filter=kalman.*There are those by median"):
        find_poses(video, filtered="kalman")
    with pytest.raises(DataError, match=r"Did you mean 'median'\? .*No such filter is installed; installed: .*savgol"):
        find_poses(video, filtered="medain")
    with pytest.raises(ConfigError, match=r"filtered=median chooses nothing"):
        find_poses(video, file=store, filtered="median")
    assert find_poses(video, file=store).path == store
    assert find_poses(video, file=table_of(store)).frame_count == 30


def test_of_several_filters_one_must_be_named(video, make_store):
    make_store(video)
    stores = {name: smooth(video, name) for name in ("median", "savgol")}
    with pytest.raises(DataError, match=r"was filtered by median and savgol\. Choose one with filtered=, like"):
        find_poses(video, filtered=True)
    for name, store in stores.items():
        assert find_poses(video, filtered=name).path == store


def test_of_several_networks_one_must_be_chosen(video, make_store, choose):
    make_store(video)
    first = smooth(video, "median")
    shutil.rmtree(next(path for path in video.parent.glob("*snapshot_10.zarr")))
    make_store(video, "second")
    second = smooth(video, "median")
    with pytest.raises(DataError, match=r"several networks.*run=first.*run=second"):
        find_poses(video, filtered=True)
    assert find_poses(video, filtered=True, network=choose("first")).path == first
    assert find_poses(video, filtered="median", network=choose("second")).path == second


def test_the_filtered_poses_of_an_analysis_that_was_replaced_are_refused(video, make_store):
    make_store(video)
    store = smooth(video, "median")
    make_store(video, frames=31)
    with pytest.raises(DataError, match=r"replaced since.*Filter these: `dlc filter .* filter=median`"):
        find_poses(video, filtered=True)
    with pytest.raises(DataError, match="replaced since"):
        find_store(video, filtered="median")
    assert smooth(video, "median") == store
    assert find_poses(video, filtered=True).frame_count == 31


def test_tables_are_named_as_deeplabcuts_and_hold_the_filtered_poses(video, make_store):
    source = make_store(video)
    store = smooth(video, "median")
    written = export(store, "h5", "csv")
    stem = f"{source.stem}_filtered"
    assert {path.name for path in written} == {f"{stem}.h5", f"{stem}.csv", f"{stem}_meta.pickle"}
    table = pd.read_hdf(table_of(store))
    assert table.columns.names == ["scorer", "bodyparts", "coords"]
    assert table.columns.get_level_values(0).unique().tolist() == [source.stem.removeprefix("mouse")]
    expected = PoseFile.open(store).keypoints[:, 0, 0]
    np.testing.assert_array_equal(points_in(table_of(store)), expected)


def test_the_metadata_beside_the_tables_say_which_filter_made_them_wherever_they_go(video, make_store):
    source = make_store(video)
    store = smooth(video, "median", windowlength=3)
    export(store, "h5", "csv")
    with table_of(store, "_meta.pickle").open("rb") as file:
        made = pickle.load(file)["data"]["filter"]
    assert (made["name"], made["options"]["windowlength"], made["source"]) == ("median", 3, source.name)
    export(source, "h5")
    with source.with_name(f"{source.stem}_meta.pickle").open("rb") as file:
        assert "filter" not in pickle.load(file)["data"]


def test_a_second_filter_replaces_the_tables_of_the_first_and_says_so(video, make_store, capsys):
    make_store(video)
    first, second = smooth(video, "median"), smooth(video, "savgol")
    export(first, "h5", "csv")
    capsys.readouterr()
    export(second, "h5")
    said = capsys.readouterr().out
    for suffix in (".h5", ".csv"):  # both: one of each would be a trap
        name = table_of(first, suffix).name
        assert f"{name} held poses by filter=median; it holds those by filter=savgol now." in said
        read = find_poses(video, file=table_of(first, suffix))
        np.testing.assert_allclose(read.keypoints[:], PoseFile.open(second).keypoints[:], atol=1e-3)
    for name, store in (("median", first), ("savgol", second)):  # the tables are no changed copies of the first
        assert find_poses(video, filtered=name).path == store
    export(first, "csv")
    np.testing.assert_array_equal(points_in(table_of(first)), PoseFile.open(first).keypoints[:, 0, 0])


def test_a_table_that_somebody_changed_is_never_replaced_unasked(video, make_store):
    make_store(video)
    first, second = smooth(video, "median"), smooth(video, "savgol")
    export(first, "h5")
    table = table_of(first)
    changed = pd.read_hdf(table)
    changed.iloc[3, 0] += 1
    changed.to_hdf(table, key="df_with_missing", format="table", mode="w")
    content = table.read_bytes()
    with pytest.raises(DataError, match=r"somebody changed it.*overwrite=true"):
        export(second, "h5")
    assert table.read_bytes() == content
    with pytest.raises(DataError, match=r"differs from .*`dlc export VIDEO filtered=median overwrite=true`"):
        find_poses(video, filtered="median")
    export(second, "h5", overwrite=True)
    np.testing.assert_array_equal(points_in(table), PoseFile.open(second).keypoints[:, 0, 0])
    assert find_poses(video, filtered="median").path == first


def test_a_table_by_deeplabcut_is_read_but_not_replaced_unasked(video, make_store):
    source = make_store(video)
    store = smooth(video, "median")
    export(store, "h5")
    table = table_of(store)
    kept = table.read_bytes()
    shutil.rmtree(store)
    poses = find_poses(video, filtered=True)
    assert poses.path == table
    assert poses.scorer == PoseFile.open(source).scorer
    with pytest.raises(DataError, match=r"no poses of mouse\.mp4 by filter=savgol"):
        find_poses(video, filtered="savgol")
    other = smooth(video, "savgol")
    with pytest.raises(DataError, match="differs from what"):
        export(other, "h5")
    assert table.read_bytes() == kept


def test_the_tables_of_another_filtering_are_written_again_with_the_new_poses(video, make_store, capsys):
    make_store(video)
    export(smooth(video, "median"), "h5", "csv")
    store = smooth(video, "median", windowlength=9)
    capsys.readouterr()
    export(store, "h5")
    assert f"{table_of(store, '.csv').name} was exported from poses that are replaced now" in capsys.readouterr().out
    for suffix in (".h5", ".csv"):
        read = find_poses(video, file=table_of(store, suffix))
        np.testing.assert_allclose(read.keypoints[:], PoseFile.open(store).keypoints[:], atol=1e-3)


def test_the_export_for_deeplabcut_has_its_scorer_before_filtered(video, make_store):
    make_store(video)
    store = smooth(video, "median")
    scorer = "DLC_Resnet50_TaskNov21shuffle1_snapshot_best-2"
    written = export(store, "deeplabcut", scorer=scorer)
    assert {path.name for path in written} == {f"mouse{scorer}_filtered.h5", f"mouse{scorer}_filtered_meta.pickle"}
    assert find_poses(video, filtered=True).path == store  # it is no second network
    assert [one.path for one in candidates(video, video.parent, [".h5"], filtered=True)] == [store]


def test_a_damaged_filtered_store_is_left_out_with_the_reason_where_it_could_have_been_meant(video, make_store, capsys):
    source = make_store(video)
    store = smooth(video, "median")
    (store / "zarr.json").write_text("{")
    capsys.readouterr()
    assert find_poses(video).path == source
    assert capsys.readouterr().err == ""
    with pytest.raises(DataError, match="no filtered poses"):
        find_poses(video, filtered=True)
    assert f"{store.name} is left out" in capsys.readouterr().err
