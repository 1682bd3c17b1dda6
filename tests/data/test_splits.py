"""Splits: sizes as DeepLabCut computes them, parts that never overlap, methods that do what their name says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlc_core.data.splits import Split, fold_split, make_split, train_size
from dlc_core.errors import ConfigError, DataError


def frames_of(**videos: int) -> tuple[list[str], list[str]]:
    images = [f"labeled-data/{video}/img{index:03}.png" for video, count in videos.items() for index in range(count)]
    return images, [name.split("/")[1] for name in images]


@pytest.mark.parametrize(
    ("frames", "fraction", "expected"),
    [(116, 0.95, 110), (116, 0.8, 92), (55, 0.95, 52), (2, 0.5, 1), (10, 0.29, 2)],
)
def test_the_training_part_is_rounded_down_as_in_deeplabcut(frames, fraction, expected):
    assert train_size(frames, fraction) == expected


@pytest.mark.parametrize(
    ("frames", "fraction", "message"),
    [(1, 0.95, "none to train on"), (3, 0.2, "none to train on"), (0, 0.5, "0 labelled frames")],
)
def test_a_fraction_that_leaves_an_empty_part_is_an_error_with_the_counts(frames, fraction, message):
    with pytest.raises(DataError, match=message):
        train_size(frames, fraction)


def test_a_fraction_that_leaves_nothing_to_test_on_is_an_error():
    with pytest.raises(DataError, match="leaves none to test on"):
        train_size(20, 0.999)


@pytest.mark.parametrize("fraction", [0, 1, 95, -0.5])
def test_a_fraction_outside_0_and_1_is_an_error(fraction):
    with pytest.raises(ConfigError, match="above 0 and below 1"):
        train_size(100, fraction)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 30), min_size=2, max_size=6),
    method=st.sampled_from(["random", "video", "contiguous"]),
    fraction=st.sampled_from([0.5, 0.8, 0.9]),
    validation=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 1000),
)
def test_the_parts_are_disjoint_and_together_all_frames(counts, method, fraction, validation, seed):
    images, groups = frames_of(**{f"v{number}": count for number, count in enumerate(counts)})
    try:
        split = make_split(images, groups, method, fraction, seed, validation)
    except DataError:
        return  # too few frames or videos for these shares
    assert split.images == set(images)
    assert len(split.train) + len(split.validation) + len(split.test) == len(images)
    assert split.train and split.test
    assert bool(split.validation) == (validation > 0)
    assert split == make_split(images, groups, method, fraction, seed, validation)


def test_seeds_give_different_splits():
    images, groups = frames_of(a=60)
    assert len({make_split(images, groups, seed=seed).test for seed in range(5)}) == 5


def test_parts_keep_the_order_of_the_labels():
    images, groups = frames_of(a=40)
    split = make_split(images, groups, fraction=0.5)
    assert list(split.train) == [name for name in images if name in split.train]


def test_the_method_video_never_divides_a_video():
    images, groups = frames_of(a=10, b=12, c=9, d=8, e=11)
    split = make_split(images, groups, "video", 0.8, validation=0.25, seed=3)
    for part in (split.train, split.validation, split.test):
        for video in {name.split("/")[1] for name in part}:
            assert [name for name in images if f"/{video}/" in name] == [name for name in part if f"/{video}/" in name]
    assert len(split.test) in (10, 11, 12, 9, 8)


def test_the_method_video_comes_as_near_to_the_fraction_as_whole_videos_allow():
    images, groups = frames_of(a=50, b=6, c=4)
    for seed in range(5):
        assert len(make_split(images, groups, "video", 0.84, seed).test) == 10  # b and c together


def test_the_method_video_with_one_video_says_what_to_use_instead():
    images, groups = frames_of(a=20)
    with pytest.raises(DataError, match=r"at least 2 videos.*contiguous or random"):
        make_split(images, groups, "video", 0.8)


def test_the_method_contiguous_takes_one_stretch_in_time_of_each_video():
    images = [f"labeled-data/a/img{index}.png" for index in range(20)]  # img10 sorts before img2 as text
    images += [f"labeled-data/b/img{index}.png" for index in range(10)]
    split = make_split(images, [name.split("/")[1] for name in images], "contiguous", 0.7, seed=1)
    assert len(split.test) == 9
    for video, expected in (("a", 6), ("b", 3)):
        times = sorted(int(name.split("img")[1].removesuffix(".png")) for name in split.test if f"/{video}/" in name)
        assert times == list(range(times[0], times[0] + expected))


def test_a_stored_split_reads_back_the_same(tmp_path):
    images, groups = frames_of(a=30)
    split = make_split(images, groups, fraction=0.7, validation=0.1, seed=5)
    assert Split.from_dict(json.loads(json.dumps(split.as_dict()))) == split
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split.as_dict()))
    again = make_split(images, groups, "file", file=path)
    assert (again.train, again.validation, again.test) == (split.train, split.validation, split.test)


def test_a_frame_in_two_parts_is_an_error():
    with pytest.raises(DataError, match="'x' twice"):
        Split(train=("x", "y"), test=("x",))


def test_each_frame_is_in_the_test_part_of_exactly_one_fold():
    images, _ = frames_of(a=23)
    splits = [fold_split(images, fold, 5, seed=1) for fold in range(5)]
    assert sorted(name for split in splits for name in split.test) == sorted(images)
    assert {len(split.test) for split in splits} == {4, 5}
    assert all(set(split.train) | set(split.test) == set(images) for split in splits)


@pytest.mark.parametrize(
    ("fold", "folds", "message"), [(5, 5, "0 to 4"), (-1, 5, "0 to 4"), (0, 1, "2 to 5"), (0, 9, "2 to 5")]
)
def test_a_fold_that_cannot_be_is_an_error(fold, folds, message):
    with pytest.raises(ConfigError, match=message):
        fold_split(["a", "b", "c", "d", "e"], fold, folds)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "randm"}, "Did you mean 'random'"),
        ({"validation": 1.0}, "from 0 to below 1"),
        ({"method": "file"}, "needs split.file=PATH"),
    ],
)
def test_options_that_make_no_sense_are_errors(options, message):
    images, groups = frames_of(a=10)
    with pytest.raises(ConfigError, match=message):
        make_split(images, groups, **options)


def test_a_validation_share_that_takes_all_training_frames_is_an_error():
    images, groups = frames_of(a=4)
    with pytest.raises(DataError, match="leaves none to train on"):
        make_split(images, groups, fraction=0.5, validation=0.9)


def test_labelled_frames_that_a_file_with_a_training_part_leaves_out_are_counted(tmp_path, capsys):
    images, groups = frames_of(a=10)
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": images[:6], "test": images[6:8]}))
    split = make_split(images, groups, "file", file=path)
    assert len(split.train) == 6
    assert f"2 labelled frames are in no part of {path}" in capsys.readouterr().out
    path.write_text(json.dumps({"test": images[6:8]}))
    assert len(make_split(images, groups, "file", file=path).train) == 8
    assert "no part" not in capsys.readouterr().out
