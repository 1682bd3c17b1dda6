"""Where trained networks live: one training is one run, one run is one folder.

::

    dlc-models-core/iteration-0/<Task><date>-trainset95shuffle1/      the shuffle's folder
        train/pose_cfg.yaml                                           options of the shuffle
        resnet50-20300131-120000/                                     a run
            config.yaml  sources.yaml  log.csv  snapshot_0050000.ckpt  best-validation_50000.ckpt  evaluation/
        width-sweep/1f0c2ab4/                                         a run of a sweep, called width-sweep/1f0c2ab4
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_core.console import counted, warn
from dlc_core.errors import RunError, RunTakenError, suggest
from dlc_core.files import check_name, disk_error
from dlc_core.project.address import RunAddress, check_shuffle
from dlc_core.project.project import Project
from dlc_core.project.run_names import DEEPLABCUTS, check_run_name
from dlc_core.project.run_times import LOG, saved_s, started_s
from dlc_core.project.yaml_text import plain, read_yaml

CONFIG, SOURCES, EVALUATION = "config.yaml", "sources.yaml", "evaluation"
_SNAPSHOT = re.compile(r"(snapshot|best-validation|best-on-test)_(\d+)\.ckpt")
_SHUFFLE_FOLDER = re.compile(r".+-trainset\d+shuffle\d+")


@dataclass(frozen=True)
class Snapshot:
    """A saved step of a run.

    Parameters
    ----------
    path : Path
        The checkpoint.
    step : int
        How many steps it was trained.
    name : str
        The file's name without suffix.
    selected_on_test : bool
        Whether it was chosen because it was best on the test images; its test error is too good then.
    """

    path: Path
    step: int
    name: str
    selected_on_test: bool


@dataclass(frozen=True)
class ForeignSnapshot:
    """A snapshot that DeepLabCut itself wrote; listed, never loaded.

    Parameters
    ----------
    path : Path
        The file.
    engine : str
        ``pytorch`` or ``tensorflow``.
    """

    path: Path
    engine: str


@dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    folder : Path
        Its folder.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The name that ``run=`` takes: the path below the shuffle's folder, with forward slashes."""
        for parent in self.folder.parents:
            if _SHUFFLE_FOLDER.fullmatch(parent.name):
                return self.folder.relative_to(parent).as_posix()
        return self.folder.name

    @property
    def changed_s(self) -> float:
        """When the last step was saved (else, when the run was started), in seconds since 1970.

        What the run wrote down counts, else the time of the file, which changes when a project is copied.
        """
        saved = self.snapshots()
        recorded = saved_s(self.folder, saved[-1].step) if saved else started_s(self.folder)
        if recorded is not None:
            return recorded
        log = self.folder / LOG
        file = saved[-1].path if saved else log if log.is_file() else self.folder
        return file.stat().st_mtime

    def snapshots(self) -> list[Snapshot]:
        """Return the saved steps that ``snapshotindex`` counts, the last step last; no best ones."""
        return [snapshot for snapshot in self._saved() if snapshot.name.startswith("snapshot_")]

    def select(self, snapshotindex: int | str = -1) -> list[Snapshot]:
        """Return the saved steps that `snapshotindex` means.

        Parameters
        ----------
        snapshotindex : int or str
            Index of a saved step (-1 the last), ``all``, ``best`` (by validation), or ``best_on_test``.

        Raises
        ------
        RunError
            There is no such step; says which there are.
        """
        if snapshotindex in ("best", "best_on_test"):
            return [self._best(on_test=snapshotindex == "best_on_test")]
        saved = self.snapshots()
        if not saved:
            raise RunError(
                f"the run {self.name} has no snapshot yet: {self.folder} holds no snapshot_*.ckpt. Train first."
            )
        if snapshotindex == "all":
            return saved
        try:
            return [saved[int(snapshotindex)]]
        except ValueError as exc:
            raise RunError(
                f"snapshotindex={snapshotindex!r} is unknown; a whole number, all, best or best_on_test is expected."
            ) from exc
        except IndexError as exc:
            raise RunError(
                f"snapshotindex={snapshotindex}, but the run {self.name} has {counted(len(saved), 'saved step')} "
                f"({', '.join(str(snapshot.step) for snapshot in saved)}). Take one from 0, or -1 for the last."
            ) from exc

    def config(self) -> dict[str, Any]:
        """Return the resolved configuration the run was started with.

        Raises
        ------
        RunError
            The folder holds none.
        """
        file = self.folder / CONFIG
        if not file.is_file():
            raise RunError(f"{self.folder} holds no {CONFIG}, so it is no run. Give the folder of a run.")
        return dict(plain(read_yaml(file)))

    def is_taken(self) -> bool:
        """Tell whether something was trained here: a log or a snapshot exists."""
        return (self.folder / LOG).exists() or bool(self._saved())

    def _best(self, *, on_test: bool) -> Snapshot:
        prefix = "best-on-test_" if on_test else "best-validation_"
        best = [snapshot for snapshot in self._saved() if snapshot.name.startswith(prefix)]
        if best:
            return best[-1]
        if on_test:
            raise RunError(f"the run {self.name} has no best-on-test snapshot. Take snapshotindex=-1, the last step.")
        raise RunError(
            f"the run {self.name} has no snapshot chosen by validation. Take snapshotindex=-1 (the last step), all or "
            "best_on_test, or make a training set with split.validation above 0 and train again."
        )

    def _saved(self) -> list[Snapshot]:
        found = []
        for path in self.folder.glob("*.ckpt"):
            match = _SNAPSHOT.fullmatch(path.name)
            if match:
                found.append(Snapshot(path, int(match[2]), path.stem, match[1] == "best-on-test"))
        return sorted(found, key=lambda snapshot: (snapshot.step, snapshot.name))


def shuffle_folder(project: Project, fraction: float, shuffle: int, iteration: int | None = None) -> Path:
    """Return the folder of a shuffle, ``dlc-models-core/iteration-N/<Task><date>-trainset<F>shuffle<S>``.

    Parameters
    ----------
    project : Project
        The project.
    fraction : float
        Share of the labelled frames that is trained on; F is its percentage without decimals, as DeepLabCut counts.
    shuffle : int
        Number of the shuffle.
    iteration : int or None
        None for the current one.

    Raises
    ------
    ConfigError
        There can be no such shuffle or iteration.
    """
    check_shuffle(shuffle)
    name = f"{project.name}{project.date}-trainset{int(100 * fraction)}shuffle{shuffle}"
    return project.models_folder(iteration) / name


def runs_of(folder: Path) -> list[Run]:
    """Return the runs below a shuffle's folder, those of sweeps included, the newest last."""
    return sorted(_runs_below(folder), key=lambda run: (run.changed_s, run.name))


def find_run(project: Project | None, address: RunAddress) -> Run:
    """Return the run that ``run= shuffle= trainingsetindex= iteration=`` mean.

    Parameters
    ----------
    project : Project or None
        None where there is none; the address must be the path of a run's folder then.
    address : RunAddress
        ``latest`` is the run whose last saved step is the youngest; a name counts before a path.

    Raises
    ------
    ConfigError
        TrainingFraction has no entry `trainingsetindex`.
    RunError
        There is no such run; names the ones that exist.
    """
    path = Path(address.run).expanduser()
    if project is None:
        if address.run == "latest" or not _is_run(path):
            raise RunError(
                f"no project here, and run={address.run} is no run's folder. Change into a project, give it with -p, "
                "or give the path of a run's folder."
            )
        return Run(path.absolute())
    fraction = project.training_fraction(address.trainingsetindex)
    folder = shuffle_folder(project, fraction, address.shuffle, address.iteration)
    runs = runs_of(folder)
    if address.run == "latest":
        return _latest(project, folder, runs)
    named = [run for run in runs if run.name == address.run]
    if named:
        return named[0]
    if _is_run(path):
        return Run(path.absolute())
    names = [run.name for run in runs]
    if of_sweep := [name for name in names if name.startswith(f"{address.run}/")]:
        raise RunError(
            f"{address.run} is a sweep of {counted(len(of_sweep), 'run')}: {', '.join(of_sweep)}. Name one of them, "
            f"like run={of_sweep[0]}; `dlc evaluate run={address.run}` compares all."
        )
    known = f"Known: {', '.join(names)}." if names else "There is none yet; train first, or give another shuffle=."
    theirs = "" if names else _foreign_note(project)
    raise RunError(f"no run {address.run!r} in {folder}. {suggest(address.run, names)}{known}{theirs}")


def new_run_folder(folder: Path, name: str, resume: bool = False) -> Path:
    """Return the folder for a run called `name` below a shuffle's `folder`, made if it is not there.

    Raises
    ------
    RunTakenError
        The folder holds a log or a snapshot and `resume` is False.
    RunError
        The name cannot be used, or one of the two would lie inside the other: a run, and a folder of runs of that
        name.
    DiskError
        The folder cannot be made.
    """
    target = folder
    for part in check_run_name(name):
        target = check_name(target / part, "Use a shorter run=")
    run = Run(target)
    if run.is_taken() and not resume:
        raise RunTakenError(
            f"the run {name} exists: {target} holds a log or snapshots. Continue it with resume=true, or choose "
            "another name with run=."
        )
    _refuse_nested(folder, name)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise disk_error(target, exc) from exc
    return target


def scorer(project_name_date: str, backbone: str, shuffle: int, run_name: str, step: int) -> str:
    """Return the name of a network's predictions, part of every file and table that holds them.

    Parameters
    ----------
    project_name_date : str
        Task and date of the project, one after the other.
    backbone : str
        Chosen backbone or preset; written like DeepLabCut writes network names (resnet50 becomes Resnet50,
        efficientnet_lite0 becomes EfficientnetLite0).
    shuffle, step : int
        Number of the shuffle; saved step.
    run_name : str
        Name of the run; a slash becomes a hyphen.
    """
    network = "".join(part[:1].upper() + part[1:] for part in backbone.split("_"))
    run = re.sub(r"[/\\]", "-", run_name)
    return f"DLC_{network}_{project_name_date}shuffle{shuffle}_{run}_snapshot_{step}"


def foreign_snapshots(project: Project) -> list[ForeignSnapshot]:
    """Return the snapshots that DeepLabCut wrote in this project, sorted by path."""
    patterns = (("dlc-models-pytorch", "*.pt", "pytorch"), ("dlc-models", "*.index", "tensorflow"))
    return [
        ForeignSnapshot(path, engine)
        for folder, pattern, engine in patterns
        for path in sorted((project.root / folder).glob(f"iteration-*/*/train/snapshot{pattern}"))
    ]


def _is_run(folder: Path) -> bool:
    return folder.is_dir() and (Run(folder).is_taken() or (folder / SOURCES).is_file())


def _runs_below(folder: Path) -> Iterator[Run]:
    for child in folder.glob("*/"):
        if child.name in DEEPLABCUTS:
            continue
        if _is_run(child):
            yield Run(child)
        yield from (Run(grandchild) for grandchild in child.glob("*/") if _is_run(grandchild))


def _refuse_nested(folder: Path, name: str) -> None:
    """Refuse a name whose first part is a run already, or that is the folder of other runs (those of a sweep)."""
    first, _, rest = name.partition("/")
    if rest and _is_run(folder / first):
        raise RunError(f"run={name}: {first} is a run itself, in {folder}. Choose another name before the slash.")
    inside = [] if rest else sorted(child.name for child in (folder / name).glob("*/") if _is_run(child))
    if inside:
        raise RunError(
            f"run={name}: {folder / name} holds other runs ({', '.join(inside[:3])}{', ...' * (len(inside) > 3)}). "
            "Choose another name."
        )


def _foreign_note(project: Project) -> str:
    """Return a sentence on DeepLabCut's own snapshots if there are some."""
    theirs = foreign_snapshots(project)
    names = [f"{one.path.relative_to(project.root)} ({one.engine})" for one in theirs[:3]]
    more = f" and {len(theirs) - 3} more" if len(theirs) > 3 else ""
    return f" DeepLabCut's own cannot be used here: {', '.join(names)}{more}." if theirs else ""


def _latest(project: Project, folder: Path, runs: list[Run]) -> Run:
    trained = [run for run in runs if run.snapshots()]
    if not trained:
        begun = f" ({', '.join(run.name for run in runs)} saved no step yet)" if runs else ""
        raise RunError(
            f"no trained network in {folder}{begun}. Run `dlc train`, or give another shuffle= or run=."
            f"{_foreign_note(project)}"
        )
    if trained[-1] is not runs[-1]:
        warn(f"run=latest is {trained[-1].name}: {runs[-1].name} is newer but has saved no step yet.")
    return trained[-1]
