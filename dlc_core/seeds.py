"""Seeds that users give: checked where they enter, because NumPy takes whole numbers from 0 on."""

from __future__ import annotations

from dlc_core.errors import ConfigError


def check_seed(seed: int) -> int:
    """Return `seed` if random numbers can be made from it.

    Raises
    ------
    ConfigError
        It is negative.
    """
    if seed < 0:
        raise ConfigError(f"seed is {seed}; a whole number of at least 0 is needed.")
    return seed
