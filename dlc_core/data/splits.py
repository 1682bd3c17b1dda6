"""Which labelled frames train, which validate, which test: the split itself is stored, not only its seed.

How frames are held out is one function per method in `_METHODS`; to add a method, add a function there that takes the
frames, the video of each, how many to hold out and a generator, and returns the frames held out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_core.console import say
from dlc_core.data.split_files import read_split_file
from dlc_core.errors import ConfigError, DataError, suggest


@dataclass(frozen=True)
class Split:
    """The parts of the labelled frames, by name.

    Parameters
    ----------
    train, test, validation : tuple of str
        Names of images as in the label table, ``labeled-data/<folder>/<file>``, each in the order of the table. No
        frame is in two parts.
    method : str
        ``random``, ``video``, ``contiguous``, ``file``, ``deeplabcut`` or ``fold``.
    seed : int
        Seed of the generator that made it; what counts is the lists.

    Raises
    ------
    DataError
        A frame is in two parts.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()
    method: str = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for name in (*self.train, *self.validation, *self.test):
            if name in seen:
                raise DataError(f"the split uses {name!r} twice; a frame belongs to one part only. Mend the split.")
            seen.add(name)

    @property
    def images(self) -> frozenset[str]:
        """All frames of the split."""
        return frozenset((*self.train, *self.validation, *self.test))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` understands and JSON can hold."""
        return {
            "method": self.method,
            "seed": self.seed,
            "train": list(self.train),
            "validation": list(self.validation),
            "test": list(self.test),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Split:
        """Return the split that `as_dict` wrote."""
        return cls(
            train=tuple(stored["train"]),
            test=tuple(stored["test"]),
            validation=tuple(stored.get("validation", ())),
            method=str(stored.get("method", "file")),
            seed=int(stored.get("seed", 0)),
        )


def train_size(frames: int, fraction: float) -> int:
    """Return how many of `frames` train: ``int(frames * fraction)``, the fraction rounded to two digits.

    This is DeepLabCut's rounding.

    Raises
    ------
    ConfigError
        The fraction is not above 0 and below 1.
    DataError
        No frame is left to train on, or none to test on.
    """
    if not 0 < fraction < 1:
        raise ConfigError(
            f"TrainingFraction holds {fraction:g}; expected fractions above 0 and below 1, like [0.95]. Correct "
            "config.yaml."
        )
    size = int(frames * round(fraction, 2))
    for part, left in (("train", size), ("test", frames - size)):
        if left < 1:
            raise DataError(
                f"TrainingFraction {fraction} of {frames} labelled frame{'' if frames == 1 else 's'} leaves "
                f"none to {part} on. "
                f"Label more frames or choose a {'larger' if part == 'train' else 'smaller'} TrainingFraction "
                f"in config.yaml."
            )
    return size


def make_split(
    images: Sequence[str],
    groups: Sequence[str],
    method: str = "random",
    fraction: float = 0.95,
    seed: int = 0,
    validation: float = 0.0,
    file: Path | None = None,
) -> Split:
    """Divide labelled frames into parts.

    Parameters
    ----------
    images : sequence of str
        Names of the labelled frames.
    groups : sequence of str
        The video of each frame.
    method : str
        ``random``: any frame. ``video``: whole videos, so that the test part shows animals or days never trained on;
        sizes are as near to `fraction` as whole videos allow. ``contiguous``: one stretch of each video, because
        neighbouring frames look alike. ``file``: as `file` says.
    fraction : float
        Share of the frames that train, in (0, 1).
    seed : int
        The same seed, frames and options give the same split.
    validation : float
        Share of the training frames, in [0, 1), that is set aside by the same method, for choosing a snapshot.
    file : Path or None
        With ``method="file"``: a json, csv or txt file, see `dlc_core.data.split_files`.

    Raises
    ------
    ConfigError
        An option makes no sense.
    DataError
        A part would be empty, or the file names frames that do not exist.
    """
    check_split_options(method, validation, file)
    order, generator = list(images), np.random.default_rng(seed)
    video = dict(zip(images, groups, strict=True))
    held: set[str] = set()
    if method == "file":
        assert file is not None
        parts = read_split_file(file, order)
        test = set(parts.test)
        train = set(parts.train) if parts.train is not None else set(order) - test - set(parts.validation)
        held = set(parts.validation)
        _check_file_parts(file, train, test)
        unused = len(order) - len(train | test | held)
        if unused:
            say(f"{unused} labelled frames are in no part of {file}, which names the frames to train on")
        method_of_rest = "random"
    else:
        wanted = len(order) - train_size(len(order), fraction)
        test = _METHODS[method](order, video, wanted, generator)
        train = set(order) - test
        method_of_rest = method
    if validation > 0 and not held:
        held = _hold_out_validation(
            method_of_rest, [name for name in order if name in train], video, validation, generator
        )
        train -= held
    return Split(
        train=tuple(name for name in order if name in train),
        test=tuple(name for name in order if name in test),
        validation=tuple(name for name in order if name in held),
        method=method,
        seed=seed,
    )


def fold_split(images: Sequence[str], fold: int, folds: int = 5, seed: int = 0) -> Split:
    """Divide labelled frames for cross-validation: each frame is tested on in exactly one fold.

    Parameters
    ----------
    images : sequence of str
        All labelled frames of the iteration.
    fold : int
        Which fold is the test part, in [0, folds).
    folds : int
        Number of folds, from 2 to the number of frames. Their sizes differ by one frame at most.
    seed : int
        The same for all folds of one cross-validation.

    Raises
    ------
    ConfigError
        There is no such fold, or there are more folds than frames.
    """
    if not 2 <= folds <= len(images):
        raise ConfigError(
            f"split.folds is {folds}; {len(images)} labelled frames can be divided into 2 to {len(images)}."
        )
    if not 0 <= fold < folds:
        raise ConfigError(f"split.fold is {fold}; with split.folds={folds} folds are numbered 0 to {folds - 1}.")
    shuffled = np.random.default_rng(seed).permutation(len(images))
    test = {int(index) for index in shuffled[fold::folds]}
    return Split(
        train=tuple(name for index, name in enumerate(images) if index not in test),
        test=tuple(name for index, name in enumerate(images) if index in test),
        method="fold",
        seed=seed,
    )


def check_split_options(method: str, validation: float, file: Path | None) -> None:
    """Check the options of a split that is made here.

    Raises
    ------
    ConfigError
        There is no such method, the share makes no sense, or the file belongs to another method.
    """
    if method not in (*_METHODS, "file"):
        raise ConfigError(f"split.method is {method!r}. {suggest(method, METHODS)}Known: {', '.join(METHODS)}.")
    if not 0 <= validation < 1:
        raise ConfigError(
            f"split.validation is {validation}; a share of the training frames, from 0 to below 1, is needed."
        )
    if (file is not None) != (method == "file"):
        raise ConfigError(
            f"split.method={method} and split.file={file} do not go together; split.method=file needs split.file=PATH, "
            "and the other methods take no file."
        )


def _check_file_parts(file: Path, train: set[str], test: set[str]) -> None:
    for part, names in (("train", train), ("test", test)):
        if not names:
            raise DataError(f"{file} leaves no labelled frame to {part} on. Move some frames to the {part} part.")


def _hold_out_validation(
    method: str, train: list[str], video: Mapping[str, str], share: float, generator: np.random.Generator
) -> set[str]:
    wanted = max(1, round(share * len(train)))
    if wanted >= len(train):
        raise DataError(
            f"split.validation={share} of {len(train)} training frames leaves none to train on. Choose a smaller share."
        )
    return _METHODS[method](train, video, wanted, generator)


def _random_frames(
    images: list[str],
    video: Mapping[str, str],  # noqa: ARG001  every method has the same arguments
    wanted: int,
    generator: np.random.Generator,
) -> set[str]:
    return {images[index] for index in generator.permutation(len(images))[:wanted]}


def _whole_videos(images: list[str], video: Mapping[str, str], wanted: int, generator: np.random.Generator) -> set[str]:
    """Return the frames of a random set of videos, as near to `wanted` frames as any set of videos comes."""
    sizes: dict[str, int] = {}
    for name in images:
        sizes[video[name]] = sizes.get(video[name], 0) + 1
    if len(sizes) < 2:
        raise DataError(
            f"split.method=video needs labelled frames of at least 2 videos; all {len(images)} are of "
            f"{next(iter(sizes))!r}. Use split.method=contiguous or random, or label frames of another video."
        )
    names = [str(name) for name in generator.permutation(sorted(sizes))]
    reached: dict[int, tuple[str, ...]] = {0: ()}  # number of frames -> the first set of videos that has as many
    for name in names:
        for frames, chosen in list(reached.items()):
            reached.setdefault(frames + sizes[name], (*chosen, name))
    best = min((frames for frames in reached if 0 < frames < len(images)), key=lambda frames: abs(frames - wanted))
    return {name for name in images if video[name] in reached[best]}


def _contiguous_frames(
    images: list[str], video: Mapping[str, str], wanted: int, generator: np.random.Generator
) -> set[str]:
    """Return one stretch of frames of each video, in order of time; together exactly `wanted` frames."""
    by_video: dict[str, list[str]] = {}
    for name in sorted(images, key=_in_time):
        by_video.setdefault(video[name], []).append(name)
    shares = {key: wanted * len(frames) / len(images) for key, frames in by_video.items()}
    counts = {key: int(share) for key, share in shares.items()}
    by_remainder = sorted(counts, key=lambda key: (counts[key] - shares[key], key))
    for key in by_remainder[: wanted - sum(counts.values())]:
        counts[key] += 1
    held: set[str] = set()
    for key in sorted(by_video):
        frames, count = by_video[key], counts[key]
        start = int(generator.integers(0, len(frames) - count + 1))
        held.update(frames[start : start + count])
    return held


def _in_time(name: str) -> tuple[object, ...]:
    """Return a sort key in which img9 comes before img10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


_METHODS: dict[str, Callable[[list[str], Mapping[str, str], int, np.random.Generator], set[str]]] = {
    "random": _random_frames,
    "video": _whole_videos,
    "contiguous": _contiguous_frames,
}

METHODS = (*_METHODS, "file", "deeplabcut")
"""What ``split.method`` takes; the last is what `dlc_core.data.create` makes of DeepLabCut's own files."""
