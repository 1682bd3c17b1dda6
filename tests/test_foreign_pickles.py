"""Foreign pickles: data is read, code is not run."""

from __future__ import annotations

import os
import pickle
import threading

import numpy as np
import pytest
import tables

from dlc_core.errors import DataError
from dlc_core.foreign_pickles import read_pickle
from dlc_core.labels.h5_file import read_h5, write_h5
from dlc_core.labels.table import LabelTable


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays_are_read(tmp_path, protocol):
    path = tmp_path / "data.pickle"
    content = [{"image": ("a", "b"), "joints": np.arange(6).reshape(2, 3)}, np.float64(0.5), {1, 2}, None, "é"]
    path.write_bytes(pickle.dumps(content, protocol))
    found = read_pickle(path)
    np.testing.assert_array_equal(found[0]["joints"], content[0]["joints"])
    assert found[1:] == content[1:]


def test_a_pickle_with_code_is_refused_before_it_runs(tmp_path):
    path = tmp_path / "evil.pickle"
    path.write_bytes(pickle.dumps(Attack(str(tmp_path / "made-by-the-pickle"))))
    with pytest.raises(DataError, match=r"(posix|nt)\.mkdir"):
        read_pickle(path)
    assert not (tmp_path / "made-by-the-pickle").exists()


@pytest.mark.parametrize("name", ["eval", "exec", "getattr", "__import__", "open"])
def test_functions_of_builtins_are_refused(tmp_path, name):
    path = tmp_path / "evil.pickle"
    path.write_bytes(f"cbuiltins\n{name}\n(S'1'\ntR.".encode())
    with pytest.raises(DataError, match=rf"builtins\.{name}"):
        read_pickle(path)


def test_a_truncated_pickle_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "half.pickle"
    path.write_bytes(pickle.dumps(list(range(1000)))[:100])
    with pytest.raises(DataError, match=r"half\.pickle cannot be read"):
        read_pickle(path)


def test_deeplabcuts_own_pickles_are_read(data_folder):
    meta = read_pickle(data_folder / "dlc-tests" / "trimouse_full.pickle")
    assert "metadata" in meta


def test_hdf5_prints_no_back_trace_of_a_damaged_file_in_any_thread(tmp_path, capfd):
    path = tmp_path / "CollectedData_me.h5"
    path.write_bytes(bytes(range(256)) * 40)

    def read() -> None:
        with pytest.raises(DataError, match="damaged or no HDF5 file"):
            read_h5(path)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("where", ["attribute of the file", "attribute of the table", "array of objects"])
def test_code_in_a_label_file_does_not_run(tmp_path, where):
    path, mark = tmp_path / "CollectedData_me.h5", tmp_path / "ran"
    write_h5(LabelTable("me", ("labeled-data/v/img0.png",), ("nose",), np.zeros((1, 1, 1, 2))), path)
    with tables.open_file(path, "a") as file:
        if where == "attribute of the file":
            file.root._v_attrs.evil = Attack(str(mark))
        elif where == "attribute of the table":
            file.get_node("/df_with_missing")._v_attrs.encoding = Attack(str(mark))
        else:
            file.remove_node("/df_with_missing", "block0_values")
            file.create_vlarray("/df_with_missing", "block0_values", tables.ObjectAtom()).append(Attack(str(mark)))
    try:
        read_h5(path)
    except DataError as error:
        assert "mkdir is stored in it" in str(error)
    else:
        assert where == "attribute of the file"  # nobody asks for that one
    assert not mark.exists()
    assert pickle.loads(pickle.dumps([1])) == [1]
    assert tables.attributeset.pickle is tables.atom.pickle is pickle
