"""Training: the Lightning module, its budget and schedule, snapshots and the log."""
