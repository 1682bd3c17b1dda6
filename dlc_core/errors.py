"""Every exception that dlc-core raises on purpose.

::

    DlcError                          anything a user can act on
    ├── ConfigError (ValueError)      an option, a preset, a key of config.yaml or pose_cfg.yaml
    ├── DataError (ValueError)        a video, an image, a label table, a stored result
    │   ├── DiskError (OSError)       the file system refused: full, read-only, name too long
    │   └── EditConflict              somebody else changed a frame since it was shown
    ├── ProjectError (LookupError)    no project here, or not the project that was meant
    ├── RunError (LookupError)        no such run or snapshot
    │   └── RunTakenError             the run's folder is another training's
    ├── CheckpointError (ValueError)  a snapshot that does not fit this project or this installation
    └── PluginError (RuntimeError)    a plugin or a component
        ├── UnknownComponentError (LookupError)
        ├── DuplicateComponentError (ValueError)
        └── BrokenPluginError (ImportError)

A message has three parts: what was found (with the value, the file, the row), what was expected, what to do.
The command line prints it as one line and exits with 2; any other exception is a bug of ours and exits with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class DlcError(Exception):
    """Base of all errors a user can act on."""


class ConfigError(DlcError, ValueError):
    """An option, preset or configuration file holds something that cannot be used."""


class DataError(DlcError, ValueError):
    """A video, image, label table or stored result cannot be used as it is."""


class DiskError(DataError, OSError):
    """The file system refused to read or write."""


class EditConflict(DataError):  # noqa: N818 - what happened, not an error of anybody
    """Somebody else changed a frame between showing it and editing it; nothing was changed.

    Parameters
    ----------
    message : str
        Who reads it edits labels.
    image : str
        The frame.
    points : mapping of str to tuple of float
        Its points as they are now.
    revision : int
        Of this state, for another try.
    """

    def __init__(self, message: str, image: str, points: Mapping[str, tuple[float, ...]], revision: int) -> None:
        super().__init__(message)
        self.image = image
        self.points = dict(points)
        self.revision = revision


class ProjectError(DlcError, LookupError):
    """There is no project here, or it is not one this command can work on."""


class RunError(DlcError, LookupError):
    """A run or snapshot does not exist, or cannot have that name."""


class RunTakenError(RunError):
    """The folder of a run belongs to another training, one that goes on or one that has ended."""


class CheckpointError(DlcError, ValueError):
    """A snapshot does not fit the project or the installed components."""


class PluginError(DlcError, RuntimeError):
    """A plugin or component cannot be used."""


class UnknownComponentError(PluginError, LookupError):
    """No installed plugin offers a component of that name."""


class DuplicateComponentError(PluginError, ValueError):
    """Two plugins offer a component of the same name, so nobody can select it."""


class BrokenPluginError(PluginError, ImportError):
    """A component exists but its code cannot be imported."""


def suggest(found: str, known: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'? "`` for the names close to `found`, or an empty string.

    Parameters
    ----------
    found : str
        What the user wrote.
    known : iterable of str
        The names that would have been accepted.
    """
    close = difflib.get_close_matches(found, list(known), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
