"""How many of ten wrong labels stand among the first fifteen suspects of `dlc check-labels detector=label_error`.

Question    Ten of openfield's labels are made wrong: three pairs are swapped within their image (one of them the ears),
            four labels are moved by 20 to 60 px. Networks of five folds are trained on these labels. How many of the
            ten are among the first 15 suspects, and how many would be if labels were ordered by their plain distance
            from the prediction?
Data        openfield-Pranav-2018-10-30: 116 labelled frames 640 x 480, 4 body parts, 464 labels.
Command     python benchmarks/label_errors.py --data ../shared/data
Hardware    any: under 15 minutes a seed on a core. The length is in steps, so load changes nothing.
Seeds       1, 2, 3 (which labels, folds and training); `--add` adds to a result, which says which it holds.
Expected    at least 8 of 10 in every seed. The labels as they are published may have errors, too.

Every step is the command a user would type, in a copy of the project.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from openfield_accuracy import PROJECT, copy_of, dlc  # the scripts of this folder import each other
from result_file import write_result

from dlc_core.labels.files import labelled_folders, read_folder, write_labels
from dlc_core.labels.table import LabelTable
from dlc_core.outliers.suspects import SUSPECTS, read_suspects
from dlc_core.project.project import Project

RESULT = Path(__file__).parent / "results" / "label_errors.json"
FIRST = 15
MOVED_PX = (20.0, 60.0)
Label = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--scale", type=float, default=0.4, help="of the images for the network")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--add", action="store_true", help="keep the runs that the result file already holds")
    arguments = parser.parse_args()
    runs: list[dict[str, Any]] = json.loads(arguments.result.read_text())["runs"] if arguments.add else []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            root = copy_of(arguments.data / PROJECT, Path(folder) / "openfield")
            runs.append({"seed": seed, **measure(root, seed, arguments)})
        print(json.dumps(runs[-1]), flush=True)
        write(arguments, runs)


def measure(root: Path, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Spoil labels, train the folds, and look for the wrong ones among the suspects."""
    wrong = spoil(Project.open(root), np.random.default_rng(seed))
    dlc(root, "create-dataset")
    words = [f"backbone={arguments.backbone}", f"training.steps={arguments.steps}", "training.best_on_test=false"]
    words += [f"preprocessing.global_scale={arguments.scale}"]
    for fold in range(5):
        dlc(root, "train", f"split.fold={fold}", f"run=fold{fold}", f"seed={seed}", *words)
    dlc(root, "check-labels", "draw=false", "detector=label_error", "detector.threshold=0")
    suspects = read_suspects(root / SUSPECTS)
    ranks = {(one.image, one.bodypart): one.rank for one in suspects}
    found = {label: ranks.get(label) for label in wrong}
    return {
        "found": sum(rank is not None and rank <= FIRST for rank in found.values()),
        "found_by_distance": by_distance(root, set(wrong)),
        "suspects": sum(one.score > 1 for one in suspects),
        "labels": [
            {"image": image, "bodypart": part, "wrong": wrong[image, part], "rank": rank}
            for (image, part), rank in found.items()
        ],
        "first": [
            [one.image, one.bodypart, one.reason, one.score, (one.image, one.bodypart) in wrong]
            for one in suspects[:FIRST]
        ],
    }


def spoil(project: Project, generator: np.random.Generator) -> dict[Label, str]:
    """Make ten labels wrong, each in an image of its own or in a pair; return them with what was done."""
    (folder,) = labelled_folders(project)
    table = read_folder(folder, project.scorer)
    points = np.array(table.keypoints)
    ears = (table.bodyparts.index("leftear"), table.bodyparts.index("rightear"))
    wrong: dict[Label, str] = {}
    for number, row in enumerate(generator.permutation(len(table.images))[:7].tolist()):
        image = table.images[row]
        if number < 3:
            one, other = ears if number == 0 else generator.choice(len(table.bodyparts), 2, replace=False).tolist()
            points[row, 0, [one, other]] = points[row, 0, [other, one]]
            wrong[image, table.bodyparts[one]] = wrong[image, table.bodyparts[other]] = "swapped"
        else:
            part, angle = int(generator.integers(len(table.bodyparts))), generator.uniform(0, 2 * np.pi)
            length = generator.uniform(*MOVED_PX)
            points[row, 0, part] += length * np.array([np.cos(angle), np.sin(angle)])
            wrong[image, table.bodyparts[part]] = f"moved by {length:.0f} px"
    write_labels(LabelTable(table.scorer, table.images, table.bodyparts, points), folder)
    return wrong


def by_distance(root: Path, wrong: set[Label]) -> int:
    """Return how many of the wrong labels are among the first if they are ordered by their distance in pixels."""
    from dlc_core.labels.files import read_project_labels
    from dlc_core.outliers.fold_runs import find_fold_runs
    from dlc_core.outliers.out_of_fold import predict_out_of_fold
    from dlc_core.project.address import RunAddress

    project = Project.open(root)
    labels, address = read_project_labels(project), RunAddress()
    found = predict_out_of_fold(project, find_fold_runs(project, address), labels.images, address)
    distance = np.linalg.norm(labels.keypoints - found.poses.keypoints[:], axis=-1)[:, 0]
    order = np.argsort(-np.nan_to_num(distance), axis=None)[:FIRST]
    rows, parts = np.unravel_index(order, distance.shape)
    return len(wrong & {(labels.images[row], labels.bodyparts[part]) for row, part in zip(rows, parts, strict=True)})


def write(arguments: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    budgets = {key: getattr(arguments, key) for key in ("steps", "backbone", "scale")}
    write_result(
        arguments.result,
        ("torch", "timm", "scikit-learn"),
        config={**budgets, "first": FIRST, "moved_px": MOVED_PX},
        runs=runs,
    )


if __name__ == "__main__":
    main()
