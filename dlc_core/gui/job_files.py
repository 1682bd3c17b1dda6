"""What is known of a step that the browser started, read from the files in its folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_core.files import write_text
from dlc_core.gui.job_process import LOG, PROGRESS, QUESTION, RESULT

RUNNING, DONE, FAILED, CANCELLED, LOST = "running", "done", "failed", "cancelled", "lost"

_TAIL_BYTES = 64_000
_PROGRESS_LINE = re.compile(r"^(?P<what>.+): \d+/\d+ \S+, [\d.]+ \S+/s(?:, \d+ s left| in [\d.]+ s)$")


@dataclass(frozen=True)
class Progress:
    """How far a step is.

    Parameters
    ----------
    description : str
        What it does.
    done, total : int
        In `unit`.
    unit : str
        Steps, frames, images, ...
    rate : float
        Units per second since it began.
    """

    description: str
    done: int
    total: int
    unit: str
    rate: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def left_s(self) -> float | None:
        """How many seconds it will take, None if nobody can tell yet."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True)
class Job:
    """A step that was started, as it is now.

    Parameters
    ----------
    folder : Path
        With its files.
    verb : str
        The word on the command line.
    words : tuple of str
        What came after the verb.
    started : str
        Local time, ISO.
    state : {"running", "done", "failed", "cancelled", "lost"}
        Lost is one whose process was killed, so that nobody knows how it ended.
    exit_code : int or None
        None while it runs.
    is_cancelling : bool
        Whether it was asked to end.
    ended : str
        Local time, ISO; "" while it runs.
    """

    folder: Path
    verb: str
    words: tuple[str, ...]
    started: str
    state: str
    exit_code: int | None = None
    is_cancelling: bool = False
    ended: str = ""

    @property
    def number(self) -> int:
        """Counts the steps of this project."""
        return int(self.folder.name.partition("-")[0])

    def lines(self, most: int = 200) -> list[str]:
        """Return the last lines that the step printed; of several in a row on the same progress, the last."""
        return tidy(_tail(self.folder / LOG))[-most:]

    def progress(self) -> Progress | None:
        """Return how far it is, None if it has not said so."""
        found = read_json(self.folder / PROGRESS)
        return Progress(**found) if found else None

    def question(self) -> str:
        """Return what the step asks and waits for an answer to, "" if it asks nothing."""
        try:
            return (self.folder / QUESTION).read_text(encoding="utf-8") if self.state == RUNNING else ""
        except OSError:
            return ""

    def answer(self, yes: bool) -> None:
        """Answer the question that the step asks.

        Raises
        ------
        DiskError
            The answer cannot be written.
        """
        write_text((self.folder / QUESTION).with_suffix(".answer"), "yes" if yes else "no")

    def result(self) -> dict[str, Any]:
        """Return what the step handed back, empty if it did not get so far."""
        return {} if self.state == RUNNING else read_json(self.folder / RESULT)

    @property
    def message(self) -> str:
        """Why it failed, in one line; "" if it did not."""
        if self.state not in (FAILED, LOST):
            return ""
        said = [line for line in self.lines() if line.startswith("Error: ")]
        if said:
            return said[-1].removeprefix("Error: ")
        code = self.exit_code
        return "its process was killed" if code is None or code < 0 else f"it ended with exit code {code}"


def tidy(lines: Sequence[str]) -> list[str]:
    """Return the lines without those on the progress of something that a later line on the same replaces."""
    kept: list[str] = []
    for line in lines:
        new, before = _PROGRESS_LINE.match(line), _PROGRESS_LINE.match(kept[-1]) if kept else None
        if new and before and new["what"] == before["what"]:
            kept.pop()
        kept.append(line)
    return kept


def read_json(file: Path) -> dict[str, Any]:
    """Return what a JSON file holds, empty if it is not there, or not whole."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def _tail(file: Path) -> list[str]:
    try:
        with file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = text.splitlines()
    return lines[1:] if size > _TAIL_BYTES else lines
