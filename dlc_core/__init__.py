"""dlc-core: a plugin framework for markerless pose estimation in the DeepLabCut tradition."""

__version__ = "0.1.0"
