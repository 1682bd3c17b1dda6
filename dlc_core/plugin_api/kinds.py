"""THE table of kinds of plugin: everything that differs between two kinds stands in one row here.

Registries, the bridge to Hydra, ``dlc plugins``, the kit for plugin authors and the documentation tests iterate over
`KINDS`.
To add a kind: one row here, one hook specification in `contract`, one protocol in `protocols`, one folder under
``plugins/`` and one behavioural check in `behaviour`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of plugin.

    Parameters
    ----------
    singular : str
        The word users read, and the attribute-safe name of the kind: ``"frame_selector"``.
    folder : str
        The folder of the built-in components, below ``plugins/``.
    hook : str
        The name of the pluggy hook that offers components of this kind.
    group : str
        The Hydra config group, that is, the word before ``=`` on the command line.
    protocol : str
        The protocol in `dlc_core.plugin_api.protocols` that a built component satisfies.
    context : tuple of str
        What a component gets besides its own options when it is built, as keyword arguments.
    many : bool
        Whether several components of this kind run at once; then each one's options live below ``<group>s.<name>``.
    summary : str
        One line for ``dlc plugins``.
    """

    singular: str
    folder: str
    hook: str
    group: str
    protocol: str
    context: tuple[str, ...] = ()
    many: bool = False
    summary: str

    def package(self, name: str) -> str:
        """Return where in a composed config the options of component or preset `name` live."""
        return f"{self.group}s.{name}" if self.many else self.group


KINDS: tuple[Kind, ...] = (
    Kind(
        singular="backbone",
        folder="backbones",
        hook="dlc_backbones",
        group="backbone",
        protocol="Backbone",
        summary="turns images into feature maps",
    ),
    Kind(
        singular="head",
        folder="heads",
        hook="dlc_heads",
        group="head",
        protocol="Head",
        context=("features", "skeleton"),
        summary="turns feature maps into poses, and labels into what to learn",
    ),
    Kind(
        singular="augmenter",
        folder="augmenters",
        hook="dlc_augmenters",
        group="augmenter",
        protocol="Augmenter",
        context=("skeleton", "preprocessing"),
        summary="varies training images together with their labels",
    ),
    Kind(
        singular="frame_selector",
        folder="frame_selectors",
        hook="dlc_frame_selectors",
        group="selector",
        protocol="FrameSelector",
        summary="chooses the frames of a video that are worth labelling",
    ),
    Kind(
        singular="outlier_detector",
        folder="outlier_detectors",
        hook="dlc_outlier_detectors",
        group="detector",
        protocol="OutlierDetector",
        context=("skeleton",),
        summary="scores how likely each frame's pose is wrong",
    ),
    Kind(
        singular="exporter",
        folder="exporters",
        hook="dlc_exporters",
        group="exporter",
        protocol="Exporter",
        many=True,
        summary="writes poses in a file format",
    ),
    Kind(
        singular="filter",
        folder="filters",
        hook="dlc_filters",
        group="filter",
        protocol="PoseFilter",
        summary="smooths trajectories",
    ),
)


def kind_of(singular: str) -> Kind:
    """Return the row of a kind.

    Raises
    ------
    KeyError
        There is no such kind (a bug of the caller, not of a user).
    """
    return {kind.singular: kind for kind in KINDS}[singular]
