"""Refining: correct what a network found in new frames, and merge it into the labels."""
