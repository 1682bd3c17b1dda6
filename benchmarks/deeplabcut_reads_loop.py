"""DeepLabCut's half of `deeplabcut_loop.py`, which starts it in DeepLabCut's environment; imports nothing of ours.

Each step takes its arguments as JSON, and prints what it found as JSON in its last line. What our files hold comes as
npz files, made by our half from its own readers; gaps are compared with gaps. pandas rounds numbers that it reads from
text in the last bit, so their difference has a name of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("DLClight", "True")

import deeplabcut
import matplotlib as mpl
import numpy as np
import pandas as pd
from deeplabcut.generate_training_dataset import merge_annotateddatasets
from deeplabcut.utils import auxiliaryfunctions, conversioncode

mpl.use("Agg")
KEY = "df_with_missing"
COORDS = ["x", "y", "likelihood"]
Found = dict[str, Any]


def network(project: str, tracks: str, video: str) -> Found:
    """Let DeepLabCut have a network of our split (its name is enough), and have it write the poses of a video."""
    from deeplabcut.pose_estimation_pytorch.apis.videos import (
        VideoIterator,
        _generate_metadata,
        create_df_from_prediction,
    )
    from deeplabcut.pose_estimation_pytorch.data.dlcloader import DLCLoader

    config = f"{project}/config.yaml"
    deeplabcut.create_training_dataset_from_existing_split(
        config, from_shuffle=1, from_trainsetindex=0, shuffles=[1], userfeedback=False
    )
    (folder,) = Path(project).glob("dlc-models-pytorch/iteration-0/*shuffle1/train")
    (folder / "snapshot-001.pt").touch()
    loader, scorer = DLCLoader(config=config, trainset_index=0, shuffle=1), scorer_of(config)
    values = np.load(tracks)["values"]
    predictions = [{"bodyparts": frame[None]} for frame in values.astype(np.float32)]
    stem = Path(video).stem + scorer
    create_df_from_prediction(predictions, scorer, False, loader.model_cfg, Path(video).parent, stem)
    meta = _generate_metadata(
        loader.project_cfg, loader.model_cfg, scorer, 0.95, 1, None, (0.0, 1.0), VideoIterator(video)
    )
    auxiliaryfunctions.write_pickle(str(Path(video).with_name(f"{stem}_meta.pickle")), meta)
    return {"scorer": scorer, "versions": {name: metadata.version(name) for name in ("deeplabcut", "pandas", "tables")}}


def filtered(project: str, folders: dict[str, str], videos: list[str]) -> Found:
    """Open our filtered poses as every function of DeepLabCut does, draw them, and make a labelled video."""
    config, found = f"{project}/config.yaml", {}
    for name, folder in folders.items():
        for video in videos:
            stem = Path(video).stem
            poses, file, _, _ = auxiliaryfunctions.load_analyzed_data(folder, stem, scorer_of(config), filtered=True)
            same = compare(poses, Path(folder, f"{stem}.npz"), "float32")
            same["frames in order"] = list(poses.index) == list(range(len(poses)))
            auxiliaryfunctions.load_video_metadata(folder, stem, scorer_of(config))
            deeplabcut.plot_trajectories(config, [video], filtered=True, destfolder=folder)
            drawn = {path.stem for path in Path(folder, "plot-poses", stem).glob("*.png")}
            same["pictures"] = drawn == {f"{one}_filtered" for one in ("hist", "plot", "plot-likelihood", "trajectory")}
            made = deeplabcut.create_labeled_video(config, [video], filtered=True, destfolder=folder, pcutoff=0.0)
            same["labelled video"] = made == [True] and Path(file.replace(".h5", "_p0_labeled.mp4")).is_file()
            found[f"{name}, {stem}"] = same
    return found


def filters(project: str, folders: dict[str, str], videos: list[str]) -> Found:
    """Filter with DeepLabCut's own filters, and hand over what it made."""
    for name, folder in folders.items():
        made = deeplabcut.filterpredictions(
            f"{project}/config.yaml", videos, filtertype=name, destfolder=folder, p_bound=0.0, return_data=True
        )
        for video, poses in made.items():
            hand_over(poses, Path(folder, f"{Path(video).stem}.npz"))
    return {"filtered": len(folders) * len(videos)}


def extract(project: str, videos: list[str], epsilon: float) -> Found:
    """Let DeepLabCut extract outlier frames of videos that are analysed, and hand over its machine labels."""
    config = f"{project}/config.yaml"
    before = {path: len(table(path)) for path in Path(project).glob("labeled-data/*/machinelabels-iter0.h5")}
    deeplabcut.extract_outlier_frames(
        config, videos, outlieralgorithm="jump", epsilon=epsilon, extractionalgorithm="uniform", automatic=True
    )
    found = {}
    for video in videos:
        path = Path(project, "labeled-data", Path(video).stem, "machinelabels-iter0.h5")
        hand_over(table(path), path.with_name("theirs.npz"))
        found[Path(video).stem] = {"before": before.get(path, 0), "after": len(table(path))}
    return found


def machine(project: str) -> Found:
    """Open our machine labels: as `extract_outlier_frames` does to add to them, as csv, and to refine them."""
    found = {}
    for path in sorted(Path(project).glob("labeled-data/*/machinelabels-iter0.h5")):
        stored, expected = table(path), path.with_name("ours.npz")
        same = {"h5": compare(stored, expected, "float64")}
        same["csv"] = compare(csv(path.with_name("machinelabels.csv")), expected)
        more = stored.iloc[:1].copy()
        more.index = pd.MultiIndex.from_tuples([(*more.index[0][:2], "img999.png")])
        conversioncode.guarantee_multiindex_rows(stored)
        joined = pd.concat([stored, more])
        same["h5"]["a row can be added"] = joined.shape == (len(stored) + 1, stored.shape[1])
        same["napari"] = in_napari(path, expected)
        found[path.parent.name] = same
    return found


def refine(project: str, moved: float) -> Found:
    """Correct our machine labels in DeepLabCut's program (without its window), merge there, make a training set."""
    from napari_deeplabcut._reader import get_folder_parser
    from napari_deeplabcut._writer import write_hdf_napari_dlc
    from napari_deeplabcut.config.models import PointsMetadata
    from napari_deeplabcut.core.provenance import apply_gt_save_target

    config, found = f"{project}/config.yaml", {}
    cfg = read(config)
    for path in sorted(Path(project).glob("labeled-data/*/machinelabels-iter0.h5")):
        layers = get_folder_parser(str(path.parent))(str(path.parent))
        (layer,) = [one for one in layers if one[2] == "points" and one[1]["name"] == path.stem]
        points, attributes, _ = layer
        points[:, 1:] += moved
        meta = apply_gt_save_target(
            PointsMetadata.model_validate(attributes["metadata"]), anchor=str(path.parent), scorer=cfg["scorer"]
        )
        attributes["metadata"] = meta.model_dump()
        written = write_hdf_napari_dlc("__dlc__.h5", points, attributes)
        hand_over(table(path.with_name(f"CollectedData_{cfg['scorer']}.h5")), path.with_name("theirs.npz"))
        found[path.parent.name] = {"written": sorted(Path(one).name for one in written), "points": len(points)}
    deeplabcut.merge_datasets(config)
    found["iteration"] = read(config)["iteration"]
    deeplabcut.create_training_dataset(config, Shuffles=[1], userfeedback=False)
    return found


def labels(project: str, expected: str) -> Found:
    """Open our merged labels: read, draw, convert, clean up, make a training set, merge."""
    config = f"{project}/config.yaml"
    cfg, found = read(config), {}
    folders = sorted(path.parent for path in Path(project).glob(f"labeled-data/*/CollectedData_{cfg['scorer']}.h5"))
    for folder in folders:
        file = folder / f"CollectedData_{cfg['scorer']}.h5"
        stored = table(file)
        conversioncode.guarantee_multiindex_rows(stored)
        found[folder.name] = {
            "h5": compare(stored, folder / "ours.npz", "float64"),
            "csv": compare(csv(file.with_suffix(".csv")), folder / "ours.npz"),
            "napari": in_napari(file, folder / "ours.npz"),
        }
    before = {path: path.read_bytes() for folder in folders for path in folder.glob("CollectedData_*")}
    images = {path for folder in folders for path in folder.glob("*.png")}
    deeplabcut.check_labels(config)
    drawn = {folder.name: len(list(folder.with_name(f"{folder.name}_labeled").glob("*.png"))) for folder in folders}
    found["check_labels"] = {folder.name: drawn[folder.name] == len(expected_rows(folder)) for folder in folders}
    deeplabcut.dropduplicatesinannotatinfiles(config)
    same = all(path.read_bytes() == content for path, content in before.items())
    found["dropduplicatesinannotatinfiles"] = {"nothing to drop": same}
    folder = Path(project, "made-by-deeplabcut")
    folder.mkdir(exist_ok=True)
    merged = merge_annotateddatasets(cfg, folder)
    found["merge_annotateddatasets"] = compare(merged, Path(expected), "float64")
    deeplabcut.create_training_dataset_from_existing_split(
        config, from_shuffle=1, from_trainsetindex=0, shuffles=[1], userfeedback=False
    )
    (ours,) = Path(project).glob(f"training-datasets/iteration-{cfg['iteration']}/*/CollectedData_*.h5")
    found["training set"] = compare(table(ours), Path(expected), "float64")
    deeplabcut.create_training_dataset(config, Shuffles=[2], userfeedback=False)
    found["create_training_dataset"] = compare(table(ours), Path(expected), "float64")
    deeplabcut.convertcsv2h5(config, userfeedback=False)
    converted = {path: table(path / f"CollectedData_{cfg['scorer']}.h5") for path in folders}
    found["convertcsv2h5"] = {path.name: compare(made, path / "ours.npz") for path, made in converted.items()}
    found["images"] = {"all there": images == {path for folder in folders for path in folder.glob("*.png")}}
    deeplabcut.merge_datasets(config)
    found["merge_datasets"] = {"raises the iteration": read(config)["iteration"] == cfg["iteration"] + 1}
    return found


def compare(stored: pd.DataFrame, expected: Path, dtype: str = "") -> Found:
    """Return whether a table holds what our reader found in it, and by how much its numbers differ; "": it was text."""
    ours = np.load(expected)
    names, parts = [str(one) for one in ours["images"]], [str(one) for one in ours["bodyparts"]]
    there = ["/".join(row) if isinstance(row, tuple) else str(row) for row in stored.index]
    coordinates = COORDS[: ours["values"].shape[-1]]
    columns = [(str(ours["scorer"]), part, coordinate) for part in parts for coordinate in coordinates]
    found: Found = {
        "rows": not names or there == names,
        "columns": list(stored.columns) == columns and list(stored.columns.names) == ["scorer", "bodyparts", "coords"],
    }
    if dtype:
        found["dtypes"] = set(map(str, stored.dtypes)) == {dtype} and all(
            level.dtype == object for level in stored.columns.levels
        )
    if stored.shape != (len(ours["values"]), len(columns)):
        return {**found, "shape": False}
    values = stored.to_numpy(float).reshape(ours["values"].shape)
    both = np.isfinite(values) & np.isfinite(ours["values"])
    found["numbers"] = int(both.sum())
    found["same gaps"] = bool((np.isfinite(values) == np.isfinite(ours["values"])).all())
    found["difference" if dtype else "difference of text"] = float(np.abs(values - ours["values"])[both].max(initial=0))
    return found


def in_napari(path: Path, expected: Path) -> Found:
    """Return whether DeepLabCut's program for labelling shows the points of a table where they are."""
    from napari_deeplabcut._reader import get_folder_parser

    ours = np.load(expected)
    layers = get_folder_parser(str(path.parent))(str(path.parent))
    (layer,) = [one for one in layers if one[2] == "points" and one[1]["name"] == path.stem]
    points, attributes, _ = layer
    shown = {
        (Path(attributes["metadata"]["paths"][int(frame)]).as_posix(), label): (x, y)
        for (frame, y, x), label in zip(points, attributes["properties"]["label"], strict=True)
    }
    wanted = {
        (str(image), str(part)): tuple(ours["values"][row, column, :2])
        for row, image in enumerate(ours["images"])
        for column, part in enumerate(ours["bodyparts"])
        if np.isfinite(ours["values"][row, column, :2]).all()
    }
    pictures = next(one for one in layers if one[2] == "image")[1]["metadata"]["paths"]
    return {"points": shown == wanted, "images": len(pictures) == len(list(path.parent.glob("*.png")))}


def expected_rows(folder: Path) -> Any:
    return np.load(folder / "ours.npz")["images"]


def hand_over(stored: pd.DataFrame, path: Path) -> None:
    """Write a table of DeepLabCut's as our half reads it."""
    parts = list(dict.fromkeys(stored.columns.get_level_values("bodyparts")))
    depth = stored.columns.get_level_values("coords").nunique()
    images = ["/".join(row) if isinstance(row, tuple) else str(row) for row in stored.index]
    values = stored.to_numpy(float).reshape(len(stored), len(parts), depth)
    np.savez(path, scorer=stored.columns[0][0], images=images, bodyparts=parts, values=values)


def table(path: Path) -> pd.DataFrame:
    stored: pd.DataFrame = pd.read_hdf(path, KEY)
    return stored


def csv(path: Path) -> pd.DataFrame:
    """Return a csv as `convertcsv2h5` reads it."""
    depth = [0, 1, 2] if path.read_text().splitlines()[-1].split(",")[0] == "labeled-data" else 0
    read_csv: pd.DataFrame = pd.read_csv(path, index_col=depth, header=[0, 1, 2])
    conversioncode.guarantee_multiindex_rows(read_csv)
    return read_csv


def read(config: str) -> Any:
    return auxiliaryfunctions.read_config(config)


def scorer_of(config: str) -> str:
    return str(auxiliaryfunctions.get_scorer_name(read(config), 1, trainFraction=0.95)[0])


STEPS: dict[str, Callable[..., Found]] = {
    step.__name__: step for step in (network, filtered, filters, extract, machine, refine, labels)
}

if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](**json.loads(sys.argv[2]))))
