"""The keys of a project's config.yaml (Box 1 of the DeepLabCut protocol): default, meaning and type, in one table.

To add a key, add a row to `BOX1` and a field of the same name to `dlc_core.project.config.ProjectConfig`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Box1Key:
    """One key of config.yaml.

    Parameters
    ----------
    key : str
        As written in the file.
    default : object
        What a project without the key gets, and what a new project writes; None where it depends on the project.
    meaning : str
        One line, for the file itself and for the documentation.
    expected : str
        The type in words, for error messages.
    read : callable
        Returns the value with its type, or raises ValueError.
    field : str
        Name of the attribute of `ProjectConfig`.
    written : bool
        Whether a new project's file holds the key. DeepLabCut 3 refuses a file with keys it does not know.
    """

    key: str
    default: Any
    meaning: str
    expected: str
    read: Reader
    field: str
    written: bool = True


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list | bool):
        raise ValueError(value)  # noqa: TRY004 - every reader raises ValueError
    return str(value)


def _name(value: Any) -> str:
    text = _text(value).strip()
    if not text:
        raise ValueError(value)
    return text


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004
    try:
        return float(value)
    except TypeError as exc:
        raise ValueError(value) from exc


def _within(low: float, high: float) -> Reader:
    def read(value: Any) -> float:
        number = _number(value)
        if not low <= number <= high:
            raise ValueError(value)
        return number

    return read


def _integer(low: int | None = None) -> Reader:
    def read(value: Any) -> int:
        number = _number(value)
        if not number.is_integer() or (low is not None and number < low):
            raise ValueError(value)
        return int(number)

    return read


def _positive(value: Any) -> float | int:
    number = _number(value)
    if not 0 < number < float("inf"):
        raise ValueError(value)
    return int(number) if number.is_integer() else number


def _flag(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false", "yes", "no", "on", "off"}:
        return value.lower() in {"true", "yes", "on"}
    if not isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004
    return value


def _list(value: Any, read: Reader) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(value)  # noqa: TRY004
    return [read(item) for item in value]


def _names(value: Any) -> tuple[str, ...]:
    names = tuple(_list(value, _name))
    if not names or len(set(names)) < len(names):
        raise ValueError(value)
    return names


def _pair(value: Any) -> tuple[str, str]:
    first, second = _list(value, _name)  # ValueError unless there are two
    if first == second:
        raise ValueError(value)
    return first, second


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple(_list(value, _pair))


def _joined(value: Any) -> tuple[tuple[str, str], ...]:
    chains = _list(value, lambda item: _list(item, _name))
    return tuple(pair for chain in chains for pair in pairwise(chain))


def _fractions(value: Any) -> tuple[float, ...]:
    fractions = tuple(_list(value if isinstance(value, list) else [value], _number))
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions):
        raise ValueError(value)
    return fractions


def _two_integers(value: Any) -> tuple[int, int]:
    x, y = _list(value, _integer())
    return x, y


def _snapshot(value: Any) -> int | str:
    if value in ("all", "best", "best_on_test"):
        return str(value)
    return int(_integer()(value))


def _videos(value: Any) -> dict[str, str]:
    if value == []:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(value)  # noqa: TRY004
    return {str(path): _crop_text(options) for path, options in value.items()}


def _crop_text(options: Any) -> str:
    if options is None:
        return ""
    if not isinstance(options, Mapping):
        raise ValueError(options)  # noqa: TRY004
    crop = options.get("crop")
    return ", ".join(map(str, crop)) if isinstance(crop, list) else str(crop or "")


_FRACTION = "a number from 0 to 1"
_COORDINATE = "a whole number of pixels from 0"
_TRUTH = "true or false"

BOX1 = (
    Box1Key("Task", None, "name of the project", "a name", _name, "task"),
    Box1Key("scorer", None, "who labels; part of the name of every label table", "a name", _name, "scorer"),
    Box1Key("date", "", "day on which the project was made; part of the name of every run", "a text", _text, "date"),
    Box1Key(
        "multianimalproject",
        False,
        "whether several animals are labelled in a frame",
        _TRUTH,
        _flag,
        "multianimalproject",
    ),
    Box1Key(
        "project_path",
        "",
        "where the project was made; ignored, the place of this file counts",
        "a path",
        _text,
        "project_path",
    ),
    Box1Key(
        "video_sets",
        {},
        "the videos, each with its crop x1, x2, y1, y2",
        "a table of video paths, each with `crop: x1, x2, y1, y2`",
        _videos,
        "video_sets",
    ),
    Box1Key(
        "bodyparts",
        ("hand", "Finger1", "Finger2", "Joystick"),
        "names of the points to be labelled",
        "a list of names, each once",
        _names,
        "bodyparts",
    ),
    Box1Key("start", 0.0, "frames are extracted from this fraction of the video on", _FRACTION, _within(0, 1), "start"),
    Box1Key("stop", 1.0, "... and up to this fraction", _FRACTION, _within(0, 1), "stop"),
    Box1Key(
        "numframes2pick",
        20,
        "how many new frames to extract from a video",
        "a whole number from 1",
        _integer(1),
        "numframes2pick",
    ),
    Box1Key(
        "skeleton",
        (),
        "pairs of body parts joined by a line in pictures",
        "a list of pairs of body parts",
        _joined,
        "skeleton_edges",
    ),
    Box1Key("skeleton_color", "black", "colour of these lines", "a colour's name", _name, "skeleton_color"),
    Box1Key(
        "symmetric_bodyparts",
        (),
        "pairs that change places in a mirrored image, as in [[leftear, rightear]]",
        "a list of pairs of body parts",
        _pairs,
        "symmetric_bodyparts",
        written=False,
    ),
    Box1Key("pcutoff", 0.1, "points with a lower likelihood count as uncertain", _FRACTION, _within(0, 1), "pcutoff"),
    Box1Key(
        "dotsize", 12, "size of the marks in pictures and videos, pixels", "a number above 0", _positive, "dotsize"
    ),
    Box1Key("alphavalue", 0.5, "opacity of the marks", _FRACTION, _within(0, 1), "alphavalue"),
    Box1Key("colormap", "hsv", "Matplotlib colour map of the body parts", "a colour map's name", _name, "colormap"),
    Box1Key(
        "TrainingFraction",
        (0.95,),
        "shares of the labelled frames that are trained on, one training set each",
        "a list of fractions above 0 and below 1, like [0.95]",
        _fractions,
        "training_fractions",
    ),
    Box1Key(
        "iteration",
        0,
        "round of refinement; each has its own training sets",
        "a whole number from 0",
        _integer(0),
        "iteration",
    ),
    Box1Key("default_net_type", "resnet_50", "network to train", "a network's name", _name, "default_net_type"),
    Box1Key(
        "default_augmenter",
        "default",
        "how training images are varied",
        "an augmenter's name",
        _name,
        "default_augmenter",
        written=False,
    ),
    Box1Key(
        "snapshotindex",
        -1,
        "which saved step to evaluate and use: -1 the last, all, best (by validation), best_on_test",
        "a whole number, all, best or best_on_test",
        _snapshot,
        "snapshotindex",
    ),
    Box1Key(
        "batch_size",
        8,
        "frames that are analysed together, at most",
        "a whole number from 1",
        _integer(1),
        "batch_size",
    ),
    Box1Key("cropping", False, "whether to analyse only the part of the frame given below", _TRUTH, _flag, "cropping"),
    Box1Key("x1", 0, "left edge of that part", _COORDINATE, _integer(0), "x1"),
    Box1Key("x2", 640, "right edge, not included", _COORDINATE, _integer(0), "x2"),
    Box1Key("y1", 277, "upper edge", _COORDINATE, _integer(0), "y1"),
    Box1Key("y2", 624, "lower edge, not included", _COORDINATE, _integer(0), "y2"),
    Box1Key(
        "corner2move2",
        (50, 50),
        "where refinement puts points that are not visible",
        "two whole numbers",
        _two_integers,
        "corner2move2",
    ),
    Box1Key(
        "move2corner", False, "whether refinement moves points outside the image there", _TRUTH, _flag, "move2corner"
    ),
)

OTHER_SPELLINGS = {"p-cutoff": "pcutoff", "numframes2extract": "numframes2pick", "resnet": "default_net_type"}
"""Keys of older config.yaml files and of the protocol's text, and the keys they stand for."""

KNOWN_ELSEWHERE = frozenset(
    {
        "config_version", "identity", "pose_config_path", "engine", "individuals", "uniquebodyparts",
        "multianimalbodyparts", "default_track_method", "detector_snapshotindex", "detector_batch_size",
        "SuperAnimalConversionTables", "croppedtraining", "with_identity", "unique_bodyparts", "bboxes_pcutoff",
    }
)  # fmt: skip
"""Keys that DeepLabCut writes and this project does not use; they are kept and never reported as misspelt."""
