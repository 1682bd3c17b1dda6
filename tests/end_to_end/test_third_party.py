"""Packages of third parties through the whole program: a backbone, and a head that looks at three frames."""

from __future__ import annotations

import json

import pandas as pd
import yaml


def test_a_third_party_backbone_trains_evaluates_analyses_and_is_shown(dlc, project, site, video, tmp_path):
    fast = ["training.steps=3", "preprocessing.min_input_size=32", "trainer.accelerator=cpu", "training.batch_size=2"]
    dlc(project, "train", "backbone=tiny_conv", "backbone.width=8", *fast, "run=tiny", sites=(site,))
    evaluated = json.loads(dlc(project, "evaluate", "--json", sites=(site,)).stdout)
    assert evaluated["runs"][0]["run"] == "tiny"
    dlc(project, "analyze", video[0], f"destfolder={tmp_path}", sites=(site,))
    (h5,) = tmp_path.glob("*.h5")
    assert "DLC_TinyConv" in h5.name
    assert "tiny_conv" in dlc(project, "train", "--help", sites=(site,)).stdout
    assert "dlc-example" in dlc(project, "plugins", sites=(site,)).stdout
    sweep = ["backbone=tiny_conv,tiny_conv_wide", "sweep=tiny sweep", "--json"]
    swept = json.loads(dlc(project, "train", "-m", *sweep, *fast, sites=(site,)).stdout)
    assert [job["exit_code"] for job in swept["jobs"]] == [0, 0]
    runs = project.glob("dlc-models-core/iteration-0/*/tiny sweep/*/config.yaml")
    widths = [yaml.safe_load(path.read_text(encoding="utf-8"))["backbone"]["width"] for path in runs]
    assert sorted(widths) == [16, 32]
    missing = dlc(project, "evaluate", "run=tiny", code=2)
    assert "tiny_conv" in missing.stderr
    assert "dlc-example" in missing.stderr


def test_a_head_with_a_window_of_three_frames_trains_from_and_analyses_a_video(dlc, project, site, video, tmp_path):
    words = ["backbone=tiny_conv", "head=window3", "training.steps=3", "training.batch_size=2", "run=window"]
    dlc(project, "train", *words, "preprocessing.min_input_size=32", "trainer.accelerator=cpu", sites=(site,))
    dlc(project, "evaluate", sites=(site,))
    dlc(project, "analyze", video[0], f"destfolder={tmp_path}", sites=(site,))
    (h5,) = tmp_path.glob("*.h5")
    assert len(pd.read_hdf(h5)) == 40


def test_a_window_without_its_video_is_an_error_before_the_first_step(dlc, project, site):
    for link in (project / "videos").iterdir():
        link.unlink()
    config = yaml.safe_load((project / "config.yaml").read_text(encoding="utf-8"))
    assert config["video_sets"]
    text = (project / "config.yaml").read_text(encoding="utf-8")
    (project / "config.yaml").write_text(text.replace("Mäuse run=1, left.mp4", "gone.mp4"), encoding="utf-8")
    done = dlc(project, "train", "backbone=tiny_conv", "head=window3", "training.steps=3", code=2, sites=(site,))
    assert "window" in done.stderr or "video" in done.stderr
    assert not list(project.rglob("log.csv"))
