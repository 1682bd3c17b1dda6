"""Built-in plugins of dlc-core, imported as `dlc_plugins`; they use only what third parties can import."""
