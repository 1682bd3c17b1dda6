"""The command line as a person uses it: child processes in a project made from a generated video."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dlc_core.demo.generate import Truth, generate_video

SMALL = (
    "backbone=timm",
    "backbone.model=test_resnet.r160_in1k",
    "backbone.pretrained=false",
    "preprocessing.global_scale=1.0",
    "preprocessing.min_input_size=32",
    "training.batch_size=2",
    "trainer.accelerator=cpu",
)
"""A network of 0.4 million parameters: what is tested is the way through the program, not the accuracy."""

Dlc = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return overrides that make training fast."""
    return SMALL


@pytest.fixture(scope="session")
def dlc() -> Dlc:
    """Return ``dlc(folder, *words, code=0, sites=())``: run the command there and expect that exit code."""

    def run(
        folder: Path, *words: object, code: int = 0, sites: tuple[Path, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([*map(str, sites), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "dlc_core", *map(str, words)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """Return a video of 40 frames whose name needs care, and the true keypoints."""
    path = tmp_path_factory.mktemp("camera") / "Mäuse run=1, left.mp4"
    return path, generate_video(path, frames=40, height=96, width=128, seed=1)


@pytest.fixture(scope="session")
def labelled(dlc: Dlc, video: tuple[Path, Truth], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project made by the commands, its frames labelled with the truth, with a training set."""
    import re

    from dlc_core.labels.files import write_csv
    from dlc_core.labels.table import LabelTable

    path, truth = video
    folder = tmp_path_factory.mktemp("work")
    dlc(folder, "create-project", "walk", "ada", path, "--bodyparts", ",".join(truth.names))
    (root,) = folder.glob("walk-ada-*")
    dlc(root, "extract-frames", "n=12", "selector=uniform")
    (frames,) = (root / "labeled-data").iterdir()
    images = sorted(frames.glob("img*.png"))
    indices = [int(re.findall(r"\d+", image.stem)[-1]) for image in images]
    names = tuple(f"labeled-data/{frames.name}/{image.name}" for image in images)
    table = LabelTable("ada", names, tuple(truth.names), truth.keypoints[indices].astype(float))
    write_csv(table, frames / "CollectedData_ada.csv")
    return root


@pytest.fixture(scope="session")
def with_dataset(dlc: Dlc, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the labelled project with two shuffles."""
    root = Path(shutil.copytree(labelled, tmp_path_factory.mktemp("dataset") / labelled.name))
    with (root / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("\n")
    text = (root / "config.yaml").read_text(encoding="utf-8").replace("- 0.95", "- 0.75")
    (root / "config.yaml").write_text(text, encoding="utf-8")
    dlc(root, "create-dataset", "num_shuffles=2")
    return root


@pytest.fixture
def project(with_dataset: Path, tmp_path: Path) -> Path:
    """Return a project of the test's own, ready to train."""
    return Path(shutil.copytree(with_dataset, tmp_path / with_dataset.name, symlinks=True))


@pytest.fixture(scope="session")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip installed the two third-party packages."""
    site, build = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("build")
    copies = [
        shutil.copytree(repository / "tests" / name, build / name) for name in ("example_plugin", "window_head_plugin")
    ]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(site), *map(str, copies)], check=True, capture_output=True)
    return site
