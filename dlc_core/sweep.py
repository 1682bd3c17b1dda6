"""Sweeps: Hydra enumerates and launches the jobs, each job is a child process ``dlc VERB ...``.

A crash, a kill or an out-of-memory ends that job alone: what Hydra calls starts a child, waits, records exit code
and log, and never raises. The layers of the configuration are composed in the child, so ``-m shuffle=1,2`` reads two
pose_cfg.yaml.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlc_core.console import say, warn
from dlc_core.files import write_text
from dlc_core.overrides import quote
from dlc_core.sweep_folder import JOB_RECORD
from dlc_core.verbs import Verb

JOB_FOLDER = "DLC_JOB_FOLDER"
_RESULT = "result.json"
_LOG = "log.txt"
_ARGUMENT = "job_argument"
_TELL_THE_JOBS = (
    "hydra._internal.core_plugins.basic_launcher",
    "hydra_plugins.hydra_joblib_launcher._core",
    "hydra_plugins.hydra_ray_launcher._core",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher",
)


@dataclass(frozen=True)
class JobResult:
    """How one job of a sweep ended.

    Parameters
    ----------
    number : str
        Of the job in this sweep.
    overrides : list of str
        What distinguished it.
    exit_code : int or None
        Of the child process; negative for a signal; None if nobody saw it end.
    folder : Path
        With ``log.txt`` and ``result.json``.
    found : mapping
        What the step handed back, of a training ``run`` and ``errors_px``; empty if it failed.
    """

    number: str
    overrides: list[str]
    exit_code: int | None
    folder: Path
    found: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line for people."""
        state = "done" if self.exit_code == 0 else "failed"
        errors = ", ".join(f"{part} error {value:.2f} px" for part, value in self.found.get("errors_px", {}).items())
        run = f"   run={self.found['run']}" if "run" in self.found else ""
        return f"job {self.number}: {state}  {' '.join(self.overrides)}{run}{': ' * bool(run and errors)}{errors}"


@dataclass(frozen=True)
class Job:
    """What Hydra calls for each combination; picklable, because launchers send it to other processes.

    Parameters
    ----------
    verb : str
        The command line's word: ``"train"``.
    project : str
        Root of the project, "" outside one.
    launch : str
        Which start of the sweep this is: a folder may hold jobs of an earlier one.
    fixed : tuple of str
        Overrides that every job gets.
    """

    verb: str
    project: str
    launch: str
    fixed: tuple[str, ...] = ()

    def __call__(self, _config: object) -> float | None:
        """Start the child, wait, record; return the objective that it reported, for optimising sweepers."""
        from hydra.core.hydra_config import HydraConfig

        from dlc_core.plugin_api.composition import PROJECT_CHOICE

        hydra = HydraConfig.get()
        task = [override for override in hydra.overrides.task if override != PROJECT_CHOICE]
        folder = Path(hydra.runtime.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        overrides, arguments = [], []
        for override in task:
            key, _, value = override.partition("=")
            if key == f"+{_ARGUMENT}":
                arguments.append(_unquote(value))
            else:
                overrides.append(override)
        record = {"launch": self.launch, "number": str(hydra.job.num), "overrides": task}
        (folder / _RESULT).unlink(missing_ok=True)
        # Begun and not ended counts as failed, should this process be killed together with its child.
        write_text(folder / JOB_RECORD, json.dumps({**record, "exit_code": None}))
        command = [sys.executable, "-m", "dlc_core", self.verb]
        command += ["-p", self.project] if self.project else []
        command += [*overrides, *self.fixed, "--", *arguments]
        environment = {**os.environ, JOB_FOLDER: str(folder)}
        with (folder / _LOG).open("w", encoding="utf-8") as log:
            code = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False
            ).returncode
        write_text(folder / JOB_RECORD, json.dumps({**record, "exit_code": code}))
        return _objective(folder) if code == 0 else None


def run_sweep(
    verb: Verb,
    project_root: Path | None,
    overrides: Sequence[str],
    arguments: Sequence[str],
    folder: Path,
    fixed: Sequence[str] = (),
) -> list[JobResult]:
    """Run every job that `overrides` enumerate and return how each ended.

    Parameters
    ----------
    verb : Verb
        The step to run.
    project_root : Path or None
        Passed to the children with ``-p``.
    overrides : sequence of str
        With Hydra's sweep syntax; ``hydra/launcher=`` and ``hydra/sweeper=`` work as in any Hydra application.
    arguments : sequence of str
        Positional arguments: each one is a job of its own.
    folder : Path
        Of the sweep: Hydra's files, and one sub-folder a job.
    fixed : sequence of str
        Overrides that every child gets and Hydra does not see.

    Raises
    ------
    ConfigError
        An option, or what a launcher or sweeper was told, cannot be used.
    PluginError
        The launcher or the sweeper gave up; how the jobs until then ended is printed.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from dlc_core.errors import ConfigError, DlcError, PluginError
    from dlc_core.plugin_api.border import PLUGIN_FAILURES
    from dlc_core.plugin_api.hydra_bridge import prepare_sweep
    from dlc_core.plugin_api.hydra_errors import one_line
    from dlc_core.project.project import Project

    project = Project.open(project_root) if project_root else None
    files = prepare_sweep(verb.name, overrides, project)
    swept = [f"+{_ARGUMENT}={','.join(quote(str(Path(item).absolute())) for item in arguments)}"] if arguments else []
    launch = secrets.token_hex(8)
    found_presets = [text for text in overrides if text.lstrip("+").startswith("hydra.searchpath=")]
    job = Job(verb.command, str(project_root or ""), launch, (*found_presets, *fixed))

    def task(config: Any) -> float | None:
        return job(config)

    for name in _TELL_THE_JOBS:
        logging.getLogger(name).addFilter(_without_our_node)
    before, sys.argv = sys.argv, ["dlc", "--multirun", *files, *overrides, *swept, *_places(folder)]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints an error itself and ends the process
    try:
        with redirect_stdout(sys.stderr):  # Hydra's own messages; stdout is for results
            hydra.main(version_base="1.3", config_path="pkg://dlc_configs", config_name=verb.name)(task)()
    except (HydraException, OmegaConfBaseException) as exc:
        raise ConfigError(one_line(exc, verb.name)) from exc
    except DlcError:
        raise
    except PLUGIN_FAILURES as exc:
        begun = collect(folder, launch)
        report(begun)
        text = " ".join(f"{type(exc).__name__}: {exc}".split())
        said = f"What the jobs said is in {folder}." if begun else "No job was begun."
        raise PluginError(f"the launcher or sweeper of Hydra gave up: {text.rstrip('.')}. {said}") from exc
    finally:
        sys.argv = before
    return collect(folder, launch)


def collect(folder: Path, launch: str) -> list[JobResult]:
    """Return how each job of one launch of the sweep in `folder` ended, by number."""
    results = []
    for path in folder.glob(f"*/{JOB_RECORD}"):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["launch"] == launch:
            found = _result(path.parent) if record["exit_code"] == 0 else {}
            results.append(JobResult(record["number"], record["overrides"], record["exit_code"], path.parent, found))
    return sorted(results, key=lambda result: (len(result.number), result.number))


def report(results: Sequence[JobResult]) -> int:
    """Print how the jobs ended and return how many failed."""
    failed = [result for result in results if result.exit_code != 0]
    for result in results:
        say(str(result))
    for result in failed:
        ending = "did not end" if result.exit_code is None else f"ended with exit code {result.exit_code}"
        warn(f"job {result.number} {ending}: {_last_line(result.folder / _LOG)}")
        warn(f"  its log: {result.folder / _LOG}")
    return len(failed)


def evaluation_of(results: Sequence[JobResult], sweep: str) -> str:
    """Return the command that compares the trainings of a sweep, "" if none is done."""
    done = [dict(text.split("=", 1) for text in one.overrides if "=" in text) for one in results if one.exit_code == 0]
    if not done:
        return ""
    words = []
    for option in ("shuffle", "trainingsetindex", "iteration"):
        values = list(dict.fromkeys(job[option] for job in done if option in job))
        words += [f"{option}={','.join(values)}"] if values else []
    several = "-m " if any("," in word for word in words) else ""
    return f"dlc evaluate {several}{' '.join([*words, f'run={shlex.quote(sweep)}'])}"


def write_result(data: Mapping[str, Any]) -> None:
    """Record what a job of a sweep found, if this process is one."""
    folder = os.environ.get(JOB_FOLDER)
    if folder:
        write_text(Path(folder) / _RESULT, json.dumps(data, default=str))


def _without_our_node(record: logging.LogRecord) -> bool:
    """Leave the override that brings in the project's files, which nobody typed, out of what Hydra says of a job."""
    from dlc_core.plugin_api.composition import PROJECT_CHOICE

    record.msg = str(record.msg).replace(f"{PROJECT_CHOICE} ", "").replace(PROJECT_CHOICE, "")
    return True


def _places(folder: Path) -> list[str]:
    return [f"hydra.sweep.dir={quote(str(folder))}", "hydra.sweep.subdir=job_${hydra.job.num}"]


def _result(folder: Path) -> dict[str, Any]:
    path = folder / _RESULT
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _objective(folder: Path) -> float | None:
    value = _result(folder).get("objective")
    return float(value) if value is not None else None


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.is_file() else []
    return lines[-1] if lines else "it printed nothing"


def _unquote(value: str) -> str:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return str(OverridesParser.create().parse_override(f"{_ARGUMENT}={value}").value())
