"""The process around one step that the browser started: ``python -m dlc_core.gui.job_process FOLDER``.

It outlives the server, so that closing or killing the application ends no training, and it knows how the step ended.
The folder holds ``job.json`` (what to run), and gets ``log.txt`` (what the step says), ``result.json`` (what it hands
back), ``progress.json`` and at last ``end.json``. SIGINT goes on to the step alone; SIGTERM ends the step and
everything it started at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from dlc_core.console import PROGRESS_FILE, QUESTION_FILE
from dlc_core.errors import DlcError, ProjectError
from dlc_core.files import write_text
from dlc_core.lock import holding

JOB, END, LOG, RESULT, PROGRESS = "job.json", "end.json", "log.txt", "result.json", "progress.json"
QUESTION, LOCK = "question.txt", "running.lock"
_REFUSED = 2


def main(folder: Path) -> int:
    """Run the step that ``job.json`` of `folder` describes and return its exit code."""
    command = json.loads((folder / JOB).read_text(encoding="utf-8"))["command"]
    try:
        with holding(folder.parent / LOCK, lambda who: ProjectError(f"another step runs already ({who}).")):
            code = _run(folder, command)
    except DlcError as exc:
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"Error: {exc}\n")
        code = _REFUSED
    _note_end(folder, code)
    return code


def _run(folder: Path, command: Sequence[str]) -> int:
    environment = {
        **os.environ,
        PROGRESS_FILE: str(folder / PROGRESS),
        QUESTION_FILE: str(folder / QUESTION),
        "PYTHONUNBUFFERED": "1",
    }
    with (folder / LOG).open("ab") as log, (folder / RESULT).open("wb") as result:
        step = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.DEVNULL, stdout=result, stderr=log, env=environment
        )

        # Not before: what starts while a signal is ignored ignores it for good.
        signal.signal(signal.SIGINT, _leave_it_to_the_step)

        def end_at_once(_number: int, _frame: FrameType | None) -> None:
            _note_end(folder, -signal.SIGTERM)
            if sys.platform == "win32":
                step.kill()
            else:
                os.killpg(0, signal.SIGKILL)  # the step, its data loaders, the jobs of a sweep, and this process

        signal.signal(signal.SIGTERM, end_at_once)
        return step.wait()


def _note_end(folder: Path, code: int) -> None:
    ended = datetime.now().astimezone().isoformat(timespec="seconds")
    write_text(folder / END, json.dumps({"exit_code": code, "ended": ended}))


def _leave_it_to_the_step(_number: int, _frame: FrameType | None) -> None:
    """Go on: the terminal, or `Jobs.cancel`, tells the step the same."""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
