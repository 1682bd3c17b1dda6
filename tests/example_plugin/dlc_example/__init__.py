"""A plugin package for dlc-core to start from."""
