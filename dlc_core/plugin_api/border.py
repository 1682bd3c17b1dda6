"""Where the core calls a plugin's code: what that raises becomes one line which says whose code it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlc_core.errors import DlcError, PluginError
from dlc_core.plugin_api.registry import PLUGIN_FAILURES


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Turn whatever the code of a component raises into one line that starts with `what`; our own errors pass.

    Parameters
    ----------
    what : str
        The component and what was asked of it: ``"the frame selector 'kmeans' cannot choose among 30 frames"``.

    Raises
    ------
    PluginError
        The block raised anything but a `DlcError`.
    """
    try:
        yield
    except DlcError:
        raise
    except PLUGIN_FAILURES as exc:
        text = next(iter(str(exc).strip().splitlines()), "")
        raise PluginError(
            f"{what}: {f'{type(exc).__name__}: {text}'.rstrip(': .')}. "
            "Choose another, or tell its author; --debug shows where."
        ) from exc
