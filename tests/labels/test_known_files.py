"""Files that were found fine are known until somebody changes them."""

from __future__ import annotations

import os
from pathlib import Path

from dlc_core.labels.known_files import file_stamp, is_known, remember, remember_as


def test_a_file_is_known_until_it_is_changed_or_replaced(tmp_path: Path) -> None:
    file = tmp_path / "table"
    assert file_stamp(file) is None and is_known(file), "what is not there holds nothing"
    file.write_text("one")
    assert not is_known(file)
    remember([file, tmp_path / "none"])
    assert is_known(file)
    os.utime(file, (1e9, 1e9))
    assert not is_known(file)
    seen = file_stamp(file)
    file.write_text("two, after it was looked at")
    remember_as(file, seen)
    assert not is_known(file)
