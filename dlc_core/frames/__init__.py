"""Choosing the frames of a video that are worth labelling, and writing them to disk."""
