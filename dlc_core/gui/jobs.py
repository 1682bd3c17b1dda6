"""Steps that the browser starts: each a process ``dlc VERB`` of its own, one at a time in a project.

What a step says, hands back and how far it is lies in files, ``.dlc-gui/jobs/<number>-<verb>/`` in the project. So a
page that is loaded again shows what the one before showed, and a step outlives the server: one that is started again
finds it at work. Nothing goes through a shell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dlc_core.errors import ConfigError, DataError, ProjectError
from dlc_core.files import disk_errors, write_text
from dlc_core.gui.job_files import CANCELLED, DONE, FAILED, LOST, RUNNING, Job, read_json
from dlc_core.gui.job_process import END, JOB, LOCK, LOG
from dlc_core.lock import is_held
from dlc_core.verbs import VERBS

PLAIN_COMMANDS = ("add-videos",)
"""Commands besides the configured steps that may be started; they hand back no JSON."""

_KEPT = 40
_CANCEL = "cancel"
_NAME = re.compile(r"(\d{4,})-[a-z-]+")
_NOT_OURS = frozenset({"DLC_JOB_FOLDER", "NICEGUI_SCREEN_TEST_PORT"})


@dataclass
class Jobs:
    """The steps of one project.

    Parameters
    ----------
    root : Path
        The project's folder.
    """

    root: Path
    _started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where the files of all of them are."""
        return self.root / ".dlc-gui" / "jobs"

    def start(self, verb: str, words: Sequence[str] = ()) -> Job:
        """Start a step and return it.

        Parameters
        ----------
        verb : str
            The word on the command line: ``"label-video"``.
        words : sequence of str
            Overrides, ``-m``, and after ``--`` files, as on the command line.

        Raises
        ------
        ConfigError
            There is no such step.
        ProjectError
            Another one runs.
        DiskError
            The project's folder cannot be written.
        """
        configured = [known.command for known in VERBS]
        if verb not in (*configured, *PLAIN_COMMANDS):
            names = ", ".join((*configured, *PLAIN_COMMANDS))
            raise ConfigError(f"there is no step {verb!r} to start. Steps: {names}.")
        if (running := self.running()) is not None:
            raise ProjectError(
                f"`dlc {running.verb}` runs since {running.started[11:16]}; one step at a time. Wait, or cancel it."
            )
        command = [
            "-P",
            "-m",
            "dlc_core",
            verb,
            "-p",
            str(self.root),
            *(["--json"] if verb in configured else []),
            *words,
        ]
        folder = self._new_folder(verb)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        write_text(
            folder / JOB, json.dumps({"verb": verb, "words": list(words), "started": started, "command": command})
        )
        self._started[folder.name] = _spawn(folder)
        self._remove_old()
        return self.job(folder.name)

    def running(self) -> Job | None:
        """Return the step that runs now."""
        name = self._unfinished()
        job = None if name is None else self.job(name)
        return job if job is not None and job.state == RUNNING else None

    def all(self) -> list[Job]:
        """Return every step that is remembered, the newest first."""
        return [self.job(name) for name in self._names()]

    def latest(self, verb: str) -> Job | None:
        """Return the newest start of a step, None if it was never started."""
        name = next((name for name in self._names() if name.partition("-")[2] == verb), None)
        return None if name is None else self.job(name)

    def job(self, name: str) -> Job:
        """Return a step by the name of its folder.

        Raises
        ------
        DataError
            There is none.
        """
        folder = self.folder / name
        if not _NAME.fullmatch(name) or not _is_job(folder):
            raise DataError(
                f"there is no step {name!r} in {self.folder}; only the last {_KEPT} are kept. Load the page again."
            )
        about = read_json(folder / JOB)
        is_alive = self._is_alive(folder)  # before its end is read: one that ends in between has written that
        end = read_json(folder / END)
        is_cancelling = (folder / _CANCEL).exists()
        code = end.get("exit_code")
        if not end:
            state = RUNNING if is_alive else CANCELLED if is_cancelling else LOST
        else:
            state = DONE if code == 0 else CANCELLED if is_cancelling else FAILED
        return Job(
            folder,
            str(about.get("verb", "")),
            tuple(about.get("words", ())),
            str(about.get("started", "")),
            state,
            code,
            is_cancelling,
            str(end.get("ended", "")),
        )

    def cancel(self, job: Job, at_once: bool = False) -> None:
        """Ask a running step to end, as Ctrl-C does: a training saves a snapshot first. Or end it at once."""
        if self.job(job.folder.name).state != RUNNING:
            return
        write_text(job.folder / _CANCEL, "")
        process = self._started.get(job.folder.name)
        pid = process.pid if process is not None else int(read_json(self.folder / LOCK).get("pid", 0))
        if not pid:
            return
        with suppress(ProcessLookupError):  # it may have ended meanwhile
            if at_once:
                os.kill(pid, signal.SIGTERM)
            elif sys.platform == "win32":
                os.kill(pid, signal.CTRL_BREAK_EVENT)
            else:
                os.killpg(pid, signal.SIGINT)

    def wait(self, job: Job, timeout_s: float) -> Job:
        """Return a step that this object started once it has ended, or after `timeout_s`, as it is then."""
        process = self._started.get(job.folder.name)
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout_s)
        return self.job(job.folder.name)

    def farewell(self) -> str:
        """Return what a person should know who ends the server while a step runs, "" if none does."""
        running = self.running()
        if running is None:
            return ""
        return (
            f"`dlc {running.verb}` goes on without the browser; what it says is in {running.folder / LOG}, and "
            "`dlc gui` shows it again."
        )

    def _names(self) -> list[str]:
        """Return the names of the folders, the newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path.name for path in self.folder.iterdir() if _is_job(path)), reverse=True)

    def _is_alive(self, folder: Path) -> bool:
        process = self._started.get(folder.name)
        if process is not None:
            return process.poll() is None
        return self._unfinished() == folder.name and is_held(self.folder / LOCK)

    def _unfinished(self) -> str | None:
        """Return the newest step whose end is not noted: the only one that may be at work."""
        return next((name for name in self._names() if not (self.folder / name / END).exists()), None)

    def _new_folder(self, verb: str) -> Path:
        last = max((int(name.partition("-")[0]) for name in self._names()), default=0)
        folder = self.folder / f"{last + 1:04d}-{verb}"
        with disk_errors(folder):
            folder.mkdir(parents=True)
        return folder

    def _remove_old(self) -> None:
        for job in self.all()[_KEPT:]:
            shutil.rmtree(job.folder, ignore_errors=True)
            self._started.pop(job.folder.name, None)


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    """Start the process around the step in a group of its own, so that a signal for it reaches it alone."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_OURS}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "dlc_core.gui.job_process", str(folder)],
        cwd=folder.parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        **group,
    )


def _is_job(folder: Path) -> bool:
    return bool(_NAME.fullmatch(folder.name)) and (folder / JOB).is_file()
