"""Compaction of large tables in a process of its own, so that nobody who edits meanwhile waits for it.

A table of 2,000 frames and 60 body parts takes about a second to build. In a thread, edits would wait for Python's lock
again and again; in another process they only wait for the folder's lock, while files are moved into place. It is
`dlc_core.labels.compact.compact` all the same, so a process that is killed loses nothing.

The process answers lines of JSON on its standard input (`_work`). It is told which files are known here. It tells the
stamps before and after the move while it holds the folder's lock, so that the editor here need not read them again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from dlc_core.console import warn
from dlc_core.errors import DataError, DiskError
from dlc_core.labels.compact import Stamp, compact
from dlc_core.labels.known_files import file_stamp, is_known, remember_as
from dlc_core.labels.table_files import LabelFiles, MachineFiles, TableFiles

_END_S = 20.0


class Compactor:
    """A process that puts journals into tables: begins when it is first needed, ends with `close` or with this process.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._mutex = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The number of the process, None if there is none."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def compact(self, files: TableFiles, moved: Callable[[Stamp, Stamp], None]) -> bool:
        """Put the journal into the table; parameters, result and exceptions as for `dlc_core.labels.compact.compact`.

        When the process cannot be used, or is killed, the work is done here.
        """
        with self._mutex:
            try:
                answer = self._ask(files, moved)
            except (OSError, EOFError) as exc:
                warn(f"the process that writes large label tables has ended ({exc}); the next time it is started anew.")
                self._end()
                answer = None
        if answer is None:
            return compact(files, moved)
        if "error" in answer:
            raise (DiskError if answer["is_disk"] else DataError)(answer["error"])
        return bool(answer["is_done"])

    def close(self) -> None:
        """End the process, when it has done what it was asked for."""
        with self._mutex:
            self._end()

    def _ask(self, files: TableFiles, moved: Callable[[Stamp, Stamp], None]) -> dict[str, Any]:
        """Return what the process says at last."""
        to, answers = self._pipes()
        _say(to, _as_words(files))
        while True:
            line = answers.readline()
            if not line:
                raise EOFError("it says no more")
            answer: dict[str, Any] = json.loads(line)
            if "moved" not in answer:
                return answer
            before, after = map(_as_stamp, answer["moved"])
            for path, stamp in zip(files.sources(), after, strict=False):  # the journal's stamp is the last
                remember_as(path, stamp)
            moved(before, after)
            _say(to, {})

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self.pid is None:
            group: dict[str, Any] = {"start_new_session": True}  # Ctrl+C at the terminal is not for it
            if sys.platform == "win32":
                group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
            command = [sys.executable, "-P", "-m", "dlc_core.labels.compactor"]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", **group)
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _as_words(files: TableFiles) -> dict[str, Any]:
    """Return a table as it is named to the process."""
    if isinstance(files, LabelFiles):
        kind: dict[str, Any] = {"scorer": files.scorer}
    else:
        assert isinstance(files, MachineFiles)
        kind = {"iteration": files.iteration}
    known = {str(path): file_stamp(path) for path in files.sources() if is_known(path)}
    return {"folder": str(files.folder), "known": known, **kind}


def _as_files(words: dict[str, Any]) -> TableFiles:
    for path, stamp in words["known"].items():
        remember_as(Path(path), stamp and (stamp[0], stamp[1], stamp[2]))
    if "scorer" in words:
        return LabelFiles(Path(words["folder"]), words["scorer"])
    return MachineFiles(Path(words["folder"]), words["iteration"])


def _as_stamp(values: list[list[int] | None]) -> Stamp:
    return tuple(None if value is None else (value[0], value[1], value[2]) for value in values)


def _say(to: IO[str], words: dict[str, Any]) -> None:
    to.write(json.dumps(words) + "\n")
    to.flush()


def _work(asked: IO[str], answers: IO[str]) -> None:
    """Compact what each line asks for, until there are no more."""

    def moved(before: Stamp, after: Stamp) -> None:
        _say(answers, {"moved": [before, after]})
        asked.readline()  # noted, or there is nobody any more

    while line := asked.readline():
        try:
            answer: dict[str, Any] = {"is_done": compact(_as_files(json.loads(line)), moved)}
        except DataError as exc:
            answer = {"error": str(exc), "is_disk": isinstance(exc, DiskError)}
        _say(answers, answer)


def main() -> None:
    """Answer the process that started this one; what is printed goes to stderr."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with suppress(BrokenPipeError):  # who asked is gone, and what it asked for is done
        _work(sys.stdin, answers)


if __name__ == "__main__":
    main()
