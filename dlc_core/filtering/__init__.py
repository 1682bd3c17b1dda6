"""Smoothing the trajectories of analysed videos: a filter, its store and its tables."""
