"""The project on disk: config.yaml, folders, videos, and where runs live."""
