"""One video, one network: what is stored, skipped, refused and continued."""

import math
import os

import av
import cv2
import numpy as np
import pytest
import torch

from dlc_core.errors import ConfigError, DataError, DiskError, PluginError
from dlc_core.inference.analysis import AnalysisOptions, analyze_video
from dlc_core.inference.lock import locked
from dlc_core.inference.network import load_network
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.pose_store import PoseStore, store_path
from dlc_core.inference.predictor import Predictor
from dlc_core.inference.store_files import creation_path, replacement_path
from dlc_core.video.crop import Crop
from dlc_core.video.frame_index import _frame_index
from dlc_core.video.reader import VideoReader

CPU = torch.device("cpu")


def options(**changes):
    return AnalysisOptions(**{"device": CPU, "batch_size": 4, "chunk": 8, **changes})


def test_the_store_holds_what_the_network_finds_in_each_frame(video, network):
    result = analyze_video(video, network, options())
    assert (result.frame_count, result.new_frames) == (50, 50)
    poses = PoseFile.open(result.store)
    assert result.store == video.with_name(f"mouse{network.scorer}.zarr")
    assert poses.skeleton == network.skeleton
    assert (poses.fps, poses.frame_size, poses.video) == (25.0, (64, 96), video)
    predictor = Predictor(network.model)
    with VideoReader(video) as reader:
        for index in (0, 7, 49):
            alone = predictor(reader.read(index)[None])
            np.testing.assert_allclose(poses.keypoints[index], alone.keypoints[0], atol=1e-3)
            np.testing.assert_allclose(poses.likelihood[index], alone.likelihood[0], atol=1e-5)
    assert len(np.unique(poses.keypoints[:, 0, 0, 0])) > 20  # the test network does look at the frames


def test_poses_of_a_crop_are_in_full_frame_pixels(video, network):
    crop = Crop(16, 80, 8, 56)
    poses = PoseFile.open(analyze_video(video, network, options(), crop).store)
    assert poses.crop == crop
    predictor = Predictor(network.model)
    with VideoReader(video) as reader:
        alone = predictor(reader.read(5)[None, 8:56, 16:80])
    np.testing.assert_allclose(poses.keypoints[5], alone.keypoints[0] + [16, 8], atol=1e-3)


def test_a_crop_beyond_the_frame_is_clipped_and_one_outside_refused(video, network, tmp_path):
    result = analyze_video(video, network, options(), Crop(50, 500, 0, 500), tmp_path / "clipped")
    assert PoseFile.open(result.store).crop == Crop(50, 96, 0, 64)
    whole = analyze_video(video, network, options(), Crop(0, 96, 0, 64), tmp_path / "whole")
    assert PoseFile.open(whole.store).crop is None
    with pytest.raises(ConfigError, match="outside"):
        analyze_video(video, network, options(), Crop(200, 300, 0, 50))


def test_scaled_inputs_are_mapped_back(video, tmp_path, make_run):
    run = make_run(tmp_path / "half", scale=0.5)
    network = load_network(run, run.select()[0], None)
    poses = PoseFile.open(analyze_video(video, network, options()).store)
    assert poses.keypoints[:, 0, :, 0].max() > 48  # beyond what half an image could hold


def test_a_video_that_was_cut_off_is_analysed_as_far_as_it_goes_and_named(tmp_path, network, make_video, capsys):
    whole = make_video(tmp_path / "whole.mp4", 20)
    analyze_video(whole, network, options())
    assert "header" not in capsys.readouterr().err
    cut = tmp_path / "cut.avi"
    with av.open(str(cut), "w") as container, VideoReader(whole) as reader:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = reader.height, reader.width, "yuvj420p"
        for _, image in reader.frames():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    content = cut.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    frame_count = analyze_video(cut, network, options()).frame_count
    assert frame_count < 15
    assert f"cut.avi: the header says 20 frames, but {frame_count} can be read" in capsys.readouterr().err


def test_a_finished_video_is_skipped_and_said_so(video, network, capsys):
    first = analyze_video(video, network, options())
    before = (first.store / "zarr.json").read_bytes()
    again = analyze_video(video, network, options(batch_size=2))
    assert again.new_frames == 0
    assert f"analyzed already ({first.store.name})" in capsys.readouterr().out
    assert analyze_video(video, network, options(precision="float16")).new_frames == 0
    assert "analyzed already in float32; overwrite=true analyzes them in float16" in capsys.readouterr().out
    assert (first.store / "zarr.json").read_bytes() == before


def test_an_interrupted_analysis_goes_on_with_its_own_batch_and_precision(video, network, tmp_path, capsys):
    whole = analyze_video(video, network, options(batch_size=2, precision="float16"), destfolder=tmp_path / "whole")
    part = analyze_video(video, network, options(batch_size=2, precision="float16"))
    PoseStore.open(part.store).update(frames_done=24)
    store = PoseStore.open(part.store)
    store._keypoints[24:] = math.nan
    result = analyze_video(video, network, options(batch_size=8, precision="float32"))
    assert result.new_frames == 26
    assert "going on at frame 24 of 50 (batches of 2, float16" in capsys.readouterr().out
    np.testing.assert_array_equal(
        PoseFile.open(part.store).load().keypoints, PoseFile.open(whole.store).load().keypoints
    )


def test_what_belongs_to_another_network_crop_or_video_is_refused(video, network, tmp_path, make_run, make_video):
    analyze_video(video, network, options())
    other = make_run(tmp_path / "elsewhere" / "DemoNov21-trainset95shuffle1" / "first", seed=1)
    same_name = load_network(other, other.select()[0], None)
    assert same_name.scorer == network.scorer
    with pytest.raises(DataError, match=r"another network.*overwrite=true"):
        analyze_video(video, same_name, options())
    with pytest.raises(DataError, match="crop=none, not crop=0,40,0,40"):
        analyze_video(video, network, options(), Crop(0, 40, 0, 40))
    before = PoseFile.open(analyze_video(video, network, options()).store).load().keypoints
    result = analyze_video(video, same_name, options(overwrite=True))
    assert result.new_frames == 50
    assert not np.array_equal(PoseFile.open(result.store).load().keypoints, before)
    make_video(video, 50, seed=3)
    with pytest.raises(DataError, match="another video"):
        analyze_video(video, same_name, options())


def test_a_folder_that_cannot_hold_the_result_is_one_clear_line(video, network, tmp_path):
    expected = r"cannot write .*mouse\.mp4 is a file, a folder is needed there.*write elsewhere with .*destfolder="
    with pytest.raises(DiskError, match=expected):
        analyze_video(video, network, options(), destfolder=video)


def test_a_second_process_on_the_same_video_is_told_so(video, network):
    with locked(store_path(video, network.scorer)), pytest.raises(DataError, match="is being written by process"):
        analyze_video(video, network, options())
    assert analyze_video(video, network, options()).new_frames == 50


def test_a_finished_video_is_skipped_without_decoding_it(video, network):
    analyze_video(video, network, options())
    os.utime(video, (1, 1))  # what was counted before does not count any more
    counted = _frame_index.cache_info().misses
    assert analyze_video(video, network, options()).new_frames == 0
    assert _frame_index.cache_info().misses == counted


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


def interrupt_at(network, call):
    """Have the network interrupt its analysis at a batch; return what removes that."""
    calls = []

    def count(*_):
        calls.append(1)
        if len(calls) == call:
            raise Interrupted

    return network.model.register_forward_pre_hook(count)


def test_overwriting_keeps_the_finished_poses_until_the_new_ones_are_complete(video, network, tmp_path, capsys):
    first = analyze_video(video, network, options())
    poses = PoseFile.open(first.store)
    PoseStore.open(first.store).update(exports={"a.h5": {"sha256": "1"}})
    hook = interrupt_at(network, 7)
    with pytest.raises(Interrupted):
        analyze_video(video, network, options(overwrite=True))
    hook.remove()
    assert PoseFile.open(first.store).attributes["id"] == poses.attributes["id"]
    assert replacement_path(first.store).exists()
    result = analyze_video(video, network, options(overwrite=True))
    assert "going on at frame 16" in capsys.readouterr().out
    assert result.new_frames == 34
    again = PoseFile.open(result.store)
    assert again.attributes["id"] != poses.attributes["id"]
    assert again.attributes["exports"] == {"a.h5": {"sha256": "1"}}
    whole = PoseFile.open(analyze_video(video, network, options(), destfolder=tmp_path / "whole").store)
    np.testing.assert_array_equal(again.load().keypoints, whole.load().keypoints)
    assert not list(video.parent.glob(".~*"))


@pytest.mark.parametrize("unfinished", [True, False], ids=["over an unfinished store", "over nothing"])
def test_an_overwriting_goes_on_where_it_stopped_whatever_it_replaces(video, network, capsys, unfinished):
    if unfinished:
        hook = interrupt_at(network, 7)
        with pytest.raises(Interrupted):
            analyze_video(video, network, options())
        hook.remove()
    for call, done in ((7, 0), (6, 16)):
        hook = interrupt_at(network, call)
        with pytest.raises(Interrupted):
            analyze_video(video, network, options(overwrite=True))
        hook.remove()
        assert (f"going on at frame {done}" in capsys.readouterr().out) is bool(done)
    result = analyze_video(video, network, options(overwrite=True))
    assert "going on at frame 32" in capsys.readouterr().out
    assert result.new_frames == 18
    assert sorted(path.name for path in video.parent.iterdir() if path.is_file() or path.suffix == ".zarr") == [
        video.name,
        result.store.name,
    ]


def test_what_an_overwriting_left_goes_on_or_goes_away_without_overwrite(video, network, capsys):
    path = store_path(video, network.scorer)

    def interrupted_overwriting():
        hook = interrupt_at(network, 7)
        with pytest.raises(Interrupted):
            analyze_video(video, network, options(overwrite=True))
        hook.remove()
        assert replacement_path(path).exists()

    interrupted_overwriting()  # there was nothing to replace
    assert analyze_video(video, network, options()).new_frames == 34
    assert not list(video.parent.glob(".~*"))
    poses = PoseFile.open(path).attributes["id"]
    interrupted_overwriting()
    capsys.readouterr()
    with locked(path):
        assert analyze_video(video, network, options()).new_frames == 0
        assert replacement_path(path).exists()  # whoever holds the lock may be writing it
    assert analyze_video(video, network, options()).new_frames == 0
    assert "interrupted; overwrite=true goes on with it" in capsys.readouterr().out
    assert PoseFile.open(path).attributes["id"] == poses
    assert 0 < analyze_video(video, network, options(overwrite=True)).new_frames < 50  # hours may have gone into it
    assert PoseFile.open(path).attributes["id"] != poses
    assert not list(video.parent.glob(".~*"))


def test_a_replacement_that_was_complete_when_it_was_killed_counts(video, network):
    path = store_path(video, network.scorer)
    analyze_video(video, network, options())
    path.rename(path.with_name(creation_path(path).stem + "old.zarr"))  # the first of the two renames
    new = analyze_video(video, network, options(batch_size=2), destfolder=video.parent / "other").store
    new.rename(replacement_path(path))
    assert analyze_video(video, network, options()).new_frames == 0
    assert PoseFile.open(path).attributes["batch_size"] == 2
    assert not list(video.parent.glob(".~*"))


def test_an_overwriting_that_began_otherwise_starts_again(video, network):
    analyze_video(video, network, options())
    hook = interrupt_at(network, 7)
    with pytest.raises(Interrupted):
        analyze_video(video, network, options(overwrite=True))
    hook.remove()
    assert analyze_video(video, network, options(overwrite=True, batch_size=2)).new_frames == 50


def test_what_a_kill_left_behind_is_removed_or_put_in_place(video, network):
    path = store_path(video, network.scorer)
    creation_path(path).mkdir()
    result = analyze_video(video, network, options())
    assert not list(video.parent.glob(".~*"))
    old = path.with_name(creation_path(path).stem + "old.zarr")
    path.rename(old)  # killed between two renames, while a finished store was replaced
    assert analyze_video(video, network, options()).new_frames == 0
    assert result.store.exists() and not old.exists()


def test_a_store_without_a_frame_is_begun_anew_with_another_batch(video, network):
    hook = interrupt_at(network, 1)
    with pytest.raises(Interrupted):
        analyze_video(video, network, options())
    hook.remove()
    store = analyze_video(video, network, options(batch_size=2)).store
    assert PoseFile.open(store).attributes["batch_size"] == 2


def test_memory_that_is_too_small_is_one_line_with_a_batch_that_is_used_next(video, network):
    def exhaust(_, inputs):
        if len(inputs[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    network.model.register_forward_pre_hook(exhaust)
    with pytest.raises(DataError, match=r"batch of 4 frame.*batch_size=1"):
        analyze_video(video, network, options())
    assert analyze_video(video, network, options(batch_size=1)).new_frames == 50


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError("Unable to allocate 8.3 GiB for an array with shape (5000, 480, 640, 3)"),
        cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 921600 bytes"),
    ],
)
def test_memory_of_a_cpu_that_is_too_small_is_one_line_too(video, network, error):
    def exhaust(*_):
        raise error

    network.model.register_forward_pre_hook(exhaust)
    expected = (
        r"memory of this machine is too small for a batch of 4 frame\(s\)\. Analyze this video with batch_size=1\."
    )
    with pytest.raises(DataError, match=expected) as caught:
        analyze_video(video, network, options())
    assert caught.value.__cause__ is error
    with pytest.raises(DataError, match=r"batch of 1.*crop=x1,x2,y1,y2"):
        analyze_video(video, network, options(batch_size=1))


def test_a_network_that_fails_is_named(video, network):
    def fail(*_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    network.model.register_forward_pre_hook(fail)
    with pytest.raises(PluginError, match=r"the network first fails on a batch of 4.*RuntimeError: mat1 and mat2"):
        analyze_video(video, network, options())
