"""When a run saved its steps, from what it wrote down: the times of its files change when a project is copied."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path

RECORD, LOG = "run.yaml", "log.csv"
_STARTED = re.compile(r"^\s*(?:- )?started: ['\"]?([^'\"\n]+)", re.MULTILINE)  # the file lists every image: no YAML


def saved_s(folder: Path, step: int) -> float | None:
    """Return when the run in `folder` saved `step`, in seconds since 1970, or None if it does not say.

    That is the start of the first session and what ``log.csv`` counts up to that step; pauses between sessions are not
    in the log, so a resumed run is at least as young as its last session.
    """
    starts = _starts(folder / RECORD)
    return max(starts[0] + _logged_s(folder / LOG, step), starts[-1]) if starts else None


def started_s(folder: Path) -> float | None:
    """Return when the last session of the run in `folder` began, in seconds since 1970, or None."""
    starts = _starts(folder / RECORD)
    return starts[-1] if starts else None


def _starts(record: Path) -> list[float]:
    try:
        found = _STARTED.findall(record.read_text(encoding="utf-8"))
        return sorted(datetime.fromisoformat(text.strip()).timestamp() for text in found)
    except (OSError, ValueError):
        return []


def _logged_s(log: Path, step: int) -> float:
    """Return the ``seconds`` of the last row up to `step`, 0 without one."""
    seconds = 0.0
    try:
        with log.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if int(row["step"]) > step:
                    break
                seconds = float(row["seconds"])
    except (OSError, ValueError, KeyError, TypeError):  # a row that a crash cut in half is the last one
        pass
    return seconds
