"""How exact a network is after six minutes of training on two CPU cores.

Question    Mean Euclidean test error on openfield after `training.minutes=6`, last snapshot, random 80/20 splits:
            the default recipe from ImageNet weights, the same from random weights, and experiment=deeplabcut2018.
Data        openfield-Pranav-2018-10-30: 116 labelled frames 640 x 480, 4 body parts.
Command     python benchmarks/openfield_accuracy.py --data ../shared/data
Hardware    2 cores, no GPU, otherwise idle; the JSON says which.
Seeds       1, 2, 3 (split and training).
Expected    default recipe <= 6 px in every seed and below both others; a gap of 1-2 px is noise with 24 test frames.

Every training and evaluation is the command a user would type, in a copy of the project.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from result_file import write_result

PROJECT = "openfield-Pranav-2018-10-30"
RESULT = Path(__file__).parent / "results" / "openfield_accuracy.json"
RECIPES = {
    "default": [],
    "random_weights": ["backbone.pretrained=false"],
    "deeplabcut2018": ["experiment=deeplabcut2018"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--add", action="store_true", help="keep the runs that the result file already holds")
    arguments = parser.parse_args()
    runs: list[dict[str, Any]] = json.loads(arguments.result.read_text())["runs"] if arguments.add else []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            project = copy_of(arguments.data / PROJECT, Path(folder) / "openfield")
            dlc(project, "create-dataset", f"seed={seed}")
            for recipe in arguments.recipes:
                runs.append(measure(project, recipe, seed, arguments))
                print(json.dumps(runs[-1]), flush=True)
                write(arguments, runs)


def copy_of(source: Path, target: Path) -> Path:
    """Copy the project and give it 20 % of test frames."""
    shutil.copytree(source, target)
    config = target / "config.yaml"
    config.chmod(0o644)
    config.write_text(config.read_text().replace("- 0.95", "- 0.8"))
    return target


def measure(project: Path, recipe: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and evaluate once."""
    words = [f"backbone={arguments.backbone}", f"training.minutes={arguments.minutes}", f"seed={seed}", f"run={recipe}"]
    started = time.monotonic()
    trained = dlc(project, "train", *RECIPES[recipe], *words, "training.best_on_test=false")
    seconds = time.monotonic() - started
    (run,) = dlc(project, "evaluate", f"run={recipe}")["runs"]
    ((_, snapshot),) = run["snapshots"].items()
    return {
        "recipe": recipe,
        "seed": seed,
        "steps": trained["total_steps"],
        "train_wall_s": round(seconds, 1),
        "test_mean_px": snapshot["test"]["mean_px"],
        "train_mean_px": snapshot["train"]["mean_px"],
    }


def dlc(project: Path, *words: str) -> dict[str, Any]:
    """Run a command in the project and return what it prints as JSON."""
    command = [sys.executable, "-m", "dlc_core", words[0], "--json", *words[1:]]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write(arguments: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    errors = {recipe: [run["test_mean_px"] for run in runs if run["recipe"] == recipe] for recipe in RECIPES}
    write_result(
        arguments.result,
        ("torch", "timm", "pytorch-lightning"),
        config={"minutes": arguments.minutes, "backbone": arguments.backbone},
        test_mean_px={
            recipe: {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
            for recipe, values in errors.items()
            if values
        },
        runs=runs,
    )


if __name__ == "__main__":
    main()
