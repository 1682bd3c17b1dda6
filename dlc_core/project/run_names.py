"""What a run, or the sweep it belongs to, may be called."""

from __future__ import annotations

from pathlib import Path

from dlc_core.errors import RunError

DEEPLABCUTS = ("train", "test")
"""DeepLabCut keeps its files in folders of these names."""

_RESERVED = ("latest", "all")  # means something else in run=


def check_run_name(name: str, option: str = "run", levels: int = 2) -> list[str]:
    """Return the folders that the name of a run, or of a sweep, stands for.

    Parameters
    ----------
    name : str
        As given.
    option : str
        The option that gave it, for the message.
    levels : int
        How many folders deep it may be.

    Raises
    ------
    RunError
        It means something else, or is no name for a folder.
    """
    parts = name.split("/")
    if parts[0] in DEEPLABCUTS + _RESERVED:
        meaning = f"a {option} cannot be called {parts[0]!r}, which has a meaning of its own"
        raise RunError(f"{option}={name}: {meaning}. Choose another.")
    elsewhere = Path(name).is_absolute() or len(parts) > levels or {"", ".", ".."} & set(parts) or "\\" in name
    if elsewhere or not name.strip():
        raise RunError(f"{option}={name!r} is no name for a folder; use a word like {option}=wide-augmentation.")
    return parts
