"""Hydra configs of dlc-core, imported as `dlc_configs`: verbs, presets and experiments."""
