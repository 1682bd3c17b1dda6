"""Machine labels: DeepLabCut's layout, old frames kept, other files named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables

from dlc_core.errors import DataError
from dlc_core.labels.h5_file import write_h5
from dlc_core.labels.journal import folder_lock
from dlc_core.labels.machine import (
    MachineLabels,
    add_machine,
    as_dataframe,
    machine_file,
    read_machine,
    write_machine,
)
from dlc_core.labels.table import LabelTable

SCORER = "DLC_Resnet50_reachNov21shuffle1_first_snapshot_10"


def found(frames=(3, 7), bodyparts=("snout", "tail"), scorer=SCORER, folder="mouse") -> MachineLabels:
    """Return labels whose numbers tell frame and body part."""
    shape = (len(frames), 1, len(bodyparts))
    keypoints = np.array(frames, float)[:, None, None, None] + np.zeros((*shape, 2)) + [0.25, 0.5]
    keypoints += 100 * np.arange(len(bodyparts))[:, None]
    images = tuple(f"labeled-data/{folder}/img{frame:03}.png" for frame in frames)
    return MachineLabels(scorer, images, tuple(bodyparts), keypoints, np.full(shape, 0.75))


@pytest.fixture
def file(tmp_path) -> Path:
    folder = tmp_path / "mouse"
    folder.mkdir()
    return machine_file(folder, 2)


def as_deeplabcut(frames, scorer=SCORER, bodyparts=("snout", "tail"), dtype=np.float32) -> pd.DataFrame:
    """Return what DeepLabCut 3.0.2 stores (ExtractFramesbasedonPreselection): rows of a table of predictions."""
    columns = pd.MultiIndex.from_product(
        [[scorer], bodyparts, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    values = np.arange(10 * len(columns), dtype=dtype).reshape(10, len(columns))
    table = pd.DataFrame(values, columns=columns).loc[list(frames)]
    table.index = pd.MultiIndex.from_tuples([("labeled-data", "mouse", f"img{index:03}.png") for index in table.index])
    return table


def test_what_is_written_is_read_and_the_iteration_stands_in_the_name(file):
    assert file.name == "machinelabels-iter2.h5"
    labels = found()
    write_machine(labels, file)
    assert read_machine(file) == labels
    assert sorted(path.name for path in file.parent.iterdir()) == ["machinelabels-iter2.h5", "machinelabels.csv"]


def test_the_table_is_the_one_deeplabcut_writes(file):
    write_machine(found(), file)
    ours = pd.read_hdf(file, key="df_with_missing")
    theirs = as_deeplabcut([3, 7], dtype=np.float64)
    theirs[:] = ours.to_numpy()
    assert ours.columns.tolist() == theirs.columns.tolist() and list(ours.columns.names) == list(theirs.columns.names)
    assert ours.index.tolist() == theirs.index.tolist() and list(ours.index.names) == list(theirs.index.names)
    assert (ours.dtypes == np.float64).all()
    theirs.to_csv(file.parent / "theirs.csv", lineterminator="\n")
    assert (file.parent / "machinelabels.csv").read_bytes() == (file.parent / "theirs.csv").read_bytes()


def test_no_string_has_the_dtype_that_pandas_2_cannot_read(file):
    write_machine(found(folder="Mäuse 1"), file)
    frame = as_dataframe(found())
    assert {level.dtype for level in (*frame.columns.levels, *frame.index.levels)} == {np.dtype(object)}
    with tables.open_file(str(file)) as stored:
        kinds = [str(node._v_attrs.kind) for node in stored.walk_nodes("/df_with_missing") if "kind" in node._v_attrs]
        strings = stored.root.df_with_missing._v_attrs
        assert strings.pandas_type == b"frame" or str(strings.pandas_type) == "frame"
    assert set(kinds) == {"string"}, "anything else would be a pickle"


def test_deeplabcut_s_own_file_is_read_and_added_to(file):
    theirs = as_deeplabcut([3, 7])
    theirs.to_hdf(file, key="df_with_missing", mode="w")
    labels = read_machine(file)
    assert labels.scorer == SCORER and labels.bodyparts == ("snout", "tail")
    assert labels.images == ("labeled-data/mouse/img003.png", "labeled-data/mouse/img007.png")
    np.testing.assert_array_equal(labels.keypoints[1, 0], [[42, 43], [45, 46]])
    np.testing.assert_array_equal(labels.likelihood[1, 0], [44, 47])
    assert len(add_machine(found([8]), file).images) == 3
    assert read_machine(file).keypoints[1, 0, 0, 0] == 42


def test_a_frame_that_is_there_keeps_its_labels_and_new_ones_follow(file):
    corrected = found([3, 7])
    write_machine(replace(corrected, keypoints=corrected.keypoints + 50), file)
    added = add_machine(found([7, 1]), file)
    assert [image[-7:-4] for image in added.images] == ["003", "007", "001"]
    np.testing.assert_array_equal(added.keypoints[:, 0, 0, 0], [53.25, 57.25, 1.25])
    assert read_machine(file) == added


def test_body_parts_are_matched_by_name(file):
    write_machine(found([3], ["snout", "tail"]), file)
    added = add_machine(found([4], ["ear", "snout"]), file)
    assert added.bodyparts == ("snout", "tail", "ear")
    np.testing.assert_array_equal(added.keypoints[:, 0, :, 0], [[3.25, 103.25, np.nan], [104.25, np.nan, 4.25]])
    np.testing.assert_array_equal(added.likelihood[:, 0], [[0.75, 0.75, np.nan], [0.75, np.nan, 0.75]])


def test_labels_of_another_network_are_refused_and_nothing_is_written(file):
    write_machine(found(scorer="DLC_Other"), file)
    before = file.read_bytes()
    with pytest.raises(DataError, match=r"holds 2 frames labelled by DLC_Other; those of DLC_Resnet50.* merge"):
        add_machine(found([8]), file)
    assert file.read_bytes() == before


def test_a_file_without_frames_belongs_to_nobody(file):
    write_machine(found([], scorer="DLC_Other"), file)
    assert read_machine(file).images == ()
    assert add_machine(found([8]), file) == read_machine(file) == found([8])


def test_a_file_of_two_networks_as_deeplabcut_makes_it_is_named(file):
    pd.concat([as_deeplabcut([3]), as_deeplabcut([4], "DLC_Other")]).to_hdf(file, key="df_with_missing", mode="w")
    with pytest.raises(DataError, match=r"machinelabels-iter2\.h5 holds machine labels by 2 networks, DLC_Other and"):
        read_machine(file)


def test_files_that_are_no_machine_labels_are_named(file):
    with pytest.raises(DataError, match=r"machinelabels-iter2\.h5.*damaged|no such|cannot be read"):
        read_machine(file)
    file.write_bytes(b"not HDF5")
    with pytest.raises(DataError, match="damaged or no HDF5 file"):
        read_machine(file)
    write_h5(LabelTable("ada", ("labeled-data/mouse/img003.png",), ("snout",), np.ones((1, 1, 1, 2))), file)
    with pytest.raises(DataError, match=r"no machine labels: an x, a y and a likelihood.*human labels\?"):
        read_machine(file)
    several = as_deeplabcut([3])
    several.columns = pd.MultiIndex.from_tuples(
        [(scorer, "mouse1", *rest) for scorer, *rest in several.columns],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    several.to_hdf(file, key="df_with_missing", mode="w")
    with pytest.raises(DataError, match="several animals"):
        read_machine(file)


def test_names_that_occur_twice_and_arrays_of_another_shape_are_refused():
    labels = found()
    with pytest.raises(DataError, match=r"list the frame .*img003\.png' twice"):
        replace(labels, images=labels.images[:1] * 2)
    with pytest.raises(DataError, match=r"likelihood of machine labels have shape \(2, 1, 1\)"):
        replace(labels, likelihood=labels.likelihood[..., :1])


def test_frames_are_added_only_while_nobody_else_writes_the_folder(file, monkeypatch):
    monkeypatch.setattr("dlc_core.labels.machine.folder_lock", lambda folder: folder_lock(folder, wait_s=0.0))
    with folder_lock(file.parent), pytest.raises(DataError, match="are being written by process"):
        add_machine(found(), file)
    assert not file.exists()
    add_machine(found(), file)
