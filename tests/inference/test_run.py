"""`dlc analyze` as the command line calls it."""

import shlex
import shutil

import av
import numpy as np
import pytest
import torch

from dlc_core import console
from dlc_core.errors import ConfigError, RunError
from dlc_core.export.run import export
from dlc_core.filtering.run import filter_poses
from dlc_core.inference.pose_file import PoseFile
from dlc_core.inference.run import Crops, analyze
from dlc_core.overrides import quote_free_values, sort_tokens
from dlc_core.plugin_api.hydra_bridge import compose
from dlc_core.project.project import Project
from dlc_core.video.crop import Crop
from dlc_core.visualize.run import plot


def run_analyze(run, *arguments, **options):
    overrides = [f"run='{run.folder}'", *(f"{key}={value}" for key, value in options.items())]
    return analyze(None, compose("analyze", overrides), [str(argument) for argument in arguments])


def test_outside_any_project_a_run_given_by_its_path_analyzes_and_exports(run, video):
    outcome = run_analyze(run, video)
    assert outcome.failed == 0
    (result,) = outcome.data["videos"]
    stem = "mouseDLC_Timm_DemoNov21shuffle1_first_snapshot_10"
    assert [name.rsplit("/")[-1] for name in result["files"]] == [f"{stem}.h5", f"{stem}_meta.pickle", f"{stem}.csv"]
    assert (result["frames"], result["new_frames"]) == (50, 50)
    words = shlex.split(outcome.next_step)
    assert words[:2] == ["dlc", "plot"]
    overrides, videos = sort_tokens(words[2:])
    drawn = plot(None, compose("plot", quote_free_values(overrides)), videos)
    assert drawn.failed == 0
    assert f"run={run.folder}" in shlex.split(drawn.next_step)
    filtered = filter_poses(None, compose("filter", quote_free_values([*overrides, "exporter=[]"])), videos)
    assert filtered.failed == 0
    assert {f"run={run.folder}", "filtered=median"} < set(shlex.split(filtered.next_step))
    exported = export(None, compose("export", quote_free_values([*overrides, "exporter=csv"])), videos)
    assert exported.failed == 0
    poses = PoseFile.open(video.with_name(f"{stem}.zarr"))
    assert poses.attributes["config"]["precision"] == "float32"
    assert poses.attributes["project"]["shuffle"] == 1
    assert poses.attributes["batch_size"] == 4


def test_one_bad_video_does_not_stop_the_others(run, video, make_video, tmp_path, capsys):
    folder = tmp_path / "videos"
    make_video(folder / "a good one.mp4", 12)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    make_video(folder / "late é=1.mp4", 12)
    outcome = run_analyze(run, folder, tmp_path / "absent.mp4", exporter="[]", videotype="mp4")
    assert outcome.failed == 2
    failed = [result for result in outcome.data["videos"] if "error" in result]
    assert {name.rsplit("/")[-1] for name in (result["video"] for result in failed)} == {"broken.mp4", "absent.mp4"}
    assert len(list(folder.glob("*.zarr"))) == 2
    assert "2 of 4 analyses failed" in capsys.readouterr().err


@pytest.mark.parametrize("debug", [True, False])
def test_a_network_that_fails_on_one_video_does_not_stop_the_others(
    run, make_video, tmp_path, capsys, monkeypatch, debug
):
    from torch.nn.modules.module import register_module_forward_pre_hook

    def fail(_module, inputs):
        if inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].shape[-1] == 112:
            raise RuntimeError("an operator of this network failed")

    monkeypatch.setattr(console, "_tracebacks", debug)
    videos = [make_video(tmp_path / "a.mp4", 6, width=112), make_video(tmp_path / "b.mp4", 6)]
    handle = register_module_forward_pre_hook(fail)
    try:
        outcome = run_analyze(run, *videos, exporter="[]")
    finally:
        handle.remove()
    bad, good = outcome.data["videos"]
    assert (outcome.failed, good["new_frames"]) == (1, 6)
    assert "a.mp4: the network first fails on a batch of 4 frame(s): RuntimeError: an operator" in bad["error"]
    assert ("Traceback" in capsys.readouterr().err) is debug


def test_destfolder_crop_and_batch_size(run, video, tmp_path):
    outcome = run_analyze(
        run, video, destfolder=f"'{tmp_path / 'out put'}'", crop="'10,90,0,60'", batch_size=7, exporter="csv"
    )
    assert outcome.failed == 0
    (store,) = (tmp_path / "out put").glob("*.zarr")
    poses = PoseFile.open(store)
    assert poses.crop == Crop(10, 90, 0, 60)
    assert poses.attributes["batch_size"] == 7
    assert not list(video.parent.glob("*.zarr"))


def test_all_snapshots_of_a_run(run, video, make_run):
    make_run(run.folder, seed=1, step=20)
    outcome = run_analyze(run, video, snapshotindex="all", exporter="[]")
    assert [result["scorer"].rsplit("_", 1)[-1] for result in outcome.data["videos"]] == ["10", "20"]
    assert len(list(video.parent.glob("*.zarr"))) == 2


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("device", "tpu", "tpu"),
        ("precision", "float8", "float8"),
        ("batch_size", 0, "batch_size"),
        ("crop", "1", "crop"),
    ],
)
def test_an_option_that_cannot_be_is_one_clear_line(run, video, option, value, what):
    with pytest.raises(ConfigError, match=what):
        run_analyze(run, video, **{option: value})


def test_no_video_and_no_run_are_one_clear_line(run, video, tmp_path):
    with pytest.raises(ConfigError, match="no video"):
        run_analyze(run)
    with pytest.raises(RunError, match="no project here"):
        analyze(None, compose("analyze", [f"run='{tmp_path}'"]), [str(video)])
    with pytest.raises(ConfigError, match="video_sets needs a project"):
        run_analyze(run, video, crop="video_sets")


def test_crops_of_video_sets_belong_to_their_videos(tmp_path, video):
    (tmp_path / "whole.mp4").touch()
    (tmp_path / "config.yaml").write_text(
        "Task: Demo\nscorer: me\ndate: Nov21\nbodyparts: [nose, tail, ear]\nvideo_sets:\n"
        f"  {video}:\n    crop: 1, 5, 2, 6\n  {tmp_path / 'whole.mp4'}:\n    crop: 0, 96, 0, 64\n"
    )
    crops = Crops("video_sets", Project.open(tmp_path))
    assert crops.of(video) == Crop(1, 5, 2, 6)
    assert crops.of(tmp_path / "whole.mp4") == Crop(0, 96, 0, 64)
    with pytest.raises(ConfigError, match="add-videos"):
        crops.of(tmp_path / "other.mp4")


def test_a_copied_run_keeps_working_alone(run, video, tmp_path):
    alone = tmp_path / "usb stick" / "my network"
    shutil.copytree(run.folder, alone)
    outcome = analyze(None, compose("analyze", [f"run='{alone}'", "exporter=[]"]), [str(video)])
    assert outcome.failed == 0
    assert outcome.data["videos"][0]["scorer"] == "DLC_Timm_shuffle1_my network_snapshot_10"


def test_analyzing_again_after_an_interrupted_export_exports(run, video):
    run_analyze(run, video)
    (table,) = video.parent.glob("*.csv")
    before = table.read_text()
    table.unlink()
    run_analyze(run, video)
    assert table.read_text() == before
    poses = PoseFile.open(next(video.parent.glob("*.zarr")))
    assert np.isfinite(poses.load().keypoints).all()


def test_a_store_that_lost_poses_is_not_taken_for_finished_and_its_tables_stay(run, make_video, tmp_path):
    first, second = (make_video(tmp_path / name, 6) for name in ("a.mp4", "b.mp4"))
    assert run_analyze(run, first, second).failed == 0
    (table,), (store,) = tmp_path.glob("a*.csv"), tmp_path.glob("a*.zarr")
    before = table.read_bytes()
    shutil.rmtree(store / "keypoints" / "c")
    bad, good = run_analyze(run, first, second).data["videos"]
    assert "is incomplete" in bad["error"] and "error" not in good
    assert table.read_bytes() == before
    assert run_analyze(run, first, overwrite=True).failed == 0
    assert table.read_bytes() == before


def test_a_file_where_the_poses_would_be_stops_one_video_and_can_be_overwritten(run, make_video, tmp_path):
    first, second = (make_video(tmp_path / name, 6) for name in ("a.mp4", "b.mp4"))
    store = tmp_path / "aDLC_Timm_DemoNov21shuffle1_first_snapshot_10.zarr"
    store.write_text("notes")
    bad, good = run_analyze(run, first, second, exporter="[]").data["videos"]
    assert "is no pose store" in bad["error"] and good["new_frames"] == 6
    assert store.read_text() == "notes"
    assert run_analyze(run, first, exporter="[]", overwrite=True).failed == 0
    assert PoseFile.open(store).frame_count == 6


def test_without_a_video_that_is_there_no_network_is_loaded(run, tmp_path, capsys):
    for snapshot in run.folder.glob("*.ckpt"):
        snapshot.write_bytes(b"whoever reads this fails")
    (tmp_path / "empty").mkdir()
    outcome = run_analyze(run, tmp_path / "nope.mp4", tmp_path / "empty")
    assert outcome.failed == 2
    said = capsys.readouterr()
    assert "Network" not in said.out
    assert "no file or folder" in said.err and "holds no video" in said.err


def test_files_without_a_frame_are_one_line_each_and_do_not_stop_the_others(run, make_video, tmp_path, capsys):
    with av.open(str(tmp_path / "a sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(tmp_path / "nothing.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    make_video(tmp_path / "z.mp4", 6)
    outcome = run_analyze(run, tmp_path / "a sound.mp4", tmp_path / "nothing.avi", tmp_path / "z.mp4", exporter="[]")
    sound, nothing, good = outcome.data["videos"]
    assert "has no video stream" in sound["error"] and "\n" not in sound["error"]
    assert "nothing.avi" in nothing["error"] and "\n" not in nothing["error"]
    assert (outcome.failed, good["new_frames"]) == (2, 6)
    assert capsys.readouterr().err.count("Note: ") == 3  # one each, and the sum
    assert len(list(tmp_path.glob("*.zarr*"))) == 1
