"""Run something in a child process that is killed at a chosen step of the file system."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

STEPS = ("open", "write", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir", "close")
KILLED, DONE, REFUSED, BROKEN = 137, 0, 3, 4


def killed_at(step: int, torn: bool, work: Callable[[], object]) -> int:
    """Return `DONE` if `work` was acknowledged before the step came, `REFUSED` if it raised, else `KILLED`.

    Parameters
    ----------
    step : int
        Which call of the file system, from 0, is the last one.
    torn : bool
        Whether half of what that call was to write is written.
    work : callable
        What is done.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        leave = os._exit
        try:
            _count_down(step, torn)
            work()
            leave(DONE)
        except ValueError:  # every error of ours about data is one
            leave(REFUSED)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            leave(BROKEN)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _count_down(step: int, torn: bool) -> None:
    left = [step]
    write, leave = os.write, os._exit

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if left[0] == 0:
                if torn and original is write and len(args[1]) > 1:
                    write(args[0], args[1][: len(args[1]) // 2])
                leave(KILLED)
            left[0] -= 1
            return original(*args, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    io.open = counted(io.open)
