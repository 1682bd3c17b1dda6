"""Options of ``dlc merge``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MergeSettings:
    """What happens to machine labels that nobody has finished refining.

    Parameters
    ----------
    unrefined : str
        ``refuse``: nothing is merged while there are any; ``leave``: they stay out of the labels; ``accept``: their
        points count as labels.
    pcutoff : float or None
        The likelihood from which points count with ``unrefined=accept``; None for pcutoff of config.yaml.
    """

    unrefined: str = "refuse"
    pcutoff: float | None = None
