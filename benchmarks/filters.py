"""How far real tracks are from where their body parts are, before and after each filter.

Question    Does a filter bring a network's tracks closer to the truth, as they are, and with detections gone astray?
Data        eks: predictions of several networks on a mouse with a mirror, a pupil and a fly (Lightning Pose), 500 or
            1000 frames each. The first network is filtered; the truth is the median of the others, where they are sure
            (likelihood at least 0.5 in each).
Errors      "as analysed": none besides the network's own. "misses": 20 times a keypoint lies somewhere in the image for
            1 to 5 frames, with a likelihood that the network gave to its own worst points (`benchmarks/outliers.py`).
Command     python benchmarks/filters.py --data ../shared/data
Hardware    any; some ten minutes on one core, nearly all of it ARIMA fits. Nothing here depends on speed.
Seeds       11, 12, 13 (where the misses are).
Expected    the table in docs/filters.md, which `--table` makes of the JSON: mean and 95th percentile of the distance.

All filters have their default options. The peers share training data with the network, so that errors common to all
networks are invisible: differences between filters mean something, the level of the errors less so.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from outliers import TRACKS, Points, Track, inject
from result_file import write_result

from dlc_core.filtering.structures import Track as Trajectory
from dlc_core.plugin_api.discovery import load_plugins

RESULT = Path(__file__).parent / "results" / "filters.json"
FILTERS = ("none", "median", "arima", "savgol", "kalman")
ENSEMBLES = ("mirror-mouse", "pupil", "fly")
SURE = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12, 13])
    parser.add_argument("--filters", nargs="+", default=list(FILTERS))
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true", help="print the table of the result file and measure nothing")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.result.read_text())))
        return
    runs = []
    for name in ENSEMBLES:
        track = TRACKS[name](arguments.data)
        for seed in (None, *arguments.seeds):
            values = track.values[0] if seed is None else inject(track, "miss", np.random.default_rng(seed))[0]
            for smoother in arguments.filters:
                found = errors(smoothed(values, smoother), track)
                runs.append({"track": name, "seed": seed, "filter": smoother, **found})
                print(json.dumps(runs[-1]), flush=True)
            write(arguments, runs)


def smoothed(values: Points, name: str) -> Points:
    """Return the points of all tracks, (frames, individuals, keypoints, 2), filtered with default options."""
    points = values[..., :2].copy()
    if name == "none":
        return points
    smoother = load_plugins().registry("filter").build({"name": name})
    for pair in np.ndindex(values.shape[1:3]):
        part = values[:, *pair]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # fits that did not converge
            track = Trajectory(part[:, :2].copy(), part[:, 2].astype(np.float32), np.nan)
            points[:, *pair] = smoother.filter(track).points
    return points


def errors(points: Points, track: Track) -> dict[str, float]:
    """Return mean and 95th percentile of the distance to the median of the peers, and which share has no point."""
    peers = track.values[1:]
    sure = peers[..., 2].min(axis=0) >= SURE
    distance = np.linalg.norm(points - np.median(peers[..., :2], axis=0), axis=-1)[sure]
    there = distance[np.isfinite(distance)]
    return {
        "mean": round(float(there.mean()), 3),
        "p95": round(float(np.percentile(there, 95)), 3),
        "absent": round(1 - len(there) / len(distance), 5),
    }


def write(arguments: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    write_result(
        arguments.result,
        ("numpy", "scipy", "statsmodels"),
        config={"sure": SURE, "filters": arguments.filters},
        seeds=arguments.seeds,
        runs=runs,
    )


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown: mean / 95th percentile in pixels, mean over seeds."""
    rows = ["| track | errors | " + " | ".join(FILTERS) + " |", "|" + "---|" * (len(FILTERS) + 2)]
    for track in ENSEMBLES:
        for kind in ("as analysed", "misses"):
            cells = []
            for name in FILTERS:
                found = [
                    run
                    for run in result["runs"]
                    if (run["track"], run["filter"], run["seed"] is None) == (track, name, kind == "as analysed")
                ]
                cells.append(" / ".join(f"{mean(run[key] for run in found):.2f}" for key in ("mean", "p95") if found))
            rows.append(f"| {track} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
