"""Run something in a child process that is killed, or meets a full disk, at a chosen step of the file system."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

CALLS = ("open", "write", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir", "close")
MOVES = ("replace", "rename", "unlink")
"""After which of these a process dies decides what is left of a table."""
KILLED, DONE, REFUSED, BROKEN = 137, 0, 3, 4
DIES, DIES_HALF_WAY, DISK_IS_FULL = "dies", "dies half way", "disk is full"


@dataclass(frozen=True)
class Crash:
    """When and how a process ends.

    Parameters
    ----------
    step : int
        Which call of the file system, from 0, is the last one.
    ending : str
        `DIES` before that call, `DIES_HALF_WAY` when half of what it was to write is written, or `DISK_IS_FULL`: this
        one call is refused, likewise, and the process goes on.
    calls : tuple of str
        Which calls count.
    """

    step: int
    ending: str = DIES
    calls: tuple[str, ...] = CALLS


def crashes(calls: int, moves: int) -> st.SearchStrategy[Crash | None]:
    """Return crashes of an operation that makes about so many calls of the file system, so many of which move files."""
    endings = [DIES, DIES_HALF_WAY, DISK_IS_FULL]
    anywhere = st.builds(Crash, st.integers(0, calls), st.sampled_from(endings))
    between_moves = st.builds(Crash, st.integers(0, moves), st.sampled_from(endings), st.just(MOVES))
    return st.one_of(st.none(), anywhere, between_moves)


def killed_at(crash: Crash, work: Callable[[], object]) -> int:
    """Return `DONE` if `work` was acknowledged before the crash came, `REFUSED` if it raised, else `KILLED`."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        leave = os._exit
        try:
            _count_down(crash)
            work()
            leave(DONE)
        except ValueError:  # every error of ours about data is one
            leave(REFUSED)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            leave(BROKEN)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _count_down(crash: Crash) -> None:
    left, ending = [crash.step], crash.ending
    open_file, write, leave = io.open, os.write, os._exit

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            mode = args[1] if original is open_file and len(args) > 1 else ""
            if ending == DISK_IS_FULL and original is open_file and not set(mode) & set("wax+"):
                return original(*args, **options)  # reading needs no room
            left[0] -= 1
            if left[0] == -1:
                if ending != DIES and original is write and len(args[1]) > 1:
                    write(args[0], args[1][: len(args[1]) // 2])
                if ending != DISK_IS_FULL:
                    leave(KILLED)
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(*args, **options)

        return call

    for name in crash.calls:
        if ending != DISK_IS_FULL or name not in ("close", "ftruncate", "unlink"):  # these need no room
            setattr(os, name, counted(getattr(os, name)))
    if "open" in crash.calls:
        io.open = counted(io.open)
