"""Built-in heads. To add one: a dataclass and a `Component` here, and a module beside this file.

A head owns its whole codec (targets, loss, decoding), so that the three cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlc_core.plugin_api import Component, hookimpl


@dataclass
class DeconvConfig:
    """Options of the head `deconv`; see `dlc_plugins.heads.deconv.DeconvHead`."""

    name: str = "deconv"
    target: str = "disc"
    pos_dist_thresh: float = 17.0
    locref_stdev: float = 7.2801
    locref_weight: float = 0.05
    intermediate_supervision: bool = False


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
