"""The notebooks run from top to bottom as they stand there; only the video and the training are told to be short."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

NOTEBOOKS = ("demo", "own_data")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_runs_from_top_to_bottom(repository, small, name, tmp_path):
    notebook = shutil.copy(repository / "docs" / "notebooks" / f"{name}.ipynb", tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"},
        "DLC_NOTEBOOK_FOLDER": str(work),
        "DLC_NOTEBOOK_FRAMES": "40",
        "DLC_NOTEBOOK_LABELLED": "10",
        "DLC_NOTEBOOK_OUTLIERS": "3",
        "DLC_NOTEBOOK_TRAINING": " ".join([*small, "training.steps=2"]),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "nbmake.pytest_plugin", "-p", "no:cacheprovider"]
    command += ["--nbmake", "--nbmake-timeout=120", "-c", os.devnull, f"--rootdir={tmp_path}", str(notebook)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    (config,) = work.glob("*/config.yaml")
    assert "\niteration: 1\n" in config.read_text(encoding="utf-8")
    assert list(config.parent.glob("dlc-models-core/iteration-1/*/second/snapshot_*.ckpt"))


def test_every_notebook_is_run_and_holds_no_output(repository):
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in repository.glob("docs/**/*.ipynb")}
    assert set(found) == set(NOTEBOOKS)
    for content in found.values():
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == []
                assert cell["execution_count"] is None
