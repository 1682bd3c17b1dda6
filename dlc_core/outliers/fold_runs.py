"""The networks of a cross-validation: one run a fold, none trained on the frames it is asked about.

``dlc train -m split.fold=0,1,2,3,4`` makes them; each run records fold, folds and seed among its options.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlc_core.errors import RunError
from dlc_core.project.address import RunAddress
from dlc_core.project.runs import CONFIG, SOURCES, Run, runs_of, shuffle_folder
from dlc_core.project.yaml_text import plain, read_yaml

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_FOLDS = 5  # of a cross-validation nobody has begun
_CHOICE = re.compile(r"(\w+)=(\S+) \(command line\)")
_OF_ONE_RUN = {"run", "sweep", "resume", "seed", "shuffle", "trainingsetindex", "iteration", "training.pose_cfg"}


@dataclass(frozen=True)
class FoldRuns:
    """The runs of one cross-validation.

    Parameters
    ----------
    folds : int
        Into how many parts the labelled frames were divided.
    seed : int
        Of the division and the trainings.
    runs : mapping of int to Run
        By fold; the newest that has saved a step, where a fold was trained several times.
    begun : mapping of int to Run
        Those of the other folds that have saved no step yet.
    """

    folds: int
    seed: int
    runs: Mapping[int, Run]
    begun: Mapping[int, Run]

    @property
    def missing(self) -> list[int]:
        """The folds without a trained network."""
        return [fold for fold in range(self.folds) if fold not in self.runs]

    @property
    def changed_s(self) -> float:
        """When the last network was saved, in seconds since 1970."""
        return max(run.changed_s for run in (*self.runs.values(), *self.begun.values()))


def find_fold_runs(project: Project, address: RunAddress) -> FoldRuns:
    """Return the networks of a complete cross-validation of a shuffle; of several, the one that was trained last.

    Parameters
    ----------
    project : Project
    address : RunAddress
        ``run`` is ``latest`` for any run of the shuffle, or the name of a sweep. ``snapshotindex`` does not count.

    Raises
    ------
    RunError
        None is complete: says which folds are missing and the command that trains them.
    """
    fraction = project.training_fraction(address.trainingsetindex)
    folder = shuffle_folder(project, fraction, address.shuffle, address.iteration)
    runs = runs_of(folder)
    if address.run != "latest":
        known = dict.fromkeys(run.name.rpartition("/")[0] or run.name for run in runs)
        if address.run not in known:
            raise RunError(
                f"no sweep {address.run!r} in {folder}; there are {', '.join(known) or 'no runs'}. "
                f"Name the sweep that trained the folds, or train them: {_command(project, address, range(_FOLDS))}"
            )
        runs = [run for run in runs if address.run in (run.name, run.name.rpartition("/")[0])]
    found = _cross_validations(runs)
    if not found:
        raise RunError(
            f"wrong labels are found by networks that have not seen them, and no run of shuffle {address.shuffle} was "
            f"trained with split.fold (folds 0 to {_FOLDS - 1} are missing). Train them: "
            f"{_command(project, address, range(_FOLDS))}"
        )
    complete = [one for one in found if not one.missing]
    if complete:
        return max(complete, key=lambda one: one.changed_s)
    raise _incomplete(project, address, max(found, key=lambda one: (-len(one.missing), one.changed_s)))


def _cross_validations(runs: Iterable[Run]) -> list[FoldRuns]:
    """Return the runs with a fold, put together by number of folds and seed; the newest come last and win."""
    groups: dict[tuple[int, int], tuple[dict[int, Run], dict[int, Run]]] = {}
    for run in runs:
        if not (run.folder / CONFIG).is_file():
            continue
        config = run.config()
        split = config.get("split") or {}
        if split.get("fold") is None:
            continue
        trained, begun = groups.setdefault((int(split["folds"]), int(config["seed"])), ({}, {}))
        (trained if run.snapshots() else begun)[int(split["fold"])] = run
    return [
        FoldRuns(folds, seed, trained, {fold: run for fold, run in begun.items() if fold not in trained})
        for (folds, seed), (trained, begun) in groups.items()
    ]


def _incomplete(project: Project, address: RunAddress, found: FoldRuns) -> RunError:
    there = [f"{fold} ({run.name})" for fold, run in sorted(found.runs.items())]
    begun = [f"{run.name} (fold {fold}) has saved no step yet" for fold, run in sorted(found.begun.items())]
    missing = ", ".join(map(str, found.missing))
    return RunError(
        f"of the {found.folds} folds of seed {found.seed} these are trained: {', '.join(there) or 'none'}; "
        f"{'fold' if len(found.missing) == 1 else 'folds'} {missing} of split.folds={found.folds} "
        f"{'is' if len(found.missing) == 1 else 'are'} missing{''.join(f'; {text}' for text in begun)}. Train: "
        f"{_command(project, address, found.missing, found)}"
    )


def _command(project: Project, address: RunAddress, folds: Iterable[int], like: FoldRuns | None = None) -> str:
    """Return the command that trains some folds, with the options of those that are there."""
    wanted = [str(fold) for fold in folds]
    words = [f"split.fold={','.join(wanted)}"]
    if like is not None:
        words += [f"split.folds={like.folds}", f"seed={like.seed}"]
        words += _options((*like.runs.values(), *like.begun.values())[0])
    words += [f"shuffle={address.shuffle}"] if address.shuffle != 1 else []
    words += [f"trainingsetindex={address.trainingsetindex}"] if address.trainingsetindex else []
    words += [f"iteration={address.iteration}"] if address.iteration not in (None, project.iteration) else []
    several = ["-m"] if len(wanted) > 1 else []
    return shlex.join(["dlc", "train", *several, *dict.fromkeys(words)])


def _options(run: Run) -> list[str]:
    """Return the options that were given on the command line of a run, as they stand there.

    A budget in minutes has become one of steps, so that the new folds are trained as long as those that are there.
    """
    file = run.folder / SOURCES
    sources: dict[str, str] = dict(plain(read_yaml(file))) if file.is_file() else {}
    config, words = run.config(), []
    for option, source in sources.items():
        choice = _CHOICE.fullmatch(str(source))
        if choice:
            words.append(f"{choice[1]}={choice[2]}")
        elif source == "command line" and option not in _OF_ONE_RUN and not option.startswith("split."):
            name = "training.steps" if option == "training.minutes" else option
            words.append(f"{name}={_written(_value(config, name))}")
    return list(dict.fromkeys(words))


def _value(config: Mapping[str, Any], option: str) -> Any:
    node: Any = config
    for part in option.split("."):
        node = node[part]
    return node


def _written(value: Any) -> str:
    """Return a value in Hydra's spelling."""
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{_written(one)}' for key, one in value.items())}}}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
