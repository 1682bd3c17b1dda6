"""Built-in outlier detectors."""
