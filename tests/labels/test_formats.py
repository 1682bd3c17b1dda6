"""CollectedData as csv and h5, against pandas and against files that DeepLabCut wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables
from hypothesis import given, settings
from hypothesis import strategies as st

from dlc_core.errors import DataError
from dlc_core.labels.csv_file import image_name, index_columns, read_csv, write_csv
from dlc_core.labels.h5_file import as_dataframe, is_damaged, read_h5, write_h5
from dlc_core.labels.table import LabelTable

REAL = [
    ("openfield-Pranav-2018-10-30/labeled-data/m4s1/CollectedData_Pranav", 116, 4),
    ("Reaching-Mackenzie-2018-08-30/labeled-data/reachingvideo1/CollectedData_Mackenzie", 55, 5),
]
GOOD = "scorer,ada,ada,ada,ada\nbodyparts,snout,snout,tail,tail\ncoords,x,y,x,y\nlabeled-data/v/i1.png,1,2,3,4\n"


@pytest.mark.parametrize(("stem", "frames", "bodyparts"), REAL)
def test_real_tables_read_as_pandas_reads_them_and_csv_equals_h5(
    data_folder: Path, stem: str, frames: int, bodyparts: int
) -> None:
    csv, h5 = data_folder / f"{stem}.csv", data_folder / f"{stem}.h5"
    table = read_csv(csv)
    independent = pd.read_csv(csv, header=[0, 1, 2], index_col=0)
    assert table.keypoints.shape == (frames, 1, bodyparts, 2)
    assert list(table.images) == list(independent.index)
    flat = table.keypoints.reshape(frames, -1)
    # pandas' fast parser may err by one unit in the last place; Python's float() is exact
    np.testing.assert_allclose(flat, independent.to_numpy(), rtol=1e-15)
    assert read_h5(h5) == table


@pytest.mark.parametrize(("stem", "frames", "bodyparts"), REAL)
def test_a_csv_of_deeplabcut_is_rewritten_byte_for_byte(
    data_folder: Path, tmp_path: Path, stem: str, frames: int, bodyparts: int
) -> None:
    original = data_folder / f"{stem}.csv"
    write_csv(read_csv(original), tmp_path / "copy.csv", index_columns(original))
    assert (tmp_path / "copy.csv").read_bytes() == original.read_bytes()


@pytest.mark.parametrize("columns", [1, 3])
def test_the_csv_is_what_pandas_writes(data_folder: Path, tmp_path: Path, columns: int) -> None:
    table = read_csv(data_folder / f"{REAL[1][0]}.csv")
    as_dataframe(table, columns).to_csv(tmp_path / "pandas.csv", lineterminator="\n")
    write_csv(table, tmp_path / "ours.csv", columns)
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "pandas.csv").read_bytes()
    assert index_columns(tmp_path / "ours.csv") == columns
    assert read_csv(tmp_path / "ours.csv") == table


@pytest.mark.parametrize("columns", [1, 3])
def test_the_h5_has_deeplabcut_s_key_names_and_types(data_folder: Path, tmp_path: Path, columns: int) -> None:
    table = read_csv(data_folder / f"{REAL[1][0]}.csv")
    write_h5(table, tmp_path / "ours.h5", columns)
    frame = pd.read_hdf(tmp_path / "ours.h5", key="df_with_missing")
    assert list(frame.columns.names) == ["scorer", "bodyparts", "coords"]
    assert frame.columns[:3].tolist() == [
        ("Mackenzie", "Hand", "x"),
        ("Mackenzie", "Hand", "y"),
        ("Mackenzie", "Finger1", "x"),
    ]
    assert (frame.dtypes == np.float64).all()
    assert list(frame.index.names) == [None] * columns
    first = "labeled-data/reachingvideo1/img005.png"
    assert frame.index[0] == (first if columns == 1 else tuple(first.split("/")))
    np.testing.assert_array_equal(frame.to_numpy(), table.keypoints.reshape(len(table.images), -1))
    assert read_h5(tmp_path / "ours.h5") == table


@pytest.mark.parametrize("columns", [1, 3])
def test_no_string_of_the_h5_has_the_dtype_that_pandas_2_cannot_read(tmp_path: Path, columns: int) -> None:
    table = LabelTable("Zoë", ("labeled-data/Mäuse 1/i.png",), ("snout", "Ohr=links"), np.ones((1, 1, 2, 2)))
    frame = as_dataframe(table, columns)
    levels = [*frame.columns.levels, *(frame.index.levels if columns == 3 else [frame.index])]
    assert {level.dtype for level in levels} == {np.dtype(object)}
    write_h5(table, tmp_path / "a.h5", columns)
    with tables.open_file(str(tmp_path / "a.h5")) as file:
        kinds = [str(node._v_attrs.kind) for node in file.walk_nodes("/df_with_missing") if "kind" in node._v_attrs]
    assert set(kinds) == {"string"}, "anything else would be a pickle"
    assert read_h5(tmp_path / "a.h5") == table


@settings(max_examples=40, deadline=None)
@given(
    points=st.lists(
        st.tuples(st.floats(width=64), st.floats(width=64), st.floats(width=64), st.floats(width=64)),
        min_size=1,
        max_size=4,
    ),
    scorer=st.text(st.characters(categories=("L", "N")) | st.sampled_from(" ,;=\"'é"), min_size=1).filter(
        lambda text: text == text.strip()
    ),
    columns=st.sampled_from([1, 3]),
)
def test_any_table_survives_the_csv_exactly(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, ...]], scorer: str, columns: int
) -> None:
    images = tuple(f"labeled-data/v, 1/i{index}.png" for index in range(len(points)))
    table = LabelTable(scorer, images, ("a", "b,c"), np.array(points).reshape(-1, 1, 2, 2))
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    write_csv(table, file, columns)
    assert read_csv(file) == table


def test_both_index_styles_of_the_same_labels_read_alike(data_folder: Path) -> None:
    folder = data_folder / "sleap-tests" / "dlc" / "labeled-data" / "video"
    old, new = read_csv(folder / "dlc_testdata.csv"), read_csv(folder / "dlc_testdata_v2.csv")
    assert (
        old == new
        and index_columns(folder / "dlc_testdata.csv") == 1
        and index_columns(folder / "dlc_testdata_v2.csv") == 3
    )
    assert np.isnan(old.keypoints[1, 0, 1]).all()


@pytest.mark.parametrize(
    "name",
    [
        "sleap-tests/clip_gt_tracks_dlc.csv",
        "sleap-tests/dlc_multiple_datasets/video1/dlc_dataset_1.csv",
        "sleap-tests/dlc/labeled-data/video/CollectedData_LM.csv",
        "sleap-tests/dlc/labeled-data/video/maudlc_testdata.csv",
    ],
)
def test_labels_of_several_animals_get_a_clear_line(data_folder: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"row 2 names individuals.*multi-animal"):
        read_csv(data_folder / name)


def test_predictions_are_not_labels(data_folder: Path) -> None:
    file = next((data_folder / "eks" / "mirror-mouse").glob("*.csv"))
    with pytest.raises(DataError, match="likelihood"):
        read_csv(file)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (",2,3,", ",abc,3,", ["row 4", "snout y", "'abc'"]),
        (",2,3,", ',"2,5",3,', ["row 4", "'2,5'", "decimal point"]),
        (",2,3,", ",1_000,3,", ["row 4", "snout y", "'1_000' is no number"]),
        (",3,4", ",3", ["row 4", "has 4 columns", "has 5"]),
        (",3,4", ",3,4,5", ["row 4", "has 6 columns"]),
        ("labeled-data/v/i1.png", "17", ["row 4", "'17'", "name of an image"]),
        ("tail,tail", "snout,snout", ["'snout' has 4"]),
        ("tail,tail", "tail,", ["row 2", "without the name"]),
        ("x,y,x,y", "x,y,x,z", ["row 3", "'z'"]),
        ("x,y,x,y", "x,y,x,x", ["'tail'"]),
        ("ada,ada,ada,ada", "ada,ada,eve,eve", ["row 1", "ada", "eve"]),
        ("coords", "coordinates", ["'coordinates'"]),
        (GOOD, "", ["nothing"]),
        (GOOD, "\n", ["scorer, bodyparts, coords"]),
        (GOOD, GOOD.replace(",", ";"), ["semicolons", "Excel"]),
        (GOOD, GOOD.replace(",", "\t"), ["tabs"]),
        (GOOD, "\ufeff" + GOOD.replace(",", ";"), ["semicolons"]),
        ("i1.png,1,2,3,4\n", "i1.png,1,2,3,4\n\nlabeled-data\\v\\i1.png,,,,\n", ["rows 4 and 6", "i1.png"]),
    ],
)
def test_a_bad_table_gives_one_line_with_file_row_and_value(
    tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    file = tmp_path / "CollectedData_ada.csv"
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_csv(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe" + GOOD.encode("utf-16-le"),
        GOOD.replace("ada", "Zoë").encode("latin-1"),
    ],
)
def test_a_table_in_another_encoding_says_how_to_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match="CSV UTF-8"):
        read_csv(tmp_path / "a.csv")


def test_what_spreadsheets_add_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = [line + ",," for line in GOOD.splitlines()]
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*rows, ",,,,,,", ""]).encode())
    table = read_csv(file)
    assert table.bodyparts == ("snout", "tail") and table.keypoints.ravel().tolist() == [1, 2, 3, 4]


def test_columns_are_read_by_name_whatever_their_order(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(GOOD.replace("coords,x,y,x,y", "coords,y,x,y,x"))
    assert read_csv(file).keypoints[0, 0].tolist() == [[2, 1], [4, 3]]


def test_half_points_and_infinite_values_are_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(GOOD.replace(",1,2,3,4", ",1,,inf,NaN"))
    assert np.array_equal(read_csv(file).keypoints[0, 0], [[1, np.nan], [np.inf, np.nan]], equal_nan=True)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("labeled-data\\v\\i.png",), "labeled-data/v/i.png"),
        (("labeled-data", "v", "i.png"), "labeled-data/v/i.png"),
        (("C:\\Users\\ada\\reach\\labeled-data\\v\\i.png",), "labeled-data/v/i.png"),
        (("/home/labeled-data/reach/labeled-data/v/i.png",), "labeled-data/v/i.png"),
        (("i.png",), "i.png"),
    ],
)
def test_frames_of_any_system_get_one_name(parts: tuple[str, ...], name: str) -> None:
    assert image_name(parts) == name


def test_a_frame_outside_the_usual_folders_cannot_take_three_columns(tmp_path: Path) -> None:
    table = LabelTable("ada", ("labeled-data/img01.png",), ("a",), np.ones((1, 1, 1, 2)))
    with pytest.raises(DataError, match="not named labeled-data/<folder>/<file>"):
        write_csv(table, tmp_path / "a.csv", 3)
    write_csv(table, tmp_path / "a.csv", 1)
    assert read_csv(tmp_path / "a.csv") == table


def test_damaged_and_foreign_h5_files_get_one_line(tmp_path: Path) -> None:
    cases = {}
    cases["garbage.h5"] = b"no hdf5"
    write_h5(LabelTable("ada", ("labeled-data/v/i.png",), ("a",), np.ones((1, 1, 1, 2))), tmp_path / "good.h5")
    cases["cut.h5"] = (tmp_path / "good.h5").read_bytes()[:900]
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            read_h5(tmp_path / name)
    pd.DataFrame({"x": [1.0]}).to_hdf(tmp_path / "flat.h5", key="df_with_missing")
    with pytest.raises(DataError, match="scorer, bodyparts, coords are expected"):
        read_h5(tmp_path / "flat.h5")
    for key in ("one", "two"):
        pd.DataFrame({"x": [1.0]}).to_hdf(tmp_path / "keys.h5", key=key)
    with pytest.raises(DataError, match=r"keys one, two; a label table has one, under df_with_missing"):
        read_h5(tmp_path / "keys.h5")
    pd.HDFStore(tmp_path / "none.h5", mode="w").close()
    with pytest.raises(DataError, match="holds no table"):
        read_h5(tmp_path / "none.h5")


@pytest.mark.parametrize("columns", [1, 3])
def test_the_only_table_is_read_whatever_its_key_and_deeplabcut_s_key_comes_first(tmp_path: Path, columns: int) -> None:
    table = LabelTable("ada", ("labeled-data/v/i.png",), ("a",), np.ones((1, 1, 1, 2)))
    as_dataframe(table, columns).to_hdf(tmp_path / "napari.h5", key="keypoints")  # as napari-deeplabcut saves
    assert read_h5(tmp_path / "napari.h5") == table
    other = LabelTable("ada", table.images, ("a",), np.zeros((1, 1, 1, 2)))
    as_dataframe(other, columns).to_hdf(tmp_path / "napari.h5", key="df_with_missing")
    assert read_h5(tmp_path / "napari.h5") == other


def test_damaged_is_what_hdf5_cannot_open(tmp_path: Path) -> None:
    table = LabelTable("ada", ("labeled-data/v/i.png",), ("a",), np.ones((1, 1, 1, 2)))
    write_h5(table, tmp_path / "good.h5")
    pd.DataFrame({"x": [1.0]}).to_hdf(tmp_path / "other.h5", key="other")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "good.h5").read_bytes()[:900])
    (tmp_path / "text.h5").write_text("no hdf5")
    (tmp_path / "empty.h5").touch()
    found = {file.stem: is_damaged(file) for file in tmp_path.glob("*.h5")}
    assert found == {"good": False, "other": False, "cut": True, "text": True, "empty": True}


def test_text_in_an_h5_gets_one_line(tmp_path: Path) -> None:
    table = LabelTable("ada", ("labeled-data/v/i.png",), ("a",), np.ones((1, 1, 1, 2)))
    frame = as_dataframe(table).astype(object)
    frame.iloc[0, 0] = "abc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_hdf(tmp_path / "text.h5", key="df_with_missing")
    with pytest.raises(DataError, match=r"text\.h5 holds text.*abc"):
        read_h5(tmp_path / "text.h5")
