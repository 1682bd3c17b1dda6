"""Where the core calls a plugin's code: what that raises becomes one line which says whose code it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlc_core.errors import DlcError, PluginError

PLUGIN_FAILURES = (Exception, SystemExit)
"""What code of a plugin may raise without ending the program; `sys.exit` at import is no `Exception`."""


@contextmanager
def blaming(what: str, passing: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Turn whatever the code of a component raises into one line that starts with `what`; our own errors pass.

    Parameters
    ----------
    what : str
        The component and what was asked of it: ``"the frame selector 'kmeans' cannot choose among 30 frames"``.
    passing : tuple of exception types
        What is nobody's fault and is let through: a device out of memory.

    Raises
    ------
    PluginError
        The block raised anything but a `DlcError` or what is `passing`.
    """
    passed: tuple[type[BaseException], ...] = (DlcError, *passing)
    try:
        yield
    except passed:
        raise
    except PLUGIN_FAILURES as exc:
        raise PluginError(
            f"{what}: {first_line(exc)}. Choose another, or tell its author; --debug shows where."
        ) from exc


def first_line(exc: BaseException) -> str:
    """Return the type and the first line of what went wrong."""
    text = next(iter(str(exc).strip().splitlines()), "")
    return f"{type(exc).__name__}: {text}".rstrip(": .")
