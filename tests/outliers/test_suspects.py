"""The table of labels that are probably wrong."""

import math

import pytest

from dlc_core.errors import DataError
from dlc_core.outliers.suspects import Suspect, read_suspects, write_suspects

TWO = (
    Suspect(1, "labeled-data/a, b/img1.png", "left ear", "swapped with right ear", 4.5, 1.25, 2.0, 3.0, 4.0, 0.9876),
    Suspect(2, "labeled-data/Zoë/img2.png", "", "the whole image", 1.0, *[math.nan] * 5),
)


def test_suspects_survive_the_file_and_a_person_can_read_it(tmp_path):
    file = tmp_path / "suspects.csv"
    write_suspects(TWO, file)
    back = read_suspects(file)
    assert back[0] == TWO[0]
    assert back[1].image == TWO[1].image and back[1].bodypart == "" and math.isnan(back[1].label_x)
    header, first, _ = file.read_text(encoding="utf-8").splitlines()
    assert header == "rank,image,bodypart,reason,score,label_x,label_y,prediction_x,prediction_y,likelihood"
    assert first.endswith(",left ear,swapped with right ear,4.50,1.25,2.00,3.00,4.00,0.9876")


def test_no_suspects_are_an_empty_table(tmp_path):
    write_suspects((), tmp_path / "suspects.csv")
    assert read_suspects(tmp_path / "suspects.csv") == ()


def test_a_table_that_is_not_there_or_not_one_of_ours_is_said(tmp_path):
    with pytest.raises(DataError, match="Make it: dlc check-labels detector=label_error"):
        read_suspects(tmp_path / "suspects.csv")
    (tmp_path / "suspects.csv").write_text("rank,image\n1,a.png\n")
    with pytest.raises(DataError, match="row 2 cannot be read; the columns rank, image"):
        read_suspects(tmp_path / "suspects.csv")
