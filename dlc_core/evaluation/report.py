"""What an evaluation leaves behind: csv files with the columns that DeepLabCut's users know, JSON, a table for people.

In the csv files, whose columns docs/files.md explains, ``train rmse`` and ``test rmse`` hold what DeepLabCut stores
under these names, the mean Euclidean distance; the root of the mean squared distance stands in
``train root mean square`` and ``test root mean square``.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.errors import DataError
from dlc_core.evaluation.metrics import Scores
from dlc_core.evaluation.predictions import ImagePoses
from dlc_core.files import check_name, write_text
from dlc_core.labels.csv_file import split_name
from dlc_core.labels.h5_table import object_index, write_table
from dlc_core.skeleton import Skeleton

SELECTED_ON_TEST = "selected on test"
_FORMAT = "dlc-core evaluation 1"


@dataclass(frozen=True)
class Evaluation:
    """The scores of one saved step of one run.

    Parameters
    ----------
    run : str
        Name of the run.
    shuffle, trainingsetindex : int
        Its training set.
    fraction : float
        The entry of TrainingFraction.
    snapshot : str
        Name of the snapshot.
    step : int
        Optimiser steps done.
    selected_on_test : bool
        Whether the snapshot was chosen for its error on the test images: then that error is no fair estimate.
    scorer : str
        Name of the network's predictions.
    pcutoff : float
        From which likelihood on a point counted as confident.
    parts : mapping of str to Scores
        ``train``, ``test``, and ``validation`` if the split has one.
    curves : mapping of str to list of float
        Share of correct keypoints by part, at the thresholds ``threshold_px``.
    """

    run: str
    shuffle: int
    trainingsetindex: int
    fraction: float
    snapshot: str
    step: int
    selected_on_test: bool
    scorer: str
    pcutoff: float
    parts: Mapping[str, Scores]
    curves: Mapping[str, list[float]]

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{self.scorer}_{SELECTED_ON_TEST.replace(' ', '_')}" if self.selected_on_test else self.scorer

    @property
    def label(self) -> str:
        """The snapshot's name for people, marked if it was chosen on the test images."""
        return f"{self.snapshot} ({SELECTED_ON_TEST})" if self.selected_on_test else self.snapshot


def as_json(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return what ``dlc evaluate --json`` prints; a measure that is not defined is null."""
    runs: dict[tuple[str, int, int], dict[str, Any]] = {}
    for one in evaluations:
        entry = runs.setdefault(
            (one.run, one.shuffle, one.trainingsetindex),
            {"run": one.run, "shuffle": one.shuffle, "trainingsetindex": one.trainingsetindex, "snapshots": {}},
        )
        entry["snapshots"][one.snapshot] = _snapshot_as_dict(one)
    return {"runs": list(runs.values())}


def write_reports(evaluation: Evaluation, poses: ImagePoses, skeleton: Skeleton, folder: Path) -> list[Path]:
    """Write the files of one evaluation and return them.

    ``<scorer>-results.csv``, ``<scorer>-keypoint-results.csv``, ``<scorer>-results.json`` and the poses themselves,
    ``<scorer>.h5`` in DeepLabCut's layout. The names of a snapshot that was chosen on the test images say so.

    Raises
    ------
    DiskError
        The disk is full or read-only, or the scorer's name is too long for a file.
    """
    stem = evaluation.stem
    check_name(folder / f"{stem}-keypoint-results.csv", "Use a shorter run=")
    files = [folder / f"{stem}{end}" for end in ("-results.csv", "-keypoint-results.csv", "-results.json", ".h5")]
    write_text(files[0], _csv([_results_row(evaluation)]))
    write_text(files[1], _keypoint_csv(evaluation))
    stored = {
        "format": _FORMAT,
        "run": evaluation.run,
        "shuffle": evaluation.shuffle,
        "trainingsetindex": evaluation.trainingsetindex,
        "fraction": evaluation.fraction,
        "snapshot": evaluation.snapshot,
        "scorer": evaluation.scorer,
        "row": _results_row(evaluation),
        **_snapshot_as_dict(evaluation),
        "pck_curve": {key: [_number(value) for value in values] for key, values in evaluation.curves.items()},
    }
    write_text(files[2], json.dumps(stored, indent=1, ensure_ascii=False, allow_nan=False))
    _write_h5(poses, skeleton, evaluation.scorer, files[3])
    return files


def write_combined(models_folder: Path) -> Path:
    """Write ``CombinedEvaluation-results.csv``, one row for every evaluation below `models_folder`, and return it.

    It is made from the JSON files of the evaluations each time, so that evaluations in parallel lose no row.
    """
    rows = []
    for file in sorted(models_folder.glob("**/evaluation/*-results.json")):
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as exc:
            raise DataError(f"{file} is damaged ({exc}). Delete it, or evaluate its run again.") from exc
        if stored.get("format") == _FORMAT:
            rows.append(stored["row"])
    rows.sort(key=lambda row: (row["%Training dataset"], row["Shuffle number"], row["run"], row["Training iterations"]))
    path = models_folder / "CombinedEvaluation-results.csv"
    write_text(path, _csv(rows))
    return path


def table(evaluations: Sequence[Evaluation], pck_threshold: float) -> list[str]:
    """Return the lines of a table for people: one row per snapshot and part, with the run if there are several."""
    header = ["snapshot", "part", "points", "mean px", "RMSE px", "mean px >= p", "points >= p"]
    several = len({one.run for one in evaluations}) > 1
    rows = [[*["run"] * several, *header, f"PCK@{pck_threshold:g}px %", "AUROC"]]
    for one in evaluations:
        for index, (part, scores) in enumerate(one.parts.items()):
            rows.append(
                [
                    *[one.run if index == 0 else ""] * several,
                    one.label if index == 0 else "",
                    part,
                    str(scores.points),
                    _text(scores.mean_px),
                    _text(scores.rmse_px),
                    _text(scores.mean_px_pcutoff),
                    str(scores.points_pcutoff),
                    _text(100 * scores.pck.get(pck_threshold, math.nan), 1),
                    _text(scores.auroc, 3),
                ]
            )
    return _aligned(rows, left=3 if several else 2)


def footnotes(evaluations: Sequence[Evaluation], pck_threshold: float) -> list[str]:
    """Return what the columns of the tables mean, for people."""
    lines = [
        "mean px: mean Euclidean error in pixels of the images (in the csv files rmse, as in DeepLabCut's)",
        "RMSE px: root of the mean squared error (in the csv files root mean square)",
        f"p: pcutoff={evaluations[0].pcutoff:g}; PCK: share of the labelled points at most {pck_threshold:g} px off",
    ]
    if any(not math.isfinite(scores.auroc) for one in evaluations for scores in one.parts.values()):
        lines.append(
            "AUROC -: every point is labelled, or none, so there is nothing that the likelihood could tell apart"
        )
    return lines


def bodypart_table(evaluation: Evaluation) -> list[str]:
    """Return the lines of a table for people: the mean error of each body part."""
    parts = list(evaluation.parts)
    rows = [["body part", *(f"{part} mean px" for part in parts), *(f"{part} >= p" for part in parts)]]
    for name in next(iter(evaluation.parts.values())).per_bodypart:
        scores = [evaluation.parts[part].per_bodypart[name] for part in parts]
        rows.append([name, *(_text(s.mean_px) for s in scores), *(_text(s.mean_px_pcutoff) for s in scores)])
    return _aligned(rows, left=1)


def _snapshot_as_dict(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "step": evaluation.step,
        "selected_on_test": evaluation.selected_on_test,
        "pcutoff": evaluation.pcutoff,
        **{part: _scores_as_dict(scores) for part, scores in evaluation.parts.items()},
    }


def _scores_as_dict(scores: Scores) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "points": scores.points,
        "points_pcutoff": scores.points_pcutoff,
        "mean_px": _number(scores.mean_px),
        "rmse_px": _number(scores.rmse_px),
        "mean_px_pcutoff": _number(scores.mean_px_pcutoff),
        "rmse_px_pcutoff": _number(scores.rmse_px_pcutoff),
        "pck": {f"{threshold:g}": _number(share) for threshold, share in scores.pck.items()},
        "auroc": _number(scores.auroc),
    }
    if scores.per_bodypart:
        plain["per_bodypart"] = {name: _scores_as_dict(one) for name, one in scores.per_bodypart.items()}
    return plain


def _results_row(evaluation: Evaluation) -> dict[str, Any]:
    row: dict[str, Any] = {
        "%Training dataset": int(100 * evaluation.fraction),
        "Shuffle number": evaluation.shuffle,
        "Training iterations": evaluation.step,
        "pcutoff": evaluation.pcutoff,
    }
    for part, scores in evaluation.parts.items():
        row[f"{part} rmse"] = _number(scores.mean_px)
        row[f"{part} rmse_pcutoff"] = _number(scores.mean_px_pcutoff)
    for part, scores in evaluation.parts.items():
        row[f"{part} root mean square"] = _number(scores.rmse_px)
        row[f"{part} root mean square_pcutoff"] = _number(scores.rmse_px_pcutoff)
        row.update({f"{part} PCK@{at:g}px": _number(share) for at, share in scores.pck.items()})
        row[f"{part} AUROC"] = _number(scores.auroc)
    return {
        **row,
        "run": evaluation.run,
        "snapshot": evaluation.snapshot,
        "selected_on_test": evaluation.selected_on_test,
    }


def _keypoint_csv(evaluation: Evaluation) -> str:
    rows = []
    for title, attribute in (("error (px)", "mean_px"), ("error with pcutoff (px)", "mean_px_pcutoff")):
        for part, scores in evaluation.parts.items():
            values = {name: _number(getattr(one, attribute)) for name, one in scores.per_bodypart.items()}
            rows.append({"Error type": f"{part.capitalize()} {title}", **values})
    return _csv(rows)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _write_h5(poses: ImagePoses, skeleton: Skeleton, scorer: str, path: Path) -> None:
    """Write poses as DeepLabCut stores predictions on labelled images: one row an image."""
    import pandas as pd

    several = len(skeleton.individuals) > 1
    heads = [
        (scorer, *((individual,) if several else ()), keypoint)
        for i, individual in enumerate(skeleton.individuals)
        for k, keypoint in enumerate(skeleton.keypoints)
        if skeleton.exists[i, k]
    ]
    names = ["scorer", *(["individuals"] if several else []), "bodyparts", "coords"]
    columns = object_index([(*head, coordinate) for head in heads for coordinate in ("x", "y", "likelihood")], names)
    values = np.concatenate([poses.keypoints, poses.likelihood[..., None]], axis=-1)[:, skeleton.exists]
    index = object_index([split_name(name, 3) for name in poses.names], [None] * 3)
    write_table(pd.DataFrame(values.reshape(len(values), -1), index=index, columns=columns), path)


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def _text(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
