"""The folder of a training: found or made, and held, so that no two trainings ever write into one.

Of several processes that train together the first one names, makes and holds the folder, and tells the others by the
environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.errors import ConfigError, DiskError, DlcError, RunTakenError
from dlc_core.lock import holding
from dlc_core.project.runs import CONFIG, SOURCES, Run, new_run_folder, shuffle_folder
from dlc_core.training.record import RECORD_FILE

if TYPE_CHECKING:
    from dlc_core.project.project import Project

LOCK_FILE = "training.lock"
_FOR_PROCESSES = "DLC_RUN_FOLDER"


def shuffle_folder_of(project: Project, config: Mapping[str, Any]) -> Path:
    """Return the folder of the runs of the shuffle that the options name."""
    fraction = project.training_fraction(int(config["trainingsetindex"]))
    return shuffle_folder(project, fraction, int(config["shuffle"]), config["iteration"])


def held(run: Run) -> AbstractContextManager[None]:
    """Return a context in which the run is this training's alone.

    Raises
    ------
    RunTakenError
        Another process trains it; the message says which.
    DiskError
        The folder cannot be written into.
    """

    def refusal(holder: str) -> RunTakenError:
        return RunTakenError(
            f"the run {run.name} is being trained by {holder} ({run.folder}). Wait until that training is done, or "
            "choose another name with run=."
        )

    return holding(run.folder / LOCK_FILE, refusal)


def claim(shuffle: Path, name: str | None, backbone: str, rank: int, holds: ExitStack) -> Path:
    """Return the folder of a new run, which `holds` keeps for this training until it is closed.

    Parameters
    ----------
    shuffle : Path
        Folder of the shuffle.
    name : str or None
        ``run=``; None names it after `backbone` and the time, with a number where that is taken.
    backbone : str
        As chosen.
    rank : int
        Of this process among those that train together; only the first one holds anything.
    holds : ExitStack

    Raises
    ------
    ConfigError
        Several processes would each name the run.
    RunTakenError
        The name is that of another training.
    RunError, DiskError
        The folder cannot have that name, or cannot be made.
    """
    if rank > 0:
        if _FOR_PROCESSES in os.environ:
            return Path(os.environ[_FOR_PROCESSES])
        if name is None:
            raise ConfigError("several processes train together and each would name its run; give run=NAME.")
        return new_run_folder(shuffle, name, resume=True)
    taken: list[Path] = []
    holds.push(partial(_leave_nothing, taken))  # pushed first, so done last, when the folder is let go
    folder = _hold(shuffle, name, holds) if name is not None else _hold_first_free(shuffle, backbone, holds)
    taken.append(folder)
    os.environ[_FOR_PROCESSES] = str(folder)
    return folder


def _leave_nothing(taken: list[Path], kind: type[BaseException] | None, *_: object) -> None:
    """Remove the folder of a new run that was refused before it trained: it would be the newest run, with no step.

    One that met a full disk stays, because it can be resumed.
    """
    refused = kind is not None and issubclass(kind, DlcError) and not issubclass(kind, DiskError)
    for folder in taken if refused else []:
        if not Run(folder).is_taken():
            with suppress(OSError):  # it holds something else
                for name in (CONFIG, SOURCES, RECORD_FILE):
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()


def hold_again(run: Run, rank: int, holds: ExitStack) -> None:
    """Hold the folder of a run that is resumed, like `claim` that of a new one."""
    if rank == 0:
        holds.enter_context(held(run))
        os.environ[_FOR_PROCESSES] = str(run.folder)


def forget() -> None:
    """Tell no more processes of the folder, because the training has ended."""
    os.environ.pop(_FOR_PROCESSES, None)


def _hold(shuffle: Path, name: str, holds: ExitStack) -> Path:
    folder = new_run_folder(shuffle, name)
    with ExitStack() as trying:
        trying.enter_context(held(Run(folder)))
        new_run_folder(shuffle, name)  # another training may have come and gone before it was held
        holds.push(trying.pop_all())
    return folder


def _hold_first_free(shuffle: Path, backbone: str, holds: ExitStack) -> Path:
    stem, number = f"{backbone}-{datetime.now():%Y%m%d-%H%M%S}", 1
    name = stem
    while True:
        try:
            return _hold(shuffle, name, holds)
        except RunTakenError:  # another one of the same second
            number += 1
            name = f"{stem}-{number}"


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """Say how a training goes on that a full disk ends: with `command`.

    Raises
    ------
    DiskError
        The block raised one.
    """
    try:
        yield
    except DiskError as exc:
        raise DiskError(f"{exc} Then `{command}` goes on.") from exc
