"""How a sweep is called and where it keeps its jobs: one folder, which one process at a time may use."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc_core.errors import ConfigError, RunTakenError
from dlc_core.files import check_name, disk_error
from dlc_core.lock import holding
from dlc_core.verbs import Verb

if TYPE_CHECKING:
    from dlc_core.project.project import Project

_LOCK = "sweep.lock"
JOB_RECORD = "job.json"


def take_name(verb: Verb, overrides: Sequence[str]) -> tuple[str, list[str]]:
    """Return the name that ``sweep=`` gives, "" if none, and the overrides without it.

    Raises
    ------
    ConfigError, RunError
        It gives several names, or one that no folder of runs can have.
    """
    from dlc_core.plugin_api.composition import parsed
    from dlc_core.project.run_names import check_run_name

    name, kept = "", []
    for text, override in zip(overrides, parsed(verb.name, overrides), strict=True):
        if override.key_or_group != "sweep":
            kept.append(text)
        elif override.is_sweep_override():
            raise ConfigError(f"{text} gives several names; a sweep has one. Quote it if the comma belongs to it.")
        elif override.value() is not None:
            name = str(override.value())
            check_run_name(name, "sweep", levels=1)
    return name, kept


@contextmanager
def claimed_folder(verb: Verb, project: Project | None, overrides: Sequence[str], name: str = "") -> Iterator[Path]:
    """Yield the folder of a sweep, which no other process uses meanwhile; without a name it is called by the time.

    It lies below the networks of the iteration that `overrides` ask for, outside a project in the working directory.
    If nothing was done in it, it is removed.

    Raises
    ------
    RunTakenError
        A sweep of that name is running.
    DiskError
        The folder cannot be made.
    """
    from dlc_core.plugin_api.composition import parsed

    asked = [override for override in parsed(verb.name, overrides) if override.key_or_group == "iteration"]
    one = bool(asked) and not asked[-1].is_sweep_override() and isinstance(asked[-1].value(), int)
    iteration: Any = asked[-1].value() if one else None
    root = (project.models_folder(iteration) if project is not None else Path.cwd()) / "sweeps"
    folder = check_name(root / name, "Use a shorter sweep=") if name else _new_by_time(root)

    def refusal(holder: str) -> RunTakenError:
        return RunTakenError(
            f"the sweep {folder.name} is being run by {holder}. Wait until it is done, or choose another name with "
            "sweep=."
        )

    try:
        with holding(folder / _LOCK, refusal):
            yield folder
    finally:
        if not any(folder.glob(f"*/{JOB_RECORD}")):
            (folder / "multirun.yaml").unlink(missing_ok=True)  # Hydra writes it before the first job
        with suppress(OSError):  # it holds jobs
            folder.rmdir()


def _new_by_time(root: Path) -> Path:
    """Make a folder that is called by the time, with a number if another sweep began in the same second."""
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for number in itertools.count(1):
        folder = root / (now if number == 1 else f"{now}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as exc:
            raise disk_error(folder, exc) from exc
        return folder
    raise AssertionError("unreachable: there is always a next number")
