"""The pose store: what is on disk at any moment."""

import json
import os

import numpy as np
import pytest

from dlc_core.errors import ConfigError, DataError, DiskError
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore, chunk_length, store_path
from dlc_core.inference.store_header import StoreHeader
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

SKELETON = Skeleton(("nose", "schwänzchen"), edges=(("nose", "schwänzchen"),))


def header(frames=20, batch_size=4, crop=None):
    return StoreHeader(
        scorer="DLC_Net_TaskNov21shuffle1_run_snapshot_10",
        skeleton=SKELETON,
        frame_count=frames,
        fps=30.0,
        frame_size=(48, 64),
        crop=crop,
        video={"name": "mouse.mp4", "path": "/videos/mouse.mp4", "fingerprint": "abc"},
        network={"run": "run", "run_folder": "/r", "snapshot": "snapshot_10", "step": 10, "sha256": "0"},
        engine="torch",
        precision="float32",
        device="cpu",
        batch_size=batch_size,
        project={"task": "Task", "date": "Nov21", "shuffle": 1},
        config={"nested": {"number": 1.5, "nothing": None}},
        versions={"dlc-core": "0"},
    )


def poses(frames, seed=0):
    rng = np.random.default_rng(seed)
    points = (rng.random((frames, 1, 2, 2)) * 60).astype(np.float32)
    points[::5, 0, 1] = np.nan
    return points, rng.random((frames, 1, 2)).astype(np.float32)


def fill(store, points, scores, step=4):
    for start in range(store.frames_done, len(points), step):
        store.append(points[start : start + step], scores[start : start + step])


def test_what_was_written_is_read_and_everything_known_is_an_attribute(tmp_path):
    points, scores = poses(20)
    store = PoseStore.create(tmp_path / "a.zarr", header(crop=Crop(4, 60, 2, 40)), chunk=8)
    fill(store, points, scores)
    assert store.is_complete
    found = PoseFile.open(tmp_path / "a.zarr")
    np.testing.assert_array_equal(found.load().keypoints, points)
    np.testing.assert_array_equal(found.load().likelihood, scores)
    np.testing.assert_array_equal(found.keypoints[[3, 19, 5], 0, 1], points[[3, 19, 5], 0, 1])
    assert (found.skeleton, found.fps, found.frame_size) == (SKELETON, 30.0, (48, 64))
    assert found.crop == Crop(4, 60, 2, 40)
    assert found.attributes["config"] == {"nested": {"number": 1.5, "nothing": None}}
    assert found.attributes["precision"] == "float32"
    assert str(found.video) == "/videos/mouse.mp4"
    (tmp_path / "mouse.mp4").touch()
    assert PoseFile.open(tmp_path / "a.zarr").video == tmp_path / "mouse.mp4"  # moved along with its video


def test_xarray_opens_it_with_names(tmp_path, recwarn):
    xarray = pytest.importorskip("xarray")
    points, scores = poses(20)
    fill(PoseStore.create(tmp_path / "a.zarr", header(), chunk=8), points, scores)
    with xarray.open_zarr(tmp_path / "a.zarr") as data:
        assert data.keypoints.dims == ("frame", "individual", "keypoint", "xy")
        assert data.attrs["fps"] == 30.0
        x = data.keypoints.sel(keypoint="schwänzchen", individual="single", xy="x").values
        np.testing.assert_array_equal(x, points[:, 0, 1, 0])
        np.testing.assert_array_equal(data.likelihood.sel(keypoint="nose").values[:, 0], scores[:, 0, 0])
    assert not [str(warning.message) for warning in recwarn if "onsolidated" in str(warning.message)]


def test_only_whole_chunks_reach_the_disk_and_then_count(tmp_path):
    points, scores = poses(20)
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    counts = []
    for start in range(0, 20, 4):
        store.append(points[start : start + 4], scores[start : start + 4])
        counts.append(PoseStore.open(tmp_path / "a.zarr").frames_done)
    assert counts == [0, 8, 8, 16, 20]


def test_an_unfinished_store_is_refused_unless_asked_for(tmp_path):
    points, scores = poses(20)
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    fill(store, points[:12], scores[:12])
    with pytest.raises(DataError, match="8 of 20 frames"):
        PoseFile.open(tmp_path / "a.zarr")
    part = PoseFile.open(tmp_path / "a.zarr", partial=True)
    assert (part.frame_count, part.complete) == (8, False)
    np.testing.assert_array_equal(part.load().keypoints, points[:8])


def test_it_goes_on_after_the_last_whole_chunk(tmp_path):
    points, scores = poses(20)
    fill(PoseStore.create(tmp_path / "a.zarr", header(), chunk=8), points[:12], scores[:12])
    again = PoseStore.open(tmp_path / "a.zarr")
    assert again.frames_done == 8
    fill(again, points, scores)
    np.testing.assert_array_equal(PoseFile.open(tmp_path / "a.zarr").load().keypoints, points)


def test_a_batch_larger_than_what_a_chunk_lacks_is_divided(tmp_path):
    points, scores = poses(20)
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    fill(store, points, scores, step=5)
    np.testing.assert_array_equal(PoseFile.open(tmp_path / "a.zarr").load().likelihood, scores)


def test_replacing_a_store_starts_empty_and_remembers_its_exports(tmp_path):
    points, scores = poses(20)
    first = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    fill(first, points, scores)
    first.update(exports={"a.h5": {"sha256": "1"}})
    second = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    assert second.frames_done == 0
    assert second.attributes["exports"] == {"a.h5": {"sha256": "1"}}
    assert second.attributes["id"] != first.attributes["id"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]  # nothing temporary is left


def test_chunks_are_multiples_of_the_batch_and_their_number_is_bounded():
    for frames, batch in ((10, 1), (2330, 4), (1_000_000, 3), (5_000_000, 64)):
        chunk = chunk_length(frames, batch)
        assert chunk % batch == 0
        assert -(-frames // chunk) <= 1024
        assert chunk >= 64


def test_a_name_over_255_bytes_is_one_clear_line(tmp_path):
    with pytest.raises(DiskError, match=r"255.*run=NAME"):
        store_path(tmp_path / ("m" * 200 + ".mp4"), "DLC_" + "x" * 60)
    path = store_path(tmp_path / "a.b.mp4", "DLC_x", tmp_path / "out")
    assert path == tmp_path / "out" / "a.bDLC_x.zarr"


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="cannot write"):
        PoseStore.create(tmp_path / "file" / "a.zarr", header())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of file size are a matter of POSIX")
def test_a_full_disk_keeps_what_was_complete(tmp_path):
    """A limit on the size of files stands in for the full disk: the write of a chunk fails in the same place."""
    import resource
    import signal

    rng = np.random.default_rng(1)
    skeleton = Skeleton(tuple(f"k{i}" for i in range(300)))
    about = header(frames=24)
    about = StoreHeader(**{**vars(about), "skeleton": skeleton})
    points = rng.random((24, 1, 300, 2), np.float32)
    scores = rng.random((24, 1, 300), np.float32)
    store = PoseStore.create(tmp_path / "a.zarr", about, chunk=8)
    store.append(points[:8], scores[:8])
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, old[1]))
    try:
        with pytest.raises(DiskError, match="cannot write"):
            store.append(points[8:16], scores[8:16])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    again = PoseStore.open(tmp_path / "a.zarr")
    assert again.frames_done == 8
    fill(again, points, scores, step=8)
    np.testing.assert_array_equal(PoseFile.open(tmp_path / "a.zarr").load().keypoints, points)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere folders are not put on the disk")
def test_what_counts_is_on_the_disk_itself(tmp_path, monkeypatch):
    reached = []
    fsync = os.fsync

    def noticed(descriptor):
        reached.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noticed)
    points, scores = poses(16)
    store = PoseStore.create(tmp_path / "a.zarr", header(frames=16), chunk=8)
    everything = [tmp_path, *(path for path in store.path.rglob("*") if path.is_file())]
    assert {path.stat().st_ino for path in everything} <= set(reached)
    for start in (0, 8):
        reached.clear()
        store.append(points[start : start + 8], scores[start : start + 8])
        record = store.path / "zarr.json"
        assert reached[2:] == [record.stat().st_ino, store.path.stat().st_ino]
        chunks = [path for path in store.path.rglob(f"c/{start // 8}/**/*") if path.is_file()]
        assert {path.stat().st_ino for path in chunks} == set(reached[:2])


def test_a_store_whose_poses_are_all_absent_is_complete(tmp_path):
    store = PoseStore.create(tmp_path / "a.zarr", header(frames=8), chunk=8)
    store.append(np.full((8, 1, 2, 2), np.nan, np.float32), np.full((8, 1, 2), np.nan, np.float32))
    assert store.is_complete


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    points, scores = poses(20)
    store = PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    fill(store, points, scores)
    store.update(format_version=99)
    with pytest.raises(DataError, match="version 99"):
        PoseFile.open(tmp_path / "a.zarr")


def test_a_damaged_store_is_one_clear_line(tmp_path):
    PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    (tmp_path / "a.zarr" / "zarr.json").write_text("{")
    with pytest.raises(DataError, match="overwrite=true"):
        PoseStore.open(tmp_path / "a.zarr")
    with pytest.raises(DataError, match="no pose store"):
        PoseFile.open(tmp_path / "a.zarr")


def test_the_attributes_are_plain_json(tmp_path):
    PoseStore.create(tmp_path / "a.zarr", header(), chunk=8)
    attributes = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["attributes"]
    assert attributes["frames_done"] == 0
    assert attributes["skeleton"]["keypoints"] == ["nose", "schwänzchen"]


@pytest.mark.parametrize("chunk", [6, -4, 0])
def test_a_chunk_that_divides_a_batch_is_refused(tmp_path, chunk):
    with pytest.raises(ConfigError, match="multiple of the batch of 4"):
        PoseStore.create(tmp_path / "a.zarr", header(batch_size=4), chunk=chunk)
    assert not list(tmp_path.iterdir())
