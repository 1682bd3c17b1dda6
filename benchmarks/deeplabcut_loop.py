"""Whether what the loop writes opens in DeepLabCut 3, and what DeepLabCut writes in ours.

Question    Filtered poses, machine labels as extracted and as corrected, labels as merged and as edited afterwards:
            does DeepLabCut read the same names, types and numbers, and do its own functions go on with them? And do we
            read its filtered poses and machine labels, add to them, refine and merge them, as it does with ours?
Data        openfield-Pranav-2018-10-30 (116 labelled frames, 400 frames of its video, for a network of 20 steps) and a
            mouse's paws in eks/mirror-mouse (200 frames, poses that DeepLabCut itself writes from these numbers).
Command     python benchmarks/deeplabcut_loop.py --deeplabcut DEEPLABCUT/bin/python --data ../shared/data
            in our environment; DeepLabCut's needs napari-deeplabcut, in which its users label and refine, and a Qt for
            Python, but no display.
Hardware    any; minutes on a core, mostly DeepLabCut's imports and labelled videos.
Seeds       none: nothing that is compared depends on chance.
Expected    every check true, every difference 0, but below 1e-12 px for numbers that pandas reads from text.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openfield_accuracy import PROJECT, dlc  # the scripts of this folder import each other
from result_file import write_result

from dlc_core.export.sources import find_poses
from dlc_core.labels.editing import LabelEditor
from dlc_core.labels.files import labelled_folders, read_folder, read_project_labels
from dlc_core.labels.journal import Edit
from dlc_core.labels.machine import machine_file, read_machine
from dlc_core.labels.table import LabelTable
from dlc_core.project.project import Project
from dlc_core.refine.editing import RefineEditor
from dlc_core.video.reader import VideoReader
from dlc_core.video.writer import VideoWriter

THEIRS = Path(__file__).with_name("deeplabcut_reads_loop.py")
RESULT = Path(__file__).parent / "results" / "deeplabcut_loop.json"
TRACK = "eks/mirror-mouse/180607_004.train_frames=75.rng=0.csv"
FRAMES = 200
EPSILON = 5  # pixels; the tiny network jumps between corners, the paws run
MOVED = 1.25
TINY = ["backbone=timm", "backbone.model=test_resnet.r160_in1k", "backbone.pretrained=false", "training.batch_size=1"]
FILTERS = {
    "median": list[str](),
    "arima": ["filter.p_bound=0"],
    "savgol": ["filter.pcutoff=0"],
    "kalman": ["filter.p_bound=0"],
}
THEIR_FILTERS = ("median", "arima", "spline")
Found = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deeplabcut", required=True, help="the Python of DeepLabCut's environment")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DLC_TEST_DATA", "../shared/data")))
    parser.add_argument("--work", type=Path, help="a new folder for all files; else a temporary one")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = (options.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        found = measure(Bench(work, options.data.resolve(), options.deeplabcut))
    config = {"frames": FRAMES, "epsilon": EPSILON, "filters": FILTERS}
    write_result(options.result, ("pandas", "tables"), config=config, **found)
    wrong = list(problems(found))
    print(*(f"WRONG: {problem}" for problem in wrong), sep="\n")
    print(f"{'some' if wrong else 'no'} problems; all that was compared is in {options.result}")
    return 1 if wrong else 0


class Bench:
    """Where everything lies, and the two programs."""

    def __init__(self, work: Path, data: Path, python: str) -> None:
        self.work, self.data, self.python = work, data, python
        self.root = work / "openfield"
        self.films = [work / "films" / "network.mp4", work / "films" / "track.mp4"]
        self.scorer = ""
        self.versions: Found = {}

    def theirs(self, step: str, **arguments: object) -> Found:
        """Run a step of DeepLabCut's half and return what it found."""
        words = [self.python, str(THEIRS), step, json.dumps(arguments, default=str)]
        environment = {**os.environ, "MPLBACKEND": "Agg", "QT_QPA_PLATFORM": "offscreen", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{step} failed in DeepLabCut's environment:\n{done.stderr[-6000:]}")
        found: Found = json.loads(done.stdout.splitlines()[-1])
        return found

    def copy(self, name: str) -> Path:
        """Return a copy of the project as it is now."""
        return Path(shutil.copytree(self.root, self.work / name, symlinks=True))


def measure(bench: Bench) -> Found:
    prepare(bench)
    found: Found = {"versions there": bench.versions}
    alone = bench.copy("alone")
    found |= {"filtered": filtered(bench), "their filters": their_filters(bench)}
    found["machine labels"] = extract(bench)
    found["added to ours"] = their_frames(bench, bench.copy("mixed"), bench.films[1:])
    found["their machine labels"] = their_frames(bench, alone, bench.films)
    napari = bench.copy("napari")
    found["corrected"] = correct(bench, bench.root)
    found["merged"] = merge(bench, bench.root)
    found["their machine labels merged"] = {**correct(bench, alone), **merge(bench, alone)}
    found["refined there"] = refined_there(bench, napari)
    return found


def prepare(bench: Bench) -> None:
    """Make the project, two films, a network of ours, and poses by both programs."""
    shutil.copytree(bench.data / PROJECT, bench.root)
    config = bench.root / "config.yaml"
    config.chmod(0o644)
    listed = "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE:"
    config.write_text(config.read_text().replace(f"  {listed}", f"  {bench.root}/videos/m4s1.mp4:", 1))
    bench.films[0].parent.mkdir()
    with VideoReader(bench.root / "videos" / "m3v1mp4.mp4") as reader:
        for number, film in enumerate(bench.films):
            with VideoWriter(film, reader.fps, reader.height, reader.width) as writer:
                for frame in range(number * FRAMES, (number + 1) * FRAMES):
                    writer.write(reader.read(frame))
    track = pd.read_csv(bench.data / TRACK, header=[0, 1, 2], index_col=0)
    values = track.to_numpy(np.float32)[:FRAMES, :12].reshape(FRAMES, 4, 3)
    np.savez(bench.work / "track.npz", values=values)
    dlc(bench.root, "create-dataset")
    dlc(bench.root, "train", *TINY, "training.steps=20", "trainer.accelerator=cpu", "run=tiny")
    made = bench.theirs("network", project=bench.root, tracks=bench.work / "track.npz", video=bench.films[1])
    bench.scorer = made["scorer"]
    bench.versions |= made["versions"]
    dlc(bench.root, "analyze", str(bench.films[0]), "exporter=[h5,csv,deeplabcut]")


def filtered(bench: Bench) -> Found:
    """Filter both videos with each filter and let DeepLabCut work on the result."""
    folders = {}
    for name, options in FILTERS.items():
        folders[name] = bench.work / "filtered" / name
        folders[name].mkdir(parents=True)
        dlc(bench.root, "filter", *map(str, bench.films), f"filter={name}", *options, "exporter=[h5,csv,deeplabcut]")
        for film in bench.films:
            poses = find_poses(film, filtered=name)
            values = np.concatenate([poses.keypoints[:], poses.likelihood[:][..., None]], axis=-1)[:, 0]
            save(folders[name] / f"{film.stem}.npz", bench.scorer, (), poses.skeleton.keypoints, values)
            for ending in ("_filtered.h5", "_filtered_meta.pickle"):
                shutil.copy(film.with_name(f"{film.stem}{bench.scorer}{ending}"), folders[name])
    return bench.theirs("filtered", project=bench.root, folders=folders, videos=bench.films)


def their_filters(bench: Bench) -> Found:
    """Let DeepLabCut filter both videos, and read what it wrote."""
    folders = {name: bench.work / "their filters" / name for name in THEIR_FILTERS}
    for folder in folders.values():
        folder.mkdir(parents=True)
        for film in bench.films:
            for ending in (".h5", "_meta.pickle"):
                shutil.copy(film.with_name(f"{film.stem}{bench.scorer}{ending}"), folder)
    bench.theirs("filters", project=bench.root, folders=folders, videos=bench.films)
    found = {}
    for name, folder in folders.items():
        for film in bench.films:
            poses = find_poses(film, destfolder=folder, filtered=True)
            there = np.load(folder / f"{film.stem}.npz")["values"]
            values = np.concatenate([poses.keypoints[:], poses.likelihood[:][..., None]], axis=-1)[:, 0]
            same = {"difference": distance(values, there.astype(np.float32))}
            if name in FILTERS:
                ours = np.load(bench.work / "filtered" / name / f"{film.stem}.npz")["values"]
                same["difference of the filters"] = distance(values, ours)
            found[f"{name}, {film.stem}"] = same
    return found


def extract(bench: Bench) -> Found:
    """Extract outliers of both videos; their machine labels are the poses, and DeepLabCut reads them."""
    options = ("detector=jump", f"detector.epsilon={EPSILON}", "n=6", "--yes")
    videos = dlc(bench.root, "extract-outliers", *map(str, bench.films), *options)["videos"]
    found: Found = {}
    for film, video in zip(bench.films, videos, strict=True):
        labels = read_machine(video["machine_labels"])
        poses = find_poses(film)
        rows = [int(Path(image).stem.removeprefix("img")) for image in labels.images]
        found[film.stem] = {
            "frames": len(rows),
            "difference from the poses": distance(labels.keypoints, poses.keypoints[rows].astype(float)),
        }
        keep_machine(bench.root, film.stem)
    return {**found, "in DeepLabCut": bench.theirs("machine", project=bench.root)}


def their_frames(bench: Bench, root: Path, films: list[Path]) -> Found:
    """Let DeepLabCut extract outliers; read them, and add frames of ours to them."""
    found = bench.theirs("extract", project=root, videos=films, epsilon=EPSILON)
    for film in films:
        file = machine_file(root / "labeled-data" / film.stem, 0)
        before = read_machine(file)
        there = np.load(file.with_name("theirs.npz"))
        names = list(before.images) == there["images"].tolist() and before.scorer == str(there["scorer"])
        found[film.stem]["same names"] = names
        values = np.concatenate([before.keypoints, before.likelihood[..., None]], axis=-1)[:, 0]
        found[film.stem]["difference"] = distance(values, there["values"])
    if root.name == "mixed":
        (film,) = films
        dlc(root, "extract-outliers", str(film), "detector=jump", "detector.epsilon=1", "n=3", "--yes")
        after = read_machine(file)
        found["ours added"] = {
            "frames": len(after.images) - len(before.images),
            "theirs first": after.images[: len(before.images)] == before.images,
        }
        keep_machine(root, film.stem)
        found["in DeepLabCut"] = bench.theirs("machine", project=root)[film.stem]
    return found


def correct(bench: Bench, root: Path) -> Found:
    """Correct machine labels as a person does in the browser, and let DeepLabCut read the corrected tables.

    Of each folder the first frame is removed; in the second a point is moved, one removed, the rest below the cutoff;
    in the third a point is moved and all others count; the last is not finished.
    """
    project = Project.open(root)
    for film in bench.films:
        with RefineEditor.open(project, film.stem, by="Ada") as editor:
            removed, second, third, *_, last = editor.images
            editor.remove_frame(removed)
            editor.apply(Edit(image=second, set={"snout": (12.3456789, 80.1)}, unset=("leftear",)))
            editor.mark_done(second, 1.0)
            editor.apply(Edit(image=third, set={"tailbase": (1 / 3, 471.0000001)}))
            for image in editor.images:
                if image not in (second, last):
                    editor.mark_done(image, 0.0)
        keep_machine(root, film.stem)
    return bench.theirs("machine", project=root)


def merge(bench: Bench, root: Path) -> Found:
    """Merge, edit labels as a person does, make the next training set; DeepLabCut goes on from there."""
    project = Project.open(root)
    wanted = {}
    for film in bench.films:
        with RefineEditor.open(project, film.stem) as editor:
            for image in editor.images:
                cutoff = editor.done(image)
                if cutoff is not None:
                    points = editor.points(image).items()
                    wanted[image] = {name: (x, y) for name, (x, y, likelihood) in points if likelihood >= cutoff}
    merged = dlc(root, "merge", "unrefined=leave")
    joined = {}
    for film in bench.films:
        with LabelEditor.open(Project.open(root), film.stem) as editor:
            joined.update({image: editor.points(image) for image in editor.images if editor.is_labelled(image)})
            image = next(image for image in editor.images if editor.is_labelled(image))
            editor.apply(Edit(image=image, set={"rightear": (200.0625, 1e-7)}, unset=("snout",)))
    with LabelEditor.open(Project.open(root), "m4s1") as editor:
        editor.apply(Edit(image=editor.images[1], set={"snout": (2 / 3, 479.0)}))
        editor.apply(Edit(image=editor.images[2], unset=tuple(editor.points(editor.images[2])), row=True))
    dlc(root, "create-dataset", "shuffles=[1]")
    project = Project.open(root)
    for folder in labelled_folders(project):
        keep_labels(read_folder(folder, project.scorer), folder / "ours.npz")
    keep_labels(read_project_labels(project), root / "all.npz", in_order=True)
    found = {"frames": merged["frames"], "points": merged["points"], "as refined": joined == wanted}
    after = shutil.copytree(root, bench.work / f"{root.name}-merged", symlinks=True)
    return {**found, "in DeepLabCut": bench.theirs("labels", project=after, expected=root / "all.npz")}


def refined_there(bench: Bench, root: Path) -> Found:
    """Let DeepLabCut refine our machine labels, merge and make a training set; go on from there."""
    found = bench.theirs("refine", project=root, moved=MOVED)
    project = Project.open(root)
    for film in bench.films:
        folder = root / "labeled-data" / film.stem
        labels, there = read_folder(folder, project.scorer), np.load(folder / "theirs.npz")
        machine = read_machine(machine_file(folder, 0))
        moved = machine.keypoints[[machine.images.index(image) for image in labels.images]] + MOVED
        found[film.stem] |= {
            "same names": sorted(labels.images) == sorted(there["images"].tolist()) == sorted(machine.images),
            "difference": distance(labels.keypoints[:, 0], there["values"]),
            "difference from where they were put": distance(labels.keypoints, moved),
        }
    found["merged again"] = {"nothing to merge": not dlc(root, "merge")["merged"]}
    taken = dlc(root, "create-dataset", "shuffles=[1]", "split.method=deeplabcut")
    found["training set"] = {"made": bool(taken)}
    return found


def keep_machine(root: Path, folder: str) -> None:
    labels = read_machine(machine_file(root / "labeled-data" / folder, 0))
    values = np.concatenate([labels.keypoints, labels.likelihood[..., None]], axis=-1)[:, 0]
    save(root / "labeled-data" / folder / "ours.npz", labels.scorer, labels.images, labels.bodyparts, values)


def keep_labels(labels: LabelTable, path: Path, in_order: bool = False) -> None:
    order = (
        sorted(range(len(labels.images)), key=lambda row: labels.images[row].split("/")) if in_order else slice(None)
    )
    images = np.array(labels.images)[order]
    save(path, labels.scorer, images.tolist(), labels.bodyparts, labels.keypoints[order][:, 0])


def save(path: Path, scorer: str, images: Any, bodyparts: Any, values: Any) -> None:
    np.savez(path, scorer=scorer, images=np.array(images, str), bodyparts=np.array(bodyparts, str), values=values)


def distance(one: Any, other: Any) -> float:
    """Return the largest difference of two arrays, infinite if one is empty where the other is not."""
    if one.shape != other.shape or (np.isnan(one) != np.isnan(other)).any():
        return float("inf")
    return float(np.nanmax(np.abs(one - other), initial=0))


def problems(found: Found, where: str = "") -> Iterator[str]:
    """Yield what is not as it should be."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield from problems(value, f"{where}{key}: ")
        elif value is False or (key.startswith("difference") and value > (1e-12 if key.endswith("text") else 0)):
            yield f"{where}{key}: {value}"


if __name__ == "__main__":
    raise SystemExit(main())
