"""Split files: three formats, several spellings of an image's name, errors that name the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlc_core.data.split_files import read_split_file
from dlc_core.data.splits import make_split
from dlc_core.errors import ConfigError, DataError

IMAGES = [f"labeled-data/a/img{index}.png" for index in range(6)]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_file_lists_test_images_and_the_rest_trains(tmp_path):
    path = written(tmp_path, "test.txt", "# held out\nlabeled-data/a/img1.png\n\na/img3.png\n")
    split = make_split(IMAGES, ["a"] * 6, "file", file=path)
    assert split.test == (IMAGES[1], IMAGES[3])
    assert split.train == (IMAGES[0], IMAGES[2], IMAGES[4], IMAGES[5])


def test_a_table_names_the_part_of_each_image_and_leaves_out_the_others(tmp_path):
    path = written(
        tmp_path, "s.csv", "image,part\na/img0.png,train\na\\img1.png,Test\n./labeled-data/a/img2.png,validation\n"
    )
    split = make_split(IMAGES, ["a"] * 6, "file", file=path)
    assert (split.train, split.validation, split.test) == ((IMAGES[0],), (IMAGES[2],), (IMAGES[1],))


def test_a_json_list_is_the_test_part(tmp_path):
    path = written(tmp_path, "s.json", json.dumps(["a/img5.png"]))
    assert read_split_file(path, IMAGES).test == (IMAGES[5],)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.txt", "a/img99.png\n", r"1 of 1 images that are not labelled, first 'a/img99.png'"),
        ("s.csv", "frame,set\nx,y\n", r"columns \['frame', 'set'\]"),
        ("s.csv", "image,part\na/img0.png,tset\n", r"line 2: part 'tset'"),
        ("s.json", "{", "cannot be read as a split"),
        ("s.json", '{"train": []}', "holds no split"),
        ("s.json", '{"test": "a/img0.png"}', "expected a list of image names"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        read_split_file(written(tmp_path, name, text), IMAGES)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.txt does not exist"):
        read_split_file(tmp_path / "nowhere.txt", IMAGES)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.json, \.csv, \.txt"):
        read_split_file(tmp_path / "split.xlsx", IMAGES)


def test_a_file_that_leaves_nothing_to_train_on_is_an_error(tmp_path):
    path = written(tmp_path, "all.txt", "\n".join(IMAGES))
    with pytest.raises(DataError, match="no labelled frame to train on"):
        make_split(IMAGES, ["a"] * 6, "file", file=path)
