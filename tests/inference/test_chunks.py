"""A store that was copied in part, or damaged on its way, is never taken for poses."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from dlc_core.errors import DataError, DiskError
from dlc_core.inference.chunks import MARK, reading
from dlc_core.inference.pose_file import PoseFile, store_attributes
from dlc_core.inference.pose_store import PoseStore

from .test_pose_store import fill, header, poses


@pytest.fixture
def store(tmp_path):
    written = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    fill(written, *poses(20))
    return written.path


def forget_mark(store):
    """Make a store as it was before every chunk had its files."""
    record = json.loads((store / "zarr.json").read_text())
    assert record["attributes"].pop(MARK)
    (store / "zarr.json").write_text(json.dumps(record))


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize(
    ("name", "frames"), [("keypoints/c", "0-7"), ("likelihood/c/2", "16-19"), ("keypoints/c/1/0/0/0", "8-15")]
)
def test_a_missing_chunk_is_named_with_its_frames(store, name, frames, marked):
    if not marked:
        forget_mark(store)
    lost = store / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    for opened in (PoseFile.open, PoseStore.open):
        with pytest.raises(
            DataError, match=rf"a\.zarr is incomplete: .*{name[:10]}.*frames {frames}\).*overwrite=true"
        ):
            opened(store)
    assert store_attributes(store)["frames_done"] == 20  # whose poses they were can still be told


def test_what_does_not_count_yet_may_be_missing(tmp_path):
    points, scores = poses(20)
    fill(PoseStore.create(tmp_path / "a.zarr", header(), chunk=8), points[:12], scores[:12])
    assert PoseStore.open(tmp_path / "a.zarr").frames_done == 8
    shutil.rmtree(tmp_path / "a.zarr" / "keypoints" / "c" / "0")
    with pytest.raises(DataError, match="incomplete"):
        PoseFile.open(tmp_path / "a.zarr", partial=True)


def test_a_chunk_without_a_pose_has_its_files_also_after_a_resume(tmp_path):
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    absent = np.full((20, 1, 2, 2), np.nan, np.float32)
    store.append(absent[:8], np.zeros((8, 1, 2), np.float32))
    fill(PoseStore.open(store.path), absent, np.full((20, 1, 2), np.nan, np.float32))
    assert len(list((store.path / "keypoints").rglob("c/*/0/0/0"))) == 3
    assert len(list((store.path / "likelihood").rglob("c/*/0/0"))) == 3
    assert np.isnan(PoseFile.open(store.path).load().keypoints).all()


def test_older_stores_have_no_files_of_keypoints_that_are_absent(tmp_path):
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    points, scores = poses(20)
    points[8:16], scores[8:16] = np.nan, 0
    fill(store, points, scores)
    forget_mark(store.path)
    shutil.rmtree(store.path / "keypoints" / "c" / "1")
    assert PoseStore.open(store.path).is_complete
    np.testing.assert_array_equal(PoseFile.open(store.path).load().keypoints, points)


@pytest.mark.parametrize("kept", [0, 5, 16, 0.5, 0.99])
def test_a_chunk_that_was_cut_off_is_named_before_anything_is_read(store, kept):
    chunk = store / "keypoints" / "c" / "1" / "0" / "0" / "0"
    good = chunk.read_bytes()
    chunk.write_bytes(good[: kept if isinstance(kept, int) else int(kept * len(good))])
    for opened in (PoseFile.open, PoseStore.open):
        with pytest.raises(DataError, match=r"a\.zarr is damaged \(keypoints, frames 8-15\)"):
            opened(store)


def test_a_damaged_chunk_is_one_line_with_its_frames(tmp_path):
    written = PoseStore.create(tmp_path / "a.zarr", header(frames=400), chunk=200)
    fill(written, np.full((400, 1, 2, 2), 7, np.float32), np.ones((400, 1, 2), np.float32))
    store = written.path
    chunk = store / "keypoints" / "c" / "1" / "0" / "0" / "0"
    good = chunk.read_bytes()
    chunk.write_bytes(good[:16] + b"\xff" * (len(good) - 16))
    found = PoseFile.open(store)
    assert np.isfinite(found.keypoints[:4]).any()
    for key in (slice(None), [3, 212], 209):
        with pytest.raises(
            DataError, match=r"a\.zarr is damaged \(keypoints, frames 200-399\)\..*overwrite=true"
        ) as caught:
            found.keypoints[key]
        assert caught.value.__cause__ is not None


def test_a_limit_of_the_process_is_no_damage_and_a_refusal_of_the_disk_is_named(store):
    array = PoseStore.open(store)._keypoints
    with pytest.raises(RuntimeError, match="thread") as caught, reading(store, "keypoints", array):
        raise RuntimeError("can't start new thread")
    assert not isinstance(caught.value, DataError)
    with pytest.raises(DiskError, match=r"cannot read .*a\.zarr: Input/output error"), reading(store, "x", array):
        raise OSError(5, "Input/output error")


def test_a_file_in_the_place_of_a_store_is_one_line(tmp_path):
    path = tmp_path / "a.zarr"
    path.write_text("notes")
    for opened in (PoseFile.open, PoseStore.open):
        with pytest.raises(DataError, match=r"a\.zarr .*no pose store.*overwrite=true"):
            opened(path)
