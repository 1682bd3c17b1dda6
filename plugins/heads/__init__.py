"""Built-in heads. To add one: a dataclass and a `Component` here, and a module beside this file.

A head owns its whole codec (targets, loss, decoding), so that the three cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlc_core.errors import ConfigError, suggest
from dlc_core.plugin_api import Component, hookimpl

TARGETS = ("disc", "gaussian")


@dataclass
class DeconvConfig:
    """Options of the head `deconv`; see `dlc_plugins.heads.deconv.DeconvHead`.

    Parameters
    ----------
    target : {"disc", "gaussian"}
        What the score map learns: cross-entropy with a disc, or squared error from a Gaussian.
    pos_dist_thresh : float
        Radius in network-input pixels within which a cell belongs to a body part.
    locref_stdev : float
        Unit of the location refinement in network-input pixels.
    locref_weight : float
        Weight of the location refinement in the loss; the score map has weight 1.
    intermediate_supervision : bool
        Train one more score map on the last map but one; it needs ``backbone.out_indices=[-2,-1]``.
    """

    name: str = "deconv"
    target: str = "disc"
    pos_dist_thresh: float = 17.0
    locref_stdev: float = 7.2801
    locref_weight: float = 0.05
    intermediate_supervision: bool = False

    def __post_init__(self) -> None:
        check_target(self.target)


def check_target(target: str) -> None:
    """Check the option ``target``.

    Raises
    ------
    ConfigError
        There is no such target.
    """
    if target not in TARGETS:
        raise ConfigError(
            f"head.target={target!r} is unknown. {suggest(target, TARGETS)}Choose one of {', '.join(TARGETS)}."
        )


@hookimpl
def dlc_heads() -> list[Component]:
    """Offer the built-in heads."""
    return [
        Component(
            name="deconv",
            target="dlc_plugins.heads.deconv:DeconvHead",
            config=DeconvConfig,
            summary="score map and location refinement, one transposed convolution each",
        )
    ]
