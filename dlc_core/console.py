"""What a person reads while a command runs: lines, progress, the result and the next step."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRESS_FILE = "DLC_PROGRESS_FILE"
"""The environment variable that names a file for `progress` to keep up to date, for a program that watches."""

QUESTION_FILE = "DLC_QUESTION_FILE"
"""The environment variable that names a file in which `ask` puts its question, for a program that answers.

The answer, ``yes`` or another word, is awaited in a file of that name with the suffix ``.answer``.
"""

_LOOK_EVERY_S = 0.1

_quiet_stdout = False
_tracebacks = False


@contextmanager
def stdout_for_data() -> Iterator[None]:
    """Send everything that `say` prints meanwhile to stderr, so that stdout holds JSON and nothing else."""
    global _quiet_stdout
    before, _quiet_stdout = _quiet_stdout, True
    try:
        yield
    finally:
        _quiet_stdout = before


def show_tracebacks(shown: bool) -> None:
    """Say whether `warn` prints the traceback of the error that it is about, as ``--debug`` asks for."""
    global _tracebacks
    _tracebacks = shown


def say(message: str) -> None:
    """Print one line for the person at the terminal."""
    print(message, file=sys.stderr if _quiet_stdout else sys.stdout, flush=True)


def warn(message: str, error: BaseException | None = None) -> None:
    """Print one line that should not be missed, on stderr.

    Parameters
    ----------
    message : str
    error : BaseException or None
        What it is about, when a command goes on after an error; its traceback is printed with ``--debug``.
    """
    if error is not None and _tracebacks:
        traceback.print_exception(error)
    print(f"Note: {message}", file=sys.stderr, flush=True)


def can_ask() -> bool:
    """Tell whether somebody is there to answer `ask`: at a terminal, in a notebook or in the browser."""
    return QUESTION_FILE in os.environ or (sys.stdin is not None and sys.stdin.isatty()) or _in_notebook()


def ask(question: str) -> bool:
    """Print a question and return whether the answer is yes; everything else means no.

    Raises
    ------
    ConfigError
        Nobody can answer.
    """
    from dlc_core.errors import ConfigError

    if file := os.environ.get(QUESTION_FILE):
        return _answered_in_file(Path(file), question)
    if not _in_notebook():  # whose input() shows the question itself, beside the field for the answer
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = input(f"{question} [y/N] " if _in_notebook() else "")
    except (EOFError, NotImplementedError) as exc:  # a notebook that is run by a program
        raise ConfigError(f"nobody answered the question: {question} Say yes=true beforehand.") from exc
    return answer.strip().lower() in ("y", "yes")


def _answered_in_file(file: Path, question: str) -> bool:
    from dlc_core.files import write_text

    answer = file.with_suffix(".answer")
    answer.unlink(missing_ok=True)
    say(question)
    write_text(file, question)
    while not answer.is_file():
        time.sleep(_LOOK_EVERY_S)
    file.unlink(missing_ok=True)
    return answer.read_text(encoding="utf-8").strip() == "yes"


def _in_notebook() -> bool:
    ask_for_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return hasattr(ask_for_shell(), "kernel")  # a plain IPython has none, and is a terminal


def counted(number: int, thing: str) -> str:
    """Return a number with the word for that many: ``"1 point"``, ``"2 points"``."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


@dataclass(frozen=True)
class Outcome:
    """What a verb hands back to the command line and to Python callers.

    Parameters
    ----------
    data : mapping
        What ``--json`` prints.
    next_step : str
        The command that usually follows, "" for none.
    failed : int
        How many of several things failed (videos, jobs); the exit code is 2 if any did.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    next_step: str = ""
    failed: int = 0


@contextmanager
def progress(description: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a progress bar with rate and time left; plain lines every 10 s when stderr is no terminal.

    If the environment variable `PROGRESS_FILE` names a file, it holds the latest state as JSON:
    ``{"description", "done", "total", "unit", "rate"}``.

    Yields
    ------
    callable
        ``advance(n)``, to be called after `n` more units.
    """
    show = _bar if sys.stderr.isatty() else _lines
    if file := os.environ.get(PROGRESS_FILE):
        with contextmanager(show)(description, total, unit, done) as advance:
            yield from _recorded(Path(file), advance, description, total, unit, done)
    else:
        yield from show(description, total, unit, done)


def _recorded(
    file: Path, advance: Callable[[int], None], description: str, total: int, unit: str, done: int, every_s: float = 0.5
) -> Iterator[Callable[[int], None]]:
    started = shown = time.monotonic()
    finished = 0

    def write() -> None:
        from dlc_core.files import write_text

        rate = finished / max(time.monotonic() - started, 1e-9)
        state = {"description": description, "done": done + finished, "total": total, "unit": unit, "rate": rate}
        with suppress(OSError):  # a full disk must not end the work that is watched
            write_text(file, json.dumps(state))

    def both(n: int) -> None:
        nonlocal finished, shown
        finished += n
        advance(n)
        if time.monotonic() - shown >= every_s:
            shown = time.monotonic()
            write()

    write()
    yield both
    write()


def _bar(description: str, total: int, unit: str, done: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    started, finished = time.monotonic(), 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=total, completed=done, rate="")

        def advance(n: int) -> None:
            nonlocal finished
            finished += n
            rate = finished / max(time.monotonic() - started, 1e-9)
            bar.update(task, advance=n, rate=f"{rate:.1f} {unit}/s")

        yield advance


def _lines(
    description: str, total: int, unit: str, done: int, every_s: float = 10.0
) -> Iterator[Callable[[int], None]]:
    started = shown = time.monotonic()
    finished, printed = 0, -1

    def line() -> None:
        nonlocal printed
        if printed == finished:
            return
        printed = finished
        elapsed = max(time.monotonic() - started, 1e-9)
        rate = finished / elapsed
        left = (total - done - finished) / rate if rate else float("inf")
        ending = f", {left:.0f} s left" if 0 < left < float("inf") else f" in {elapsed:.1f} s"
        print(
            f"{description}: {done + finished}/{total} {unit}, {rate:.1f} {unit}/s{ending}",
            file=sys.stderr,
            flush=True,
        )

    def advance(n: int) -> None:
        nonlocal finished, shown
        finished += n
        if time.monotonic() - shown >= every_s:
            shown = time.monotonic()
            line()

    yield advance
    line()
