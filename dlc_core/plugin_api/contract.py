"""What a plugin author imports, and the reference of every hook. Imports neither torch nor Hydra.

A plugin is a Python module that the entry-point group ``dlc`` names. Its functions, marked with `hookimpl`, return
`Component` records: a name for users, a string saying where the code is, and a dataclass with the options and defaults.
The code itself is imported when a component is built, so a plugin module must stay light: no torch, timm,
Lightning or OpenCV at import.

A minimal plugin package::

    # pyproject.toml
    [project.entry-points.dlc]
    mynet = "dlc_mynet.plugin"

    # dlc_mynet/plugin.py
    from dataclasses import dataclass
    from dlc_core.plugin_api import Component, hookimpl

    @dataclass
    class MyNetConfig:
        name: str = "my_net"
        width: int = 64

    @hookimpl
    def dlc_backbones():
        return [Component(name="my_net", target="dlc_mynet.net:MyNet", config=MyNetConfig, summary="a small net")]

After ``pip install``, ``dlc train backbone=my_net backbone.width=32`` works, in sweeps and on the command line's
help as well.

The registration hooks are called one implementation at a time, so that the provider of each component is known and a
broken plugin stops nobody else; pluggy's hook wrappers therefore do not apply to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pluggy

PROJECT = "dlc"
ENTRY_POINT_GROUP = "dlc"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing that users can select by name.

    Parameters
    ----------
    name : str
        What users write: ``backbone=my_net``. Lower snake case, the name papers use.
    target : str
        ``"package.module:attribute"``, a class or function; imported only when the component is built.
    config : type
        A dataclass at module level, the only home of the defaults. Its fields are ``name`` (defaulting to `name`) and
        the keyword arguments of the target, less the context of the kind.
    summary : str
        One line for ``dlc plugins``.
    install : str
        What to install when the import of the target fails: ``pip install "dlc-mynet[gpu]"``.
    """

    name: str
    target: str
    config: type
    summary: str = ""
    install: str = ""


@hookspec
def dlc_backbones() -> Iterable[Component]:
    """Offer backbones: modules that turn images into feature maps.

    Called once per process, when plugins are discovered. May import nothing heavy. The built object satisfies
    `dlc_core.plugin_api.protocols.Backbone` and is built with its own options only.

    Example::

        @hookimpl
        def dlc_backbones():
            return [Component(name="my_net", target="dlc_mynet.net:MyNet", config=MyNetConfig)]
    """


@hookspec
def dlc_heads() -> Iterable[Component]:
    """Offer heads: the part of the network that knows what a pose is, with its training targets and its decoding.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.Head`; besides its options it is built with ``features`` (channels and strides of the
    backbone's maps) and ``skeleton``.

    Example::

        @hookimpl
        def dlc_heads():
            return [Component(name="regression", target="dlc_mynet.head:RegressionHead", config=RegressionConfig)]
    """


@hookspec
def dlc_augmenters() -> Iterable[Component]:
    """Offer augmenters: random changes of a training image together with its labels.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.SampleAugmenter` or `BatchAugmenter`, and says which by its ``stage``. Besides its
    options it is built with ``skeleton`` and ``preprocessing``.

    Example::

        @hookimpl
        def dlc_augmenters():
            return [Component(name="fog", target="dlc_weather.fog:Fog", config=FogConfig)]
    """


@hookspec
def dlc_frame_selectors() -> Iterable[Component]:
    """Offer frame selectors: ways to choose the frames of a video that are worth labelling.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.FrameSelector`. The same selectors choose among outlier frames.

    Example::

        @hookimpl
        def dlc_frame_selectors():
            return [Component(name="motion", target="dlc_motion.select:Motion", config=MotionConfig)]
    """


@hookspec
def dlc_outlier_detectors() -> Iterable[Component]:
    """Offer outlier detectors: scores of how likely the pose of each frame is wrong.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.OutlierDetector`; besides its options it is built with ``skeleton``.

    Example::

        @hookimpl
        def dlc_outlier_detectors():
            return [Component(name="limb_length", target="dlc_limbs.detect:LimbLength", config=LimbLengthConfig)]
    """


@hookspec
def dlc_exporters() -> Iterable[Component]:
    """Offer exporters: file formats in which poses are written, and perhaps read.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.Exporter`. Several exporters may run after one analysis.

    Example::

        @hookimpl
        def dlc_exporters():
            return [Component(name="parquet", target="dlc_parquet.write:Parquet", config=ParquetConfig)]
    """


@hookspec
def dlc_filters() -> Iterable[Component]:
    """Offer filters: ways to smooth the trajectory of a body part.

    Called once per process, when plugins are discovered. The built object satisfies
    `dlc_core.plugin_api.protocols.PoseFilter`. The core hands it one body part of one animal at a time.

    Example::

        @hookimpl
        def dlc_filters():
            return [Component(name="lowpass", target="dlc_lowpass.filter:LowPass", config=LowPassConfig)]
    """


@hookspec
def dlc_config_paths() -> Iterable[str]:
    """Offer folders of YAML presets, as Hydra search-path entries: ``pkg://dlc_mynet.conf``.

    Called once per process, when plugins are discovered. A preset lives in a folder named like the config group
    (``conf/backbone/my_net_wide.yaml``), has a name that no component has, and starts ``defaults: [my_net, _self_]``.
    A preset of an exporter starts with the line ``# @package exporters.<preset>`` and ``defaults: [csv@_here_,
    _self_]``.

    Example::

        @hookimpl
        def dlc_config_paths():
            return ["pkg://dlc_mynet.conf"]
    """
