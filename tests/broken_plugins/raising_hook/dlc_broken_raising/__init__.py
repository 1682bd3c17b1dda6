"""A plugin whose hook raises, with the entry-point name of dlc-example."""
