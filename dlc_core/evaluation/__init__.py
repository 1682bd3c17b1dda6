"""Evaluation: errors against human labels, as numbers and pictures."""
