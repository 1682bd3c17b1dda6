"""A project on disk: where its folders are, what its config.yaml says, which videos it has."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlc_core.console import warn
from dlc_core.errors import ConfigError, ProjectError, suggest
from dlc_core.project.config import ProjectConfig, read_yaml
from dlc_core.skeleton import Skeleton
from dlc_core.video.crop import Crop

CONFIG_NAME = "config.yaml"
_SAID: set[str] = set()


@dataclass(frozen=True)
class Project:
    """A DeepLabCut project, wherever it lies now.

    Parameters
    ----------
    root : Path
        Its folder, absolute. ``project_path`` of config.yaml only tells which paths of ``video_sets`` were inside.
    config : ProjectConfig
        What its config.yaml says.
    """

    root: Path
    config: ProjectConfig

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Project:
        """Return the project in the folder `path`, or whose config.yaml `path` is.

        Raises
        ------
        ProjectError
            There is no config.yaml, or the project is a multi-animal one.
        ConfigError
            config.yaml cannot be used; names key, value and line.
        """
        given = Path(path)
        file = given / CONFIG_NAME if given.is_dir() else given
        if not os.path.lexists(file):
            what = f"the folder {given} has no {CONFIG_NAME}" if given.is_dir() else f"{given} does not exist"
            raise ProjectError(f"{what}. Expected a project's folder or its {CONFIG_NAME}; check the path.")
        file = file.absolute()
        config = ProjectConfig.load(file)
        for notice in config.notices:
            _say_once(notice)
        return cls(file.parent, config)

    @classmethod
    def find(cls, start: str | os.PathLike[str] = ".") -> Project:
        """Return the project of the nearest folder, from `start` upwards, that holds one.

        Raises
        ------
        ProjectError
            No folder upwards has one; names the folders searched.
        ConfigError
            A config.yaml on the way cannot be read, so that nobody knows whether it is the project's.
        """
        searched = _upwards(start)
        for folder in searched:
            if _stops_search(folder / CONFIG_NAME):
                return cls.open(folder)
        raise ProjectError(
            f"no project here: none of {', '.join(map(str, searched))} has a {CONFIG_NAME} with Task and scorer. "
            "Change into a project's folder, give it with -p, or make one with `dlc create-project`."
        )

    @classmethod
    def chosen(cls, path: str | os.PathLike[str] | None = None) -> Project | None:
        """Return the project that ``-p`` names, else the nearest one upwards, None if there is none upwards.

        Raises
        ------
        ProjectError, ConfigError
            The project that is named, or the nearest one, cannot be opened.
        """
        if path is not None:
            return cls.open(path)
        here = any(_stops_search(folder / CONFIG_NAME) for folder in _upwards("."))
        return cls.find() if here else None

    @property
    def name(self) -> str:
        """The project's name, ``Task`` in config.yaml."""
        return self.config.task

    @property
    def scorer(self) -> str:
        """Who labels."""
        return self.config.scorer

    @property
    def date(self) -> str:
        """When the project was made, like ``Oct30``."""
        return self.config.date

    @property
    def iteration(self) -> int:
        """The current round of refinement."""
        return self.config.iteration

    @property
    def training_fractions(self) -> tuple[float, ...]:
        """Shares of the labelled frames to train on; ``trainingsetindex`` counts them."""
        return self.config.training_fractions

    def training_fraction(self, trainingsetindex: int) -> float:
        """Return the share of the labelled frames that `trainingsetindex` means.

        Raises
        ------
        ConfigError
            There is no such entry; it counts from 0, and negative numbers mean nothing.
        """
        fractions = self.training_fractions
        if not 0 <= trainingsetindex < len(fractions):
            raise ConfigError(
                f"trainingsetindex={trainingsetindex}, but TrainingFraction of {self.config.path} has {len(fractions)} "
                f"entr{'y' if len(fractions) == 1 else 'ies'}: {list(fractions)}. Choose 0 to {len(fractions) - 1}."
            )
        return fractions[trainingsetindex]

    @property
    def labeled_data(self) -> Path:
        """The folder with one folder of frames and labels per video."""
        return self.root / "labeled-data"

    @cached_property
    def skeleton(self) -> Skeleton:
        """Body parts, edges and symmetric pairs; edges that name unknown body parts are left out with a notice."""
        names = self.config.bodyparts
        known = []
        for edge in self.config.skeleton_edges:
            unknown = [name for name in edge if name not in names]
            if unknown:
                _say_once(
                    f"{self.config.path}: the skeleton joins {' and '.join(edge)}, but {unknown[0]!r} is no body part; "
                    f"the line is left out. {suggest(unknown[0], names)}".strip()
                )
            else:
                known.append(edge)
        return Skeleton(names, edges=tuple(known), symmetric=self.config.symmetric_bodyparts)

    def dataset_folder(self, iteration: int | None = None) -> Path:
        """Return the folder of the training sets of an iteration, by default the current one."""
        name = f"UnaugmentedDataSet_{self.name}{self.date}"
        return self.root / "training-datasets" / f"iteration-{self._iteration(iteration)}" / name

    def models_folder(self, iteration: int | None = None) -> Path:
        """Return the folder of the trained networks of an iteration, by default the current one."""
        return self.root / "dlc-models-core" / f"iteration-{self._iteration(iteration)}"

    def videos(self) -> dict[Path, Crop | None]:
        """Return the videos of ``video_sets`` that exist, each with its crop.

        A path inside the project as it was when config.yaml was written (``project_path``) is looked for inside the
        project as it is now, and one in ``videos/`` of another project in its own ``videos/``, so that a copy has its
        own videos. A path that does not exist here, or may not be looked
        at, is looked up by its name in ``videos/``; what is found nowhere is left out and listed by `missing_videos`.

        Raises
        ------
        ConfigError
            A crop cannot be read.
        """
        found: dict[Path, Crop | None] = {}
        for written, crop in self.config.video_sets.items():
            path = self._locate(written)
            if path is not None:
                found[path] = self._crop(written, crop)
        return found

    def entry_of(self, video: Path) -> str | None:
        """Return the path under which ``video_sets`` lists a video of `videos`, None if it does not."""
        return next((written for written in self.config.video_sets if self._locate(written) == video), None)

    def missing_videos(self) -> list[str]:
        """Return the paths of ``video_sets`` that are found neither as written nor by name in ``videos/``."""
        return [written for written in self.config.video_sets if self._locate(written) is None]

    def video_of(self, folder: str) -> Path | None:
        """Return the video whose frames lie in ``labeled-data/<folder>``: listed, or of that stem in ``videos/``."""
        for path in self.videos():
            if path.stem == folder:
                return path
        candidates = sorted(path for path in (self.root / "videos").glob("*") if path.stem == folder and _is_file(path))
        return candidates[0] if candidates else None

    def _locate(self, written: str) -> Path | None:
        inside, beside = _below(written, self.config.project_path), self.root / "videos" / file_name(written)
        places = [] if inside is None else [self.root / inside]
        path = self.root / Path(written).expanduser()  # an absolute path replaces the root
        is_of_a_project = path.parent.name == "videos" and _is_project(path.parent.parent / CONFIG_NAME)
        places += [beside, path] if is_of_a_project else [path, beside]  # a copy, if DeepLabCut renewed project_path
        return next((path for path in places if _is_file(path)), None)

    def _crop(self, written: str, crop: str) -> Crop | None:
        if not crop.strip():
            return None
        try:
            return Crop.parse(crop)
        except ConfigError as exc:
            line = self.config.lines["video_sets"]
            raise ConfigError(f"{self.config.path}, video_sets (line {line}), video {written}: {exc}") from exc

    def _iteration(self, iteration: int | None) -> int:
        if iteration is not None and iteration < 0:
            raise ConfigError(f"iteration is {iteration}; a whole number from 0 is needed.")
        return self.iteration if iteration is None else iteration


def file_name(path: str) -> str:
    """Return the last part of a path of any system, Windows included."""
    posix = PurePosixPath(path).name
    return PureWindowsPath(path).name if "\\" in posix else posix


def _below(path: str, folder: str) -> Path | None:
    """Return `path` relative to `folder`, both of any system and perhaps of another machine; None if it is outside."""
    kind = PureWindowsPath if "\\" in folder or PureWindowsPath(folder).drive else PurePosixPath
    if not folder or not kind(folder).is_absolute():
        return None
    try:
        return Path(*kind(path).relative_to(kind(folder)).parts)
    except ValueError:
        return None


def _is_file(path: Path) -> bool:
    """Tell whether there is a file; what this user may not look at counts as not there."""
    try:
        return path.is_file()
    except OSError:
        return False


def _upwards(start: str | os.PathLike[str]) -> list[Path]:
    first = Path(start).absolute()
    return [folder for folder in (first, *first.parents) if folder.is_dir()]


def _is_project(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return False
    return all(re.search(rf"^['\"]?{key}['\"]?\s*:", text, re.MULTILINE) for key in ("Task", "scorer"))


def _stops_search(file: Path) -> bool:
    """Tell whether there is a project, or a file that cannot be told from a damaged one; others' files are passed by.

    Another program's config.yaml is a table of keys without ``Task`` and ``scorer``.
    """
    if not os.path.lexists(file):
        return False
    if _is_project(file):
        return True
    try:
        read_yaml(file)
    except ConfigError:
        return True
    return False


def _say_once(notice: str) -> None:
    if notice not in _SAID:
        _SAID.add(notice)
        warn(notice)
