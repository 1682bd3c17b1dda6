"""Which frames the outlier detectors put first, when real tracks get errors of known kinds.

Question    Of the 20 frames that a detector finds worst, how many hold an injected error (precision), and how many of
            20 injected errors have a frame among them (recall)?
Data        eks: predictions of 3 to 5 networks on a mouse with a mirror, a pupil and a fly (Lightning Pose);
            sleap-tests: proofread tracks of two flies. Real tracks, 500 or 1000 frames each.
Errors      20 a run, of one kind, each of one keypoint for 1 to 5 frames (S: RMS distance of the keypoints from their
            centre, median over frames):
            jitter     the keypoint lies 0.15 to 0.3 S beside its place, another place in each frame
            inversion  it is where its left-right counterpart is (or the next keypoint, where there is none)
            swap       it is where the same keypoint of the other animal, or of the other view, is
            miss       it is somewhere in the image, at least 1 S away
            The likelihood stays what it was (jitter), is that of the keypoint taken for it (inversion, swap), or is one
            of those the network gave to its own 20 worst points, as its peers see them (miss).
Command     python benchmarks/outliers.py --data ../shared/data
Hardware    any; about ten minutes on one core, nearly all of it ARIMA fits. Nothing here depends on speed.
Seeds       11, 12, 13 (which keypoints and frames, and the order of equal scores).
Expected    the table in docs/outliers.md, which `--table` makes of the JSON.

The main network has errors of its own. A frame in which it is more than 0.3 S from the median of its peers counts
neither for nor against a detector.

`label_error` has another task than the others, so its column cannot be compared with theirs: it judges labels, not
tracks. Its errors are in the labels of 200 frames (the median of the networks where all are sure, one frame an error),
and one network of the ensemble judges them. Its constants, above all its heavy tail (3 degrees of freedom, of 2.5, 3
and 4), were chosen on these very tracks, with the errors of other seeds, so its figures are optimistic.
`benchmarks/label_errors.py` is the independent test: other data, and networks that were trained on the wrong labels.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_file import write_result

from dlc_core.inference.pose_file import PoseFile
from dlc_core.outliers.structures import DetectorInput
from dlc_core.plugin_api.discovery import load_plugins
from dlc_core.skeleton import Skeleton

RESULT = Path(__file__).parent / "results" / "outliers.json"
DETECTORS = ("uncertain", "jump", "arima", "ensemble", "label_error")
KINDS = ("jitter", "inversion", "swap", "miss")
ERRORS, PICKED, LABELLED = 20, 20, 200
LONGEST, APART = 5, 8  # frames: of an error, and between two
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """A video's poses: (networks, frames, individuals, keypoints, 3) x, y, likelihood; the first network is tested.

    `mirror` and `other` are, for each (individual, keypoint), the point with which it is inverted and swapped.
    """

    skeleton: Skeleton
    values: Points
    mirror: Mapping[tuple[int, int], tuple[int, int]]
    other: Mapping[tuple[int, int], tuple[int, int]]

    @property
    def size(self) -> float:
        """S, pixels."""
        points = self.values[0, ..., :2]
        centred = np.square(points - np.nanmean(points, axis=2, keepdims=True)).sum(-1)
        return float(np.median(np.sqrt(np.nanmean(centred, axis=2))))

    @property
    def deviation(self) -> Points:
        """(frames, individuals, keypoints): how far the tested network is from the median of its peers; 0 without."""
        if len(self.values) == 1:
            return np.zeros(self.values.shape[1:4])
        peers = np.median(self.values[1:, ..., :2], axis=0)
        return np.asarray(np.linalg.norm(self.values[0, ..., :2] - peers, axis=-1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12, 13])
    parser.add_argument("--tracks", nargs="+", choices=list(TRACKS), default=list(TRACKS))
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--table", action="store_true", help="print the table of the result file and measure nothing")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.result.read_text())))
        return
    runs = []
    for name in arguments.tracks:
        track = TRACKS[name](arguments.data)
        for kind in KINDS if track.other else [kind for kind in KINDS if kind != "swap"]:
            for seed in arguments.seeds:
                for found in measure(track, kind, seed):
                    runs.append({"track": name, "kind": kind, "seed": seed, **found})
                    print(json.dumps(runs[-1]), flush=True)
                write(arguments, runs)


def measure(track: Track, kind: str, seed: int) -> list[dict[str, Any]]:
    """Return precision and recall of every detector that the track has something for, and of chance."""
    generator = np.random.default_rng(seed)
    spoilt, events = inject(track, kind, generator)
    judged = np.nanmax(track.deviation, axis=(1, 2), initial=0.0) <= 0.3 * track.size
    judged |= events >= 0
    results = []
    for name in ("uncertain", "jump", "arima", "ensemble"):
        lacks = {"uncertain": np.ptp(track.values[0, ..., 2]) == 0, "ensemble": len(track.values) == 1}
        if not lacks.get(name):
            asked = DetectorInput(
                poses_of(spoilt, track.skeleton),
                np.ones(len(track.skeleton.keypoints), bool),
                ensemble=tuple(poses_of(values, track.skeleton) for values in track.values[1:]),
            )
            results.append({"detector": name, **rates(badness(name, asked, track), events, judged, generator)})
    results.append({"detector": "random", **chance(events, judged, generator)})
    if len(track.values) > 1:
        results.append({"detector": "label_error", **of_labels(track, kind, generator)})
    return results


def inject(
    track: Track, kind: str, generator: np.random.Generator, errors: int = ERRORS, longest: int = LONGEST
) -> tuple[Points, NDArray[np.int64]]:
    """Return the tested network's values with errors in them, and which error each frame holds (-1 for none)."""
    values, frames = track.values[0].copy(), track.values.shape[1]
    events = np.full(frames, -1)
    partners = {"inversion": track.mirror, "swap": track.other}.get(kind, track.mirror)
    worst = np.argsort(-np.nan_to_num(track.deviation), axis=None)[:20]
    bad_likelihoods = track.values[0, ..., 2].ravel()[worst]
    while (events >= 0).sum() == 0 or events.max() < errors - 1:
        start, length = int(generator.integers(1, frames - longest)), int(generator.integers(1, longest + 1))
        around = slice(max(0, start - APART * (longest > 1)), start + length + APART * (longest > 1))
        point = list(partners)[generator.integers(len(partners))]
        part = (slice(start, start + length), *point)
        source = (slice(start, start + length), *partners[point])
        if (events[around] >= 0).any() or not np.isfinite(track.values[0][part]).all():
            continue
        if kind in ("inversion", "swap"):
            moved = np.linalg.norm(values[source][:, :2] - values[part][:, :2], axis=-1)
            if not (moved > 0.15 * track.size).all():  # NaN, or so near that nothing is wrong
                continue
            values[part] = track.values[0][source]
        elif kind == "jitter":
            values[part][:, :2] += beside(length, 0.15 * track.size, 0.3 * track.size, generator)
        else:
            values[part][:, :2] = elsewhere(values[part][:, :2], track, generator)
            values[part][:, 2] = generator.choice(bad_likelihoods)
        events[start : start + length] = events.max() + 1
    return values, events


def beside(n: int, nearest: float, farthest: float, generator: np.random.Generator) -> Points:
    """Return n offsets of random direction, of a length between two limits."""
    angle, length = generator.uniform(0, 2 * np.pi, n), generator.uniform(nearest, farthest, n)
    return np.stack([length * np.cos(angle), length * np.sin(angle)], axis=-1)


def elsewhere(points: Points, track: Track, generator: np.random.Generator) -> Points:
    """Return one place for all of some points, within what the tracks cover and at least S from each."""
    every = track.values[0, ..., :2].reshape(-1, 2)
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    while True:
        place = generator.uniform(low, high)
        if (np.linalg.norm(points - place, axis=-1) >= track.size).all():
            return np.broadcast_to(place, points.shape)


def badness(name: str, asked: DetectorInput, track: Track) -> Points:
    """Return the scores of a detector with default options, higher for worse; -inf where it says nothing."""
    detector = load_plugins().registry("outlier_detector").build({"name": name}, skeleton=track.skeleton)
    scores = detector.score(asked)
    signed = np.asarray(scores.score, np.float64) * (1 if scores.higher_is_worse else -1)
    return np.where(np.isnan(signed), -np.inf, signed)


def rates(
    worse: Points, events: NDArray[np.int64], judged: NDArray[np.bool_], generator: np.random.Generator
) -> dict[str, float]:
    """Return precision and recall of the first frames in order of badness; equal ones in random order."""
    frames = generator.permutation(np.flatnonzero(judged))
    picked = frames[np.argsort(-worse[frames], kind="stable")][:PICKED]
    hit = events[picked][events[picked] >= 0]
    return {"precision": len(hit) / PICKED, "recall": len(set(hit.tolist())) / (int(events.max()) + 1)}


def chance(events: NDArray[np.int64], judged: NDArray[np.bool_], generator: np.random.Generator) -> dict[str, float]:
    """Return the mean rates of frames drawn at random, from 500 draws."""
    draws = [rates(np.zeros(len(events)), events, judged, generator) for _ in range(500)]
    return {key: round(mean(draw[key] for draw in draws), 3) for key in ("precision", "recall")}


def of_labels(track: Track, kind: str, generator: np.random.Generator) -> dict[str, float]:
    """Return the rates of `label_error`: errors in labels of some frames, judged by the second network."""
    sure = track.values[..., 2].min(axis=0) >= 0.5
    labels = np.median(track.values, axis=0)
    labels[~sure] = np.nan
    frames = np.sort(generator.choice(len(labels), LABELLED, replace=False))
    few = replace(track, values=np.concatenate([labels[None], track.values[1:]])[:, frames])
    spoilt, events = inject(few, kind, generator, longest=1)
    judge = poses_of(track.values[1, frames], track.skeleton)
    every = np.ones(len(track.skeleton.keypoints), bool)
    marks = spoilt[..., :2].astype(np.float32)
    worse = badness("label_error", DetectorInput(judge, every, labels=marks, out_of_fold=judge), track)
    return rates(worse, events, np.ones(LABELLED, bool), generator)


def poses_of(values: Points, skeleton: Skeleton) -> PoseFile:
    return PoseFile.from_arrays(values[..., :2], values[..., 2], skeleton)


def ensemble_track(
    pattern: str, frames: int, mirror: Callable[[str], str], other: Callable[[str], str] | None = None
) -> Callable[[Path], Track]:
    """Return what reads an ensemble of eks; `mirror` and `other` give the names of the counterparts."""

    def read(data: Path) -> Track:
        tables = [list(csv.reader(file.open())) for file in sorted((data / "eks").glob(pattern))]
        names = tuple(tables[0][1][1::3])
        values = [np.array(rows[3 : 3 + frames], float)[:, 1:].reshape(frames, 1, -1, 3) for rows in tables]
        return Track(Skeleton(names), np.stack(values), _pairs(names, mirror), _pairs(names, other) if other else {})

    return read


def _pairs(names: tuple[str, ...], counterpart: Callable[[str], str]) -> dict[tuple[int, int], tuple[int, int]]:
    return {(0, place): (0, names.index(counterpart(name))) for place, name in enumerate(names)}


def proofread_flies(data: Path) -> Track:
    """Return the first 500 frames of two flies; they have no likelihood, and nobody else's tracks beside them."""
    rows = list(csv.reader((data / "sleap-tests" / "clip_gt_tracks_dlc.csv").open()))
    names = tuple(dict.fromkeys(rows[2][1:]))
    points = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows[4:504]]).reshape(500, 2, -1, 2)
    values = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)[None]
    left = {name: name.replace("L", "R") if "L" in name else name.replace("R", "L") for name in names}
    mirror = {
        (fly, names.index(name)): (fly, names.index(other))
        for fly in range(2)
        for name, other in left.items()
        if other != name
    }
    other_fly = {(fly, place): (1 - fly, place) for fly in range(2) for place in range(len(names))}
    return Track(Skeleton(names, individuals=("fly1", "fly2")), values, mirror, other_fly)


_PAWS = {"1LH": "4RH", "4RH": "1LH", "2LF": "3RF", "3RF": "2LF"}
_PUPIL = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}

TRACKS: dict[str, Callable[[Path], Track]] = {
    "mirror-mouse": ensemble_track(
        "mirror-mouse/*.csv",
        1000,
        mirror=lambda name: f"paw{_PAWS[name[3:6]]}{name[6:]}",
        other=lambda name: name[:6] + ("_bot" if name.endswith("_top") else "_top"),
    ),
    "pupil": ensemble_track(
        "ibl-pupil/*.csv", 1000, mirror=lambda name: f"pupil_{_PUPIL[name.split('_')[1]]}_{name.split('_')[2]}"
    ),
    "fly": ensemble_track(
        "fly/*Cam-A*.csv", 500, mirror=lambda name: ("R" if name.startswith("L") else "L") + name[1:]
    ),
    "two flies": proofread_flies,
}


def write(arguments: argparse.Namespace, runs: list[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    write_result(
        arguments.result,
        ("numpy", "scipy", "statsmodels", "scikit-learn"),
        config={"errors": ERRORS, "picked": PICKED, "labelled": LABELLED, "longest": LONGEST, "apart": APART},
        seeds=arguments.seeds,
        runs=runs,
    )


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown: precision / recall, in percent, mean over seeds."""
    rows = ["| track | error | " + " | ".join((*DETECTORS, "random")) + " |", "|" + "---|" * (len(DETECTORS) + 3)]
    for track, kind in dict.fromkeys((run["track"], run["kind"]) for run in result["runs"]):
        cells = []
        for detector in (*DETECTORS, "random"):
            found = [
                run for run in result["runs"] if (run["track"], run["kind"], run["detector"]) == (track, kind, detector)
            ]
            rate = [f"{100 * mean(run[key] for run in found):.0f}" for key in ("precision", "recall") if found]
            cells.append(" / ".join(rate) or "-")
        rows.append(f"| {track} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
