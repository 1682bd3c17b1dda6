"""Analyse one video: decode, predict, store; go on where an earlier attempt stopped."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dlc_core import __version__
from dlc_core.console import progress, say, warn
from dlc_core.errors import DataError
from dlc_core.inference.batch_size import choose_batch_size
from dlc_core.inference.frame_stream import batches
from dlc_core.inference.lock import locked
from dlc_core.inference.memory import enough_memory
from dlc_core.inference.network import Network
from dlc_core.inference.pose_store import PoseStore, store_path
from dlc_core.inference.predictor import ENGINE, Prediction, Predictor
from dlc_core.inference.store_files import is_tidy, remove_half_chunks, replacement_path, tidy
from dlc_core.inference.store_header import StoreHeader
from dlc_core.plugin_api.border import blaming
from dlc_core.video.crop import Crop
from dlc_core.video.probe import fingerprint, lost_frames
from dlc_core.video.reader import VideoReader


@dataclass(frozen=True)
class AnalysisOptions:
    """How to analyse.

    Parameters
    ----------
    device : torch.device
    precision : str
    batch_size : int or None
        None chooses.
    batch_limit : int or None
        Upper bound of that choice.
    overwrite : bool
        Replace what is there under the same name.
    chunk : int or None
        Frames in a chunk of the store, a multiple of the batch; None chooses.
    config : mapping
        The resolved options, for the record.
    """

    device: torch.device
    precision: str = "float32"
    batch_size: int | None = None
    batch_limit: int | None = None
    overwrite: bool = False
    chunk: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysed:
    """What became of one video.

    Parameters
    ----------
    store : Path
    frame_count : int
    new_frames : int
        How many of them this call predicted; 0 for a video that was finished before.
    seconds : float
        That prediction took, start-up excluded.
    """

    store: Path
    frame_count: int
    new_frames: int
    seconds: float


@dataclass(frozen=True)
class _Video:
    path: Path
    fps: float
    frame_size: tuple[int, int]
    crop: Crop | None
    fingerprint: str


def analyze_video(
    video: Path, network: Network, options: AnalysisOptions, crop: Crop | None = None, destfolder: Path | None = None
) -> Analysed:
    """Bring the pose store of a video to completion.

    Parameters
    ----------
    video : Path
    network : Network
    options : AnalysisOptions
        An attempt that is continued keeps its own precision and batch size.
    crop : Crop or None
        What the network sees of each frame; clipped to the frame.
    destfolder : Path or None
        None: beside the video.

    Raises
    ------
    DataError
        The video cannot be read, another process analyses it, or the store that is there is another network's.
        Also when the memory of the device is too small for a batch.
    DiskError
        The disk is full or read-only, or the name too long; what was complete is kept.
    """
    path = store_path(video, network.scorer, destfolder)
    about = _inspect(video, crop)
    if (finished := _finished(path, network, about, options)) is not None:
        if not is_tidy(path):
            with suppress(DataError), locked(path):  # unless another process works there, or nobody may
                _tidy(path, about, options)
        return finished
    with locked(path):
        _tidy(path, about, options)
        # again: another process may have worked on it until now
        if (finished := _finished(path, network, about, options)) is not None:
            return finished
        place = replacement_path(path) if options.overwrite else path
        begun = _begun(place, network, about, options)
        precision = str(begun.attributes["precision"]) if begun else options.precision
        with enough_memory(options.device, begun):
            predictor = Predictor(network.model, options.device, precision)
            store = begun or PoseStore.create(place, _header(network, about, options, predictor), options.chunk)
        done, started = store.frames_done, time.perf_counter()
        if begun:
            say(
                f"{video.name}: going on at frame {done} of {store.frame_count} "
                f"(batches of {store.attributes['batch_size']}, {precision}, as it began)."
            )
            remove_half_chunks(place)
        _fill(store, predictor, about)
        if place != path:
            store = store.replace(path)
        return Analysed(path, store.frame_count, store.frame_count - done, time.perf_counter() - started)


def _tidy(path: Path, about: _Video, options: AnalysisOptions) -> None:
    if tidy(path, options.overwrite):
        say(
            f"{about.path.name}: an analysis that is to replace these poses was interrupted; overwrite=true goes on "
            "with it."
        )


def _fill(store: PoseStore, predictor: Predictor, about: _Video) -> None:
    """Predict the missing frames. One batch is under way on the device while the one before it is stored."""
    first, size = store.frames_done, int(store.attributes["batch_size"])
    with (
        enough_memory(predictor.device, store),
        progress(about.path.name, store.frame_count, "frames", first) as advance,
        closing(
            batches(about.path, first, store.frame_count, size, predictor.window, predictor.prepare, about.crop)
        ) as source,
    ):
        for prediction in _predictions(predictor, store, source, about.crop):
            store.append(prediction.keypoints, prediction.likelihood)
            advance(len(prediction.likelihood))
    if "finished" not in store.attributes:
        store.update(finished=time.time())


def _predictions(
    predictor: Predictor, store: PoseStore, source: Iterator[Any], crop: Crop | None
) -> Iterator[Prediction]:
    offset = None if crop is None else crop.offset()
    waiting = ready = None
    for inputs in source:
        with _asking(predictor, store):
            launched = predictor.launch(inputs)
            ready = None if waiting is None else predictor.fetch(waiting, offset)
        if ready is not None:
            yield ready
        waiting = launched
    if waiting is not None:
        with _asking(predictor, store):
            ready = predictor.fetch(waiting, offset)
        yield ready


@contextmanager
def _asking(predictor: Predictor, store: PoseStore) -> Iterator[None]:
    """Say which network failed, and whether for want of memory: its code may be a plugin's."""
    with (
        blaming(f"the network {store.attributes['run']} fails on a batch of {store.attributes['batch_size']} frame(s)"),
        enough_memory(predictor.device, store),
    ):
        yield


def _inspect(video: Path, crop: Crop | None) -> _Video:
    """Return what tells the video from another one; its frames are counted only for a new store, by decoding them."""
    with VideoReader(video) as reader:
        size = (reader.height, reader.width)
        inside = None if crop is None else crop.within(*size, str(video))
        if inside is not None and inside.is_whole(*size):
            inside = None
        return _Video(video.absolute(), float(reader.fps), size, inside, fingerprint(video))


def _finished(path: Path, network: Network, about: _Video, options: AnalysisOptions) -> Analysed | None:
    """Return the result of a video that is analysed already, None if there is something to do.

    Raises
    ------
    DataError
        What is there belongs to something else, and overwriting was not asked for.
    """
    if options.overwrite or not path.exists():
        return None
    store = PoseStore.open(path)
    differences = list(_differences(store.attributes, network, about))
    if differences:
        raise DataError(
            f"{path} holds other poses under this name: {'; '.join(differences)}. "
            "Replace them with overwrite=true, or keep both with destfolder=."
        )
    if not store.is_complete:
        return None
    precision, wanted = str(store.attributes["precision"]), options.precision
    other = "" if precision == wanted else f" in {precision}; overwrite=true analyzes them in {wanted}"
    say(f"{about.path.name}: all {store.frame_count} frames are analyzed already{other} ({path.name}).")
    return Analysed(path, store.frame_count, 0, 0.0)


def _begun(place: Path, network: Network, about: _Video, options: AnalysisOptions) -> PoseStore | None:
    """Return the store to go on with, None to make a new one, which is also what one without a frame is good for.

    A replacement is gone on with only if it was begun in the way that is asked for now.
    """
    if not place.exists():
        return None
    try:
        store = PoseStore.open(place)
    except DataError:
        if options.overwrite:
            return None
        raise
    there = store.attributes
    if options.overwrite and (
        any(_differences(there, network, about))
        or there["precision"] != options.precision
        or options.batch_size not in (None, there["batch_size"])
    ):
        return None
    return store if store.frames_done else None


def _differences(there: Mapping[str, Any], network: Network, about: _Video) -> Iterator[str]:
    crop = about.crop.as_text() if about.crop else "none"
    stored_crop = ",".join(map(str, there["crop"])) if there["crop"] else "none"
    if there["sha256"] != network.about["sha256"]:
        yield (
            f"of another network (snapshot {there['snapshot']} of {there['run_folder']}, "
            f"not {network.about['snapshot']} of {network.about['run_folder']})"
        )
    if there["video"]["fingerprint"] != about.fingerprint:
        yield f"of another video or an older version of it ({there['video']['path']})"
    if stored_crop != crop:
        yield f"of crop={stored_crop}, not crop={crop}"
    if there["engine"] != ENGINE:
        yield f"of the engine {there['engine']}, not {ENGINE}"


def _header(network: Network, about: _Video, options: AnalysisOptions, predictor: Predictor) -> StoreHeader:
    height, width = (about.crop.height, about.crop.width) if about.crop else about.frame_size
    with blaming(f"the network {network.about['run']} fails on frames of {height} x {width} pixels"):
        size = options.batch_size or choose_batch_size(
            predictor, predictor.input_size(height, width), options.batch_limit
        )
    with VideoReader(about.path) as reader:
        frame_count = reader.frame_count
        for problem in lost_frames(reader):
            warn(f"{about.path}: {problem}")
    return StoreHeader(
        scorer=network.scorer,
        skeleton=network.skeleton,
        frame_count=frame_count,
        fps=about.fps,
        frame_size=about.frame_size,
        crop=about.crop,
        video={"name": about.path.name, "path": str(about.path), "fingerprint": about.fingerprint},
        network=network.about,
        engine=ENGINE,
        precision=options.precision,
        device=str(options.device),
        batch_size=size,
        project=network.project_attributes(),
        config=options.config,
        versions={
            "dlc-core": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("torch", "timm", "zarr", "av", "numpy")},
        },
    )
