"""Exports of a store: written once, kept current, never over what somebody changed."""

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlc_core.errors import DataError, DiskError, PluginError
from dlc_core.inference.exports import ExporterChoice, export_store
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.video.crop import Crop


def chosen(name, **options):
    registry = load_plugins().registry("exporter")
    config = {"name": name, **options}
    return ExporterChoice(name, registry.build(config), {"name": name, **registry.options(config)})


def names(files):
    return sorted(Path(file).name for file in files)


def test_each_exporter_writes_beside_the_store_and_is_recorded(video, make_store):
    store = make_store(video)
    files = export_store(store, [chosen("h5"), chosen("csv")])
    stem = store.stem
    assert names(files) == [f"{stem}.csv", f"{stem}.h5", f"{stem}_meta.pickle"]
    assert sorted(PoseFile.open(store).attributes["exports"]) == [f"{stem}.csv", f"{stem}.h5"]


def test_what_is_current_is_not_written_again_and_new_options_are(video, make_store):
    store = make_store(video)
    export_store(store, [chosen("csv")])
    table = store.with_suffix(".csv")
    before = table.stat().st_mtime_ns
    export_store(store, [chosen("csv")])
    assert table.stat().st_mtime_ns == before
    export_store(store, [chosen("csv", sep=";")])
    assert table.read_text().startswith("scorer;")


@pytest.mark.parametrize("name", ["h5", "csv"])
def test_a_file_that_somebody_changed_is_kept_unless_told_otherwise(video, make_store, name):
    store = make_store(video)
    export_store(store, [chosen(name)])
    table = store.with_suffix(f".{name}")
    if name == "h5":
        frame = pd.read_hdf(table)
        frame.iloc[3, 0] = 55.5
        frame.to_hdf(table, key="df_with_missing", format="table", mode="w")
    else:
        table.write_text(table.read_text().replace("\n3,", "\n3,5", 1))
    edited = table.read_bytes()
    with pytest.raises(DataError, match="somebody changed it"):
        export_store(store, [chosen(name)])
    assert table.read_bytes() == edited
    export_store(store, [chosen(name)], overwrite=True)
    assert table.read_bytes() != edited


def test_a_file_rewritten_with_the_same_content_does_not_count_as_changed(video, make_store):
    store = make_store(video)
    export_store(store, [chosen("h5")])
    table = store.with_suffix(".h5")
    pd.read_hdf(table).to_hdf(table, key="df_with_missing", format="table", mode="w")
    export_store(store, [chosen("h5")])


def test_the_export_of_an_analysis_that_was_replaced_is_ours_to_replace(video, make_store):
    store = make_store(video)
    export_store(store, [chosen("h5")])
    old = pd.read_hdf(store.with_suffix(".h5"))
    records = PoseStore.open(store).attributes["exports"]
    make_store(video, frames=31)
    assert PoseStore.open(store).attributes["exports"] == records
    export_store(store, [chosen("h5")])
    assert len(pd.read_hdf(store.with_suffix(".h5"))) == len(old) + 1


def test_every_export_of_an_analysis_that_was_replaced_is_written_again(video, make_store, capsys):
    """The csv would otherwise stay in the pixels of a crop that the metadata, shared with the h5, denies."""
    store = make_store(video, crop=Crop(10, 90, 5, 60))
    deeplabcut = chosen("deeplabcut", scorer="DLC_Resnet50_TaskNov21shuffle1_snapshot_best-2")
    export_store(store, [chosen("h5"), chosen("csv", sep=";"), deeplabcut])
    make_store(video, frames=31)
    files = export_store(store, [chosen("h5")], overwrite=True)
    other = "mouseDLC_Resnet50_TaskNov21shuffle1_snapshot_best-2"
    tables = [f"{store.stem}.csv", f"{store.stem}.h5", f"{other}.h5"]
    assert names(files) == sorted([*tables, f"{store.stem}_meta.pickle", f"{other}_meta.pickle"])
    assert f"{store.stem}.csv was exported from poses that are replaced now" in capsys.readouterr().out
    assert store.with_suffix(".csv").read_text().startswith("scorer;")
    poses = PoseFile.open(store)
    for name in tables:
        reader = chosen(name.rsplit(".", 1)[-1]).exporter
        np.testing.assert_allclose(reader.read(store.with_name(name)).load().keypoints, poses.load().keypoints)
    assert {poses.attributes["exports"][name]["analysis"] for name in tables} == {poses.attributes["id"]}


def test_an_export_of_replaced_poses_that_somebody_changed_stops_the_others(video, make_store):
    store = make_store(video, crop=Crop(10, 90, 5, 60))
    export_store(store, [chosen("h5"), chosen("csv")])
    csv = store.with_suffix(".csv")
    csv.write_text(csv.read_text().replace("\n3,", "\n3,5", 1))
    make_store(video, frames=31)
    before = {path.name: path.read_bytes() for path in video.parent.iterdir() if path.is_file()}
    with pytest.raises(DataError, match=r"\.csv was exported .*replaced now.*changed it.*exporter=csv overwrite=true"):
        export_store(store, [chosen("h5")], overwrite=True)
    assert {path.name: path.read_bytes() for path in video.parent.iterdir() if path.is_file()} == before
    export_store(store, [chosen("h5"), chosen("csv")], overwrite=True)
    assert len(pd.read_csv(csv, header=[0, 1, 2], index_col=0)) == 31


def test_an_export_whose_exporter_is_gone_is_named(video, make_store):
    store = make_store(video)
    export_store(store, [chosen("csv")])
    records = PoseStore.open(store).attributes["exports"]
    record = {name: {**one, "exporter": "theirs", "options": {"name": "theirs"}} for name, one in records.items()}
    make_store(video, frames=31)
    PoseStore.open(store).update(exports=record)
    with pytest.raises(DataError, match=r"\.csv was exported .*cannot be written again: .*theirs.*move it away"):
        export_store(store, [chosen("h5")])
    assert store.with_suffix(".csv").exists()
    assert not store.with_suffix(".h5").exists()


def test_predictions_of_deeplabcut_itself_are_never_overwritten(video, make_store):
    store = make_store(video)
    scorer = "DLC_Resnet50_TaskNov21shuffle1_snapshot_best-2"
    theirs = video.with_name(f"mouse{scorer}.h5")
    columns = pd.MultiIndex.from_product(
        [[scorer], ["nose", "tail"], ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(np.zeros((30, 6), np.float32), columns=columns).to_hdf(theirs, key="df_with_missing", format="table")
    before = theirs.read_bytes()
    with pytest.raises(DataError, match="snapshot_best-2"):
        export_store(store, [chosen("deeplabcut", scorer=scorer)])
    assert theirs.read_bytes() == before


def test_an_unfinished_store_is_not_exported(video, make_store):
    store = make_store(video, done=16)
    with pytest.raises(DataError, match="16 of 30"):
        export_store(store, [chosen("h5")])


class Fails:
    """An exporter of somebody else."""

    suffix = ".txt"

    def __init__(self, error):
        self.error = error

    def write(self, poses, path):  # noqa: ARG002 - fails before it looks
        raise self.error


def test_what_an_exporter_raises_is_one_line_that_names_it(video, make_store):
    store = make_store(video)
    for error in (ValueError("odd"), KeyError("odd"), ZeroDivisionError("odd")):
        with pytest.raises(PluginError, match=r"'theirs' .*Fails.*odd") as caught:
            export_store(store, [ExporterChoice("theirs", Fails(error), {})])
        assert caught.value.__cause__ is error
    with pytest.raises(DiskError, match=r"\.txt: the disk is full"):
        export_store(store, [ExporterChoice("theirs", Fails(OSError(errno.ENOSPC, "")), {})])
    ours = DataError("found, expected, what to do")
    with pytest.raises(DataError) as caught:
        export_store(store, [ExporterChoice("theirs", Fails(ours), {})])
    assert caught.value is ours


def test_a_read_only_disk_says_how_to_export_elsewhere(video, make_store, monkeypatch):
    """Analyzing into another folder would be another analysis; a copy of the store is exported there."""
    store = make_store(video)

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refused)
    for name in ("csv", "h5"):
        with pytest.raises(DiskError, match=r"read-only.*copy the \.zarr folder.*`dlc export destfolder=`") as caught:
            export_store(store, [chosen(name)])
        assert "dlc analyze" not in str(caught.value)
    with pytest.raises(DiskError, match=r"copy the \.zarr folder.*`dlc export destfolder=`"):
        export_store(store, [ExporterChoice("theirs", Fails(OSError(errno.EROFS, "")), {})])
