"""The whole protocol by its commands, on a real video file whose name has spaces, '=', a comma and an umlaut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd


def test_the_protocol_from_a_video_to_poses_pictures_and_a_labelled_video(dlc, project, small, video, tmp_path):
    path, _truth = video
    checked = dlc(project, "check-labels")
    assert "Next: dlc create-dataset" in checked.stdout
    trained = dlc(project, "train", *small, "training.steps=4", "training.display_iters=2", "run=a b=1")
    assert "Next: dlc evaluate" in trained.stdout

    evaluated = json.loads(dlc(project, "evaluate", "--json", "plotting=true", "run=a b=1").stdout)
    (run,) = evaluated["runs"]
    assert (run["run"], run["shuffle"], run["trainingsetindex"]) == ("a b=1", 1, 0)
    (snapshot,) = run["snapshots"].values()
    assert snapshot["step"] == 4
    assert snapshot["selected_on_test"] is False
    for part in ("train", "test"):
        assert {"mean_px", "rmse_px", "mean_px_pcutoff", "pck", "per_bodypart"} <= set(snapshot[part])
        assert 0 < snapshot[part]["mean_px"] <= snapshot[part]["rmse_px"]
    assert len(list(project.glob("dlc-models-core/**/LabeledImages_*/T*.png"))) == 12

    results = tmp_path / "results of today"
    dlc(project, "analyze", path, f"destfolder={results}", "exporter=[h5,csv]", 'exporters.csv.sep=";"')
    (h5,) = results.glob("*.h5")
    assert h5.name.startswith(path.stem + "DLC_")
    table = pd.read_hdf(h5, "df_with_missing")
    assert table.shape == (40, 18)
    assert table.columns.names == ["scorer", "bodyparts", "coords"]
    (csv,) = results.glob("*.csv")
    assert csv.read_text(encoding="utf-8").splitlines()[0].startswith("scorer;")
    again = dlc(project, "analyze", path, f"destfolder={results}")
    assert "already" in again.stdout + again.stderr

    dlc(project, "export", path, f"destfolder={results}", "exporter=deeplabcut")
    assert len(list(results.glob("*.h5"))) == 2
    dlc(project, "plot", path, f"destfolder={results}")
    assert {file.name for file in results.rglob("*.png")} >= {"hist.png", "plot.png", "plot-likelihood.png"}
    dlc(project, "label-video", path, f"destfolder={results}")
    (video_file,) = results.glob("*_labeled.mp4")
    from dlc_core.video.reader import VideoReader

    with VideoReader(video_file) as reader:
        assert reader.frame_count == 40

    options = (f"destfolder={results}", "detector=uncertain", "detector.p_bound=1", "n=3", "bodyparts=[snout,tailtip]")
    outliers = json.loads(dlc(project, "extract-outliers", path, *options, "--yes", "--json").stdout)
    (found,) = outliers["videos"]
    assert found["outliers"] == 40 and found["candidates"] == 28 and len(found["frames"]) == 3
    machine = pd.read_hdf(found["machine_labels"], "df_with_missing")
    assert [row[:2] for row in machine.index] == [("labeled-data", path.stem)] * 3
    poses = table.loc[found["frames"]].droplevel("scorer", axis=1)
    np.testing.assert_allclose(machine.droplevel("scorer", axis=1).to_numpy(), poses.to_numpy(), atol=0.01)


def test_a_run_can_analyse_a_video_outside_any_project(dlc, project, small, video, tmp_path):
    trained = json.loads(dlc(project, "train", "--json", *small, "training.steps=2", "run=one").stdout)
    folder = trained["run"] if Path(str(trained.get("run", ""))).is_dir() else next(project.rglob("one"))
    dlc(tmp_path, "analyze", f"run={folder}", video[0], f"destfolder={tmp_path}")
    assert list(tmp_path.glob("*.h5"))
    outside = dlc(tmp_path, "analyze", video[0], code=2)
    assert str(tmp_path) in outside.stderr


def test_a_taken_run_is_refused_before_anything_is_written(dlc, project, small):
    dlc(project, "train", *small, "training.steps=2", "run=one")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "dlc-models" in str(path)}
    taken = dlc(project, "train", *small, "training.steps=2", "run=one", code=2)
    assert "resume=true" in taken.stderr
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and "dlc-models" in str(path)}
    assert after == before


def test_the_python_functions_of_the_paper_do_the_same(project, small, video, tmp_path, monkeypatch):
    import dlc_core as dlc

    monkeypatch.chdir(tmp_path)
    config = project / "config.yaml"
    dlc.train_network(config, maxiters=2, displayiters=1, overrides=small)
    (outcome,) = dlc.evaluate_network(config, plotting=False)
    assert outcome.data["runs"][0]["snapshots"]
    dlc.analyze_videos(config, [video[0]], destfolder=tmp_path, save_as_csv=True)
    dlc.plot_trajectories(config, [video[0]], destfolder=tmp_path)
    dlc.create_labeled_video(config, [video[0]], destfolder=tmp_path, draw_skeleton=True, trailpoints=3)
    assert {path.suffix for path in tmp_path.iterdir()} >= {".h5", ".csv", ".zarr", ".mp4"}
    composed = dlc.compose(["backbone=resnet101"], config=config)
    assert composed.config.backbone.model.startswith("resnet101")
    assert np.isfinite(composed.config.optimizer.lr)
