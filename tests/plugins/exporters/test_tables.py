"""h5 and csv: DeepLabCut's layout, written and read."""

import csv
import os
import pickle

import numpy as np
import pandas as pd
import pytest
import tables
from dlc_plugins.exporters import meta, table
from dlc_plugins.exporters.csv import Csv
from dlc_plugins.exporters.h5 import H5

from dlc_core.errors import ConfigError, DataError, DiskError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.plugin_api.testing import check_component, check_discovery_is_light
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

SCORER = "DLC_Resnet50_openfieldOct30shuffle1_run_snapshot_100"
BODYPARTS = ("snout", "leftear", "rightear", "tailbase")


def make(frames=30, crop=None, skeleton=None, scorer=SCORER):
    skeleton = skeleton or Skeleton(BODYPARTS)
    rng = np.random.default_rng(3)
    shape = (frames, len(skeleton.individuals), len(skeleton.keypoints))
    points = rng.uniform(120, 600, (*shape, 2)).astype(np.float32)
    points[4, 0, 1] = np.nan
    scores = rng.random(shape).astype(np.float32)
    return PoseFile.from_arrays(
        points,
        scores,
        skeleton,
        scorer=scorer,
        fps=30.0,
        frame_size=(480, 640),
        crop=crop,
        attributes={"batch_size": 4},
    )


@pytest.mark.parametrize("name", ["h5", "csv", "deeplabcut"])
def test_they_pass_the_kit(name):
    check_component("exporter", name)


def test_the_manifest_is_light():
    check_discovery_is_light("dlc_plugins.exporters")


@pytest.mark.parametrize("exporter", [H5(), Csv(), Csv(sep=";")], ids=["h5", "csv", "semicolon"])
def test_what_was_written_is_read(tmp_path, exporter):
    poses, path = make(), tmp_path / f"mouse{SCORER}{exporter.suffix}"
    assert exporter.write(poses, path) == [path, tmp_path / f"mouse{SCORER}_meta.pickle"]
    back = exporter.read(path)
    np.testing.assert_array_equal(back.load().keypoints, poses.load().keypoints)
    np.testing.assert_array_equal(back.load().likelihood, poses.load().likelihood)
    assert (back.skeleton, back.scorer, back.fps, back.frame_size) == (poses.skeleton, SCORER, 30.0, (480, 640))


def test_the_h5_file_is_laid_out_as_deeplabcut_lays_it_out(tmp_path):
    """Against what pandas writes for DeepLabCut's own call, to_hdf(key="df_with_missing", format="table", mode="w")."""
    poses = make()
    path = tmp_path / "ours.h5"
    H5().write(poses, path)
    frame = pd.read_hdf(path, "df_with_missing")
    assert list(frame.columns.names) == ["scorer", "bodyparts", "coords"]
    assert list(frame.columns[:4]) == [
        (SCORER, "snout", "x"),
        (SCORER, "snout", "y"),
        (SCORER, "snout", "likelihood"),
        (SCORER, "leftear", "x"),
    ]
    assert set(frame.dtypes) == {np.dtype("float32")}
    assert frame.index.dtype == np.int64
    np.testing.assert_array_equal(frame.index, np.arange(30))
    both = np.concatenate([poses.load().keypoints, poses.load().likelihood[..., None]], -1).reshape(30, -1)
    columns = pd.MultiIndex.from_product(
        [[SCORER], BODYPARTS, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    theirs = tmp_path / "theirs.h5"
    pd.DataFrame(both, columns=columns, index=range(30)).to_hdf(theirs, key="df_with_missing", format="table", mode="w")
    pd.testing.assert_frame_equal(pd.read_hdf(theirs), frame)
    with tables.open_file(path) as ours, tables.open_file(theirs) as other:
        one, two = (file.get_node("/df_with_missing/table")._v_attrs for file in (ours, other))
        assert sorted(one._f_list()) == sorted(two._f_list())
        # Attributes of the group as pandas 2.3.3 writes them, copied from such a file; without them it cannot read.
        group = ours.get_node("/df_with_missing")._v_attrs
        assert (group.pandas_type, group.pandas_version, group.nan_rep) == ("frame_table", "0.15.2", "nan")
        assert (group.table_type, group.levels, group.values_cols) == ("appendable_frame", 1, ["values_block_0"])
        assert group.index_cols == [(0, "index")]
        assert ours.get_node("/df_with_missing/table").description._v_dtypes == (
            other.get_node("/df_with_missing/table").description._v_dtypes
        )


def test_names_in_the_h5_file_are_plain_python_strings(tmp_path):
    """Then pandas 2, which knows no other, reads them."""
    H5().write(make(), tmp_path / "a.h5")
    with tables.open_file(tmp_path / "a.h5") as file:
        attributes = file.get_node("/df_with_missing")._v_attrs
        names = [name for _, columns in attributes["non_index_axes"] for column in columns for name in column]
        assert names
        assert {type(name) for name in names} == {str}
    assert {level.dtype for level in table.table_columns(SCORER, Skeleton(BODYPARTS)).levels} == {np.dtype(object)}


def test_the_csv_file_has_three_header_rows_and_a_frame_number(tmp_path):
    Csv().write(make(), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows[:5]] == ["scorer", "bodyparts", "coords", "0", "1"]
    assert rows[1][1:4] == ["snout"] * 3
    assert rows[2][1:4] == ["x", "y", "likelihood"]
    assert len(rows) == 33
    assert rows[7][4] == ""  # absent
    assert float(rows[3][1]) == pytest.approx(make().keypoints[0, 0, 0, 0], abs=1e-3)


@pytest.mark.parametrize("exporter", [H5(), Csv()], ids=["h5", "csv"])
def test_a_long_video_is_written_in_parts_with_one_header(tmp_path, exporter, monkeypatch):
    monkeypatch.setattr(table, "BLOCK", 7)
    poses, path = make(30), tmp_path / f"a{exporter.suffix}"
    exporter.write(poses, path)
    np.testing.assert_array_equal(exporter.read(path).load().keypoints, poses.load().keypoints)


@pytest.mark.parametrize("exporter", [H5(), Csv()], ids=["h5", "csv"])
def test_a_cropped_analysis_is_in_the_pixels_of_the_crop_on_disk_and_of_the_frame_in_memory(tmp_path, exporter):
    """DeepLabCut adds x1 and y1 of the metadata to the table before it draws into the full frame."""
    poses, path = make(crop=Crop(100, 620, 50, 470)), tmp_path / f"a{exporter.suffix}"
    exporter.write(poses, path)
    raw = pd.read_hdf(path) if exporter.suffix == ".h5" else pd.read_csv(path, header=[0, 1, 2], index_col=0)
    with (tmp_path / "a_meta.pickle").open("rb") as file:
        data = pickle.load(file)["data"]
    assert data["cropping"] is True
    assert data["cropping_parameters"] == [100, 620, 50, 470]
    x1, _, y1, _ = data["cropping_parameters"]
    expected = poses.load().keypoints[:, 0]
    np.testing.assert_allclose(raw.to_numpy().reshape(30, 4, 3)[..., :2] + [x1, y1], expected, atol=1e-4)
    back = exporter.read(path)
    assert back.crop == Crop(100, 620, 50, 470)
    np.testing.assert_allclose(back.load().keypoints[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("exporter", [H5(), Csv()], ids=["h5", "csv"])
def test_no_table_appears_before_its_metadata(tmp_path, exporter):
    """A table in the pixels of a crop would be taken for one in those of the frame."""
    poses, path = make(crop=Crop(100, 620, 50, 470)), tmp_path / f"a{exporter.suffix}"
    meta.meta_path(path).mkdir()  # so that it cannot be written
    with pytest.raises(DiskError, match=r"a_meta\.pickle"):
        exporter.write(poses, path)
    assert [file.name for file in tmp_path.iterdir()] == ["a_meta.pickle"]


def test_the_metadata_has_deeplabcuts_keys_and_plain_values(tmp_path):
    H5().write(make(), tmp_path / "a.h5")
    with (tmp_path / "a_meta.pickle").open("rb") as file:
        content = pickle.load(file)
    data = content["data"]
    expected = {
        "start", "stop", "run_duration", "Scorer", "pytorch-config", "fps", "batch_size", "frame_dimensions", "nframes",
        "iteration (active-learning)", "training set fraction", "cropping", "cropping_parameters", "individuals",
        "bodyparts", "unique_bodyparts",
    }  # fmt: skip
    assert set(data) == expected
    assert (data["nframes"], data["frame_dimensions"], data["fps"]) == (30, (640, 480), 30.0)
    assert (data["Scorer"], data["cropping"], data["cropping_parameters"]) == (SCORER, False, [0, 640, 0, 480])


class Dangerous:
    def __reduce__(self):
        return (exec, ("raise SystemError('code in the pickle was run')",))


def test_foreign_objects_in_the_metadata_are_never_run(tmp_path):
    content = {"data": {"cropping": True, "cropping_parameters": [1, 9, 2, 8], "pytorch-config": Dangerous()}}
    meta.meta_path(tmp_path / "a.h5").write_bytes(pickle.dumps(content))
    assert meta.read_meta(tmp_path / "a.h5").crop == Crop(1, 9, 2, 8)


def test_numpy_scalars_in_the_metadata_are_numbers(tmp_path):
    content = {"cropping": np.bool_(False), "fps": np.float32(29.5), "frame_dimensions": (np.int64(640), np.int32(480))}
    meta.meta_path(tmp_path / "a.h5").write_bytes(pickle.dumps({"data": content}))
    assert meta.read_meta(tmp_path / "a.h5") == meta.TableMeta(None, 29.5, (480, 640))


def test_metadata_that_cannot_be_understood_is_one_clear_line(tmp_path):
    for content in (b"", b"no pickle", pickle.dumps({"data": {}}), pickle.dumps([1])):
        meta.meta_path(tmp_path / "a.h5").write_bytes(content)
        with pytest.raises(DataError, match=r"a_meta\.pickle"):
            meta.read_meta(tmp_path / "a.h5")


def test_several_individuals_have_a_level_of_their_own(tmp_path):
    exists = np.array([[True, True, False], [True, True, False], [False, False, True]])
    skeleton = Skeleton(("head", "tail", "corner"), individuals=("m1", "m2", "single"), exists=exists)
    poses = make(skeleton=skeleton)
    for exporter in (H5(), Csv()):
        path = tmp_path / f"a{exporter.suffix}"
        exporter.write(poses, path)
        back = exporter.read(path)
        assert back.skeleton.individuals == ("m1", "m2", "single")
        np.testing.assert_array_equal(back.skeleton.exists, exists)
        expected = poses.load().keypoints[:, exists]
        np.testing.assert_array_equal(back.load().keypoints[:, exists], expected)
        assert np.isnan(back.load().keypoints[:, ~exists]).all()


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "scorer,a\nbodyparts,b\n0,1\n", "\x00\x01"])
def test_a_file_that_is_no_table_is_one_clear_line(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=r"a\.csv"):
        Csv().read(tmp_path / "a.csv")
    (tmp_path / "a.h5").write_text(content)
    with pytest.raises(DataError, match=r"a\.h5 is no HDF5 table of poses .* analyze the video again\.$") as caught:
        H5().read(tmp_path / "a.h5")
    assert "\n" not in str(caught.value), "the back trace of HDF5"
    with pytest.raises(DataError, match="absent"):
        H5().read(tmp_path / "absent.h5")


def test_text_among_the_numbers_is_one_clear_line(tmp_path):
    Csv().write(make(5), tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text().splitlines()
    text[4] = text[4].replace(text[4].split(",")[2], "abc")
    (tmp_path / "a.csv").write_text("\n".join(text))
    with pytest.raises(DataError, match="abc"):
        Csv().read(tmp_path / "a.csv")


class Broken(PoseFile):
    """Poses whose reading has a bug."""

    def blocks(self, frames=4096):
        raise ValueError(f"a bug, not the disk ({frames})")


def test_a_bug_while_writing_an_h5_is_not_blamed_on_the_disk(tmp_path):
    poses = make(5)
    with pytest.raises(ValueError, match="a bug") as error:
        H5().write(Broken(**vars(poses)), tmp_path / "a.h5")
    assert not isinstance(error.value, DiskError)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file size are a matter of POSIX")
def test_a_full_disk_leaves_the_old_h5_as_it_was(tmp_path):
    """HDF5 itself reports nothing when data does not fit; a limit on the size of files stands in for the full disk."""
    import resource
    import signal

    path = tmp_path / "a.h5"
    H5().write(make(5), path)
    before = path.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for room in (100, 3000, 20_000, 80_000):  # bytes: the header, the table's description, its first rows
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, old[1]))
            with pytest.raises(DiskError, match=r"a\.h5"):
                H5().write(make(3000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.h5", "a_meta.pickle"]


def test_a_separator_of_two_characters_is_refused():
    with pytest.raises(ConfigError, match="one character"):
        Csv(sep="::")


def test_tables_of_other_programs_are_read(data_folder):
    """Numbers copied from the files by hand."""
    tracks = Csv().read(data_folder / "sleap-tests" / "clip_gt_tracks_dlc.csv")
    assert tracks.keypoints.shape == (1500, 2, 13, 2)
    assert tracks.skeleton.individuals == ("fly1", "fly2")
    np.testing.assert_array_equal(tracks.keypoints[0, 0, 0], [435.25, 415.75])
    assert tracks.likelihood[0, 0, 0] == 1
    assert tracks.likelihood[0, 0, 7] == 0  # midlegL4 is not labelled
    paws = Csv().read(data_folder / "eks" / "mirror-mouse" / "180607_004.train_frames=75.rng=3.csv")
    assert paws.scorer == "heatmap_mhcrnn_tracker"
    np.testing.assert_allclose(paws.keypoints[0, 0, 0], [78.3443756, 120.4878616], rtol=1e-6)
    np.testing.assert_allclose(paws.likelihood[0, 0, 0], 0.99961799, rtol=1e-6)
    pupil = sorted((data_folder / "eks" / "ibl-pupil").glob("*.csv"))[0]
    assert Csv().read(pupil).skeleton.keypoints == ("pupil_top_r", "pupil_right_r", "pupil_bottom_r", "pupil_left_r")


def test_a_table_of_labels_is_not_taken_for_poses(data_folder):
    folder = data_folder / "openfield-Pranav-2018-10-30" / "labeled-data" / "m4s1"
    with pytest.raises(DataError, match="table of labels"):
        H5().read(folder / "CollectedData_Pranav.h5")
    with pytest.raises(DataError, match="table of labels"):
        Csv().read(folder / "CollectedData_Pranav.csv")
