"""The benchmark of the loop runs from beginning to end, on little data, and goes on after an interruption."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.long
def test_the_benchmark_of_the_loop_measures_every_choice_and_repeats_none(repository, small, data_folder, tmp_path):
    result = tmp_path / "result.json"
    command = [sys.executable, str(repository / "benchmarks" / "active_learning.py"), f"--data={data_folder}"]
    command += ["--seeds", "1", "--frames=60", "--first=8", "--added=3", "--steps=2", "--steps-again=2", "--members=2"]
    command += [f"--work={tmp_path / 'work'}", f"--result={result}", "--network", *small]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

    def run(*more: str) -> str:
        done = subprocess.run([*command, *more], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("--experiments", "animal", "--choices", "random", "uncertain")
    run()
    stored = json.loads(result.read_text())
    measured = [(run["experiment"], run["choice"]) for run in stored["runs"]]
    animal = [("animal", choice) for choice in ("random", "uncertain", "jump", "arima", "ensemble")]
    assert measured == [*animal, *(("pool", choice) for choice in ("random", "uncertain", "ensemble"))]
    for found in stored["runs"]:
        assert len(found["new_frames"]) == 3
        assert found["before"]["all"]["mean_px"] > 0
        assert found["after"]["all"]["mean_px"] > 0
    assert set(stored["mean_px"]["animal"]) == {"before", *(choice for _, choice in animal)}
    assert run() == ""  # everything is measured
