"""Stop a training at the end of its current step when somebody presses Ctrl-C or a scheduler sends SIGTERM.

A training that was stopped so has saved a snapshot at its last step. Its exit code is what the shell gives a process
that the signal ended, 128 + the signal's number (130 for Ctrl-C, 143 for SIGTERM), so that scripts and schedulers see
that it is not finished. A second Ctrl-C ends it at once.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Catches the signals that ask a process to end.

    Attributes
    ----------
    received : int or None
        Number of the signal that came.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def catch(self) -> None:
        """Begin to catch them; in a thread other than the main one, where Python does not allow it, nothing happens."""
        if threading.current_thread() is threading.main_thread():
            for number in _STOPPING:
                self._before[number] = signal.signal(number, self._note)

    def release(self) -> None:
        """Put back what handled the signals before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        signal.signal(signal.SIGINT, signal.default_int_handler)


def leave(number: int) -> None:
    """End as the signal would have: `KeyboardInterrupt` for Ctrl-C, else `SystemExit` with 128 + `number`."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
